import { dirname, join } from "@std/path";
import type { Mark } from "../base/cookie.ts";
import type { Forest } from "../processes/forest.ts";
import type { DetailedProcess } from "../processes/process.ts";
import type { Host } from "../system/host.ts";
import { readExecutables } from "../system/programs/proc.ts";
import type { ProcessRow } from "../system/programs/ps.ts";
import { baseName, isPythonName, kindOf, mayBePytest, pythonDirectory } from "./rules_actor.ts";
import {
  BY_CODE,
  commandMentionsPytest,
  importedPaths,
  isKnownTitle,
  mayRunTestsBy,
  mentionsPytest,
  TOO_LARGE,
} from "./rules_runner.ts";
import { isOfCheckout, type ProjectPaths } from "./rules_ties.ts";

/** Characters of a file of code that are read. */
const FILE_HEAD = 64 * 1024;
/** Modules of one program that are read. */
const MOST_MODULES = 400;

/** Pids of processes that run tests, and of those that may, with the reason. */
export type Runners = ReadonlyMap<number, string | null>;

/** What is known of all processes when those that run tests are looked for. */
export interface RunnerScene {
  readonly project: ProjectPaths;
  readonly forest: Forest;
  readonly marks: ReadonlyMap<number, Mark>;
  /** Reads details of these processes and of all above them. */
  readonly read: (pids: readonly number[]) => Promise<void>;
  readonly details: ReadonlyMap<number, DetailedProcess>;
}

/**
 * Finds processes that run tests, or may: pytests, and each Python of which that can't be ruled out
 * by its code. Nothing else shows who started a process that lost its parents and names no run.
 */
export async function findRunners(host: Host, scene: RunnerScene): Promise<Runners> {
  const { forest, marks } = scene;
  const uid = host.uid();
  // Root may start a process of this user too, and any user one of root's (by sudo).
  const mayStart = (row: ProcessRow) => uid === 0 || row.uid === uid || row.uid === 0;
  const rows = [...forest.values()].filter((row) =>
    row.pid !== host.pid && row.state !== "Z" && mayStart(row)
  );
  const isPython = (row: ProcessRow) => pythonDirectory(row.args) !== null;
  const mayBe = rows.filter((row) =>
    mayBePytest(row.args) || (isPython(row) && commandMentionsPytest(row.args))
  );
  const others = rows.filter((row) => !mayBe.includes(row) && !marks.has(row.pid));
  const titled = await titledPythons(host, rows.filter((row) => !isPython(row)));
  const pythons = others.filter((row) => isPython(row) || titled.has(row.pid));
  await scene.read([...mayBe, ...pythons].map((row) => row.pid));
  const pytests = mayBe.filter(({ pid }) => {
    const process = scene.details.get(pid);
    const kind = process && kindOf(process.argv, process.comm);
    return !kind || kind.isPytest || kind.isPython || titled.has(pid);
  });
  const found = new Map<number, string | null>(pytests.map(({ pid }) => [pid, null]));
  await Promise.all(pythons.map(async ({ pid }) => {
    const process = scene.details.get(pid);
    const why = process ? await whyItMayRun(host, process, scene.project) : null;
    if (why !== null) found.set(pid, why);
  }));
  return found;
}

/** Of processes that don't look like Python, those that are. */
async function titledPythons(
  host: Host,
  rows: readonly ProcessRow[],
): Promise<ReadonlySet<number>> {
  const uid = host.uid();
  const own = rows.filter((row) => (uid === 0 || row.uid === uid) && row.ppid !== 2);
  const executables = await readExecutables(host, own.map((row) => row.pid));
  const isPython = ([, path]: [number, string]) => isPythonName(baseName(path));
  return new Set([...executables].filter(isPython).map(([pid]) => pid));
}

/** Why a Python may run tests; null if it does not. */
async function whyItMayRun(
  host: Host,
  process: DetailedProcess,
  project: ProjectPaths,
): Promise<string | null> {
  const { argv, comm, cwd, place, sameNamespaces } = process;
  if (argv === null) return null;
  const directories = [...(cwd === null ? [] : [cwd]), project.root, join(project.root, "src")];
  const isTitle = argv.length === 1 && /\s/.test(argv[0]!);
  const program = mayRunTestsBy(isTitle ? ["title"] : argv, directories);
  // What can't be ruled out matters where this project's tests may run.
  const isNear = argv.includes("-") || (sameNamespaces !== false && place !== "other-project" &&
    (place !== "elsewhere" || isOfCheckout(process, project)));
  if (program.kind === "may") {
    return isNear && !isKnownTitle(argv, comm) ? program.why : null;
  }
  const entry = await firstFile(host, program.files);
  if (program.text === null && entry === null) return isNear ? program.otherwise : null;
  const text = program.text ?? entry!.text;
  const own = entry === null ? [] : [dirname(entry.path)];
  return await whyCodeMayRun(host, text, entry?.path ?? null, [
    ...new Set([...own, ...directories]),
  ]);
}

/** Why code may run tests, itself or by a module of the project that it imports; null if not. */
async function whyCodeMayRun(
  host: Host,
  text: string,
  path: string | null,
  directories: readonly string[],
): Promise<string | null> {
  const read = new Set<string>();
  const waiting = [{ text, path }];
  for (let code = waiting.pop(); code !== undefined; code = waiting.pop()) {
    if (mentionsPytest(code.text)) return BY_CODE;
    const { absolute, relative } = importedPaths(code.text);
    const modules = [
      ...absolute.map((one) => directories.map((directory) => join(directory, one))),
      ...(code.path === null ? [] : relative.map((one) => [join(dirname(code.path!), one)])),
    ];
    for (const places of modules) {
      const files = places.flatMap((one) => [`${one}.py`, `${one}/__init__.py`]);
      const module = await firstFile(host, files);
      if (module === null || read.has(module.path)) continue;
      if (read.add(module.path).size > MOST_MODULES) return TOO_LARGE;
      waiting.push(module);
    }
  }
  return null;
}

/** The first of these files that is there. */
async function firstFile(
  host: Host,
  paths: readonly string[],
): Promise<{ readonly path: string; readonly text: string } | null> {
  for (const path of paths) {
    const bytes = (await host.files.stat(path).catch(() => null))?.kind === "file"
      ? await host.files.readFrom(path, 0, FILE_HEAD).catch(() => null)
      : null;
    if (bytes !== null) return { path, text: new TextDecoder().decode(bytes) };
  }
  return null;
}
