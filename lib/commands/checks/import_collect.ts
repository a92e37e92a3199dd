import { join } from "@std/path";
import { fitOf, lastLines } from "../../core/import_check.ts";
import { shellCommand } from "../../core/escape.ts";
import type { Remembered } from "../../core/fingerprint.ts";
import type { CheckResult, Interpreter } from "../../core/preflight.ts";
import type { Host, ProgramResult } from "../../host/host.ts";
import { collectArguments, collectedCount, importArguments, type ImportFacts, parseImportFacts, runPython } from "../../programs/python.ts";
import { cacheDirectory, usable } from "../directories.ts";
import { type Package, packageOf } from "../package.ts";
import type { Project } from "../project.ts";
import { testsDirectoriesOf } from "../targets.ts";
import { Memory } from "./memory.ts";

const IMPORT_LIMIT_MS = 60_000;
const COLLECTION_LIMIT_MS = 180_000;
/** Lines of a failed program's output that are shown. */
const EVIDENCE_LINES = 15;

/** What importing and collecting with one interpreter came to. */
export interface Verified {
  readonly import: CheckResult;
  readonly collection: CheckResult;
  /** Whether the interpreter is one for this checkout; null when nothing could be imported. */
  readonly fits: boolean | null;
  /** The evidence for that. */
  readonly fit: string;
  /** `3.13.0`; null if Python did not even start. */
  readonly pythonVersion: string | null;
}

/** What {@linkcode verify} works with. */
export interface VerifyScene {
  readonly host: Host;
  readonly project: Project;
  readonly inherited: ReadonlyMap<string, string>;
  /** Looks again even if nothing has changed. */
  readonly fresh: boolean;
  /** Says what takes long. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
}

/** Imports the package and collects all tests, both at once, unless nothing has changed since both went well. */
export async function verify(scene: VerifyScene, interpreter: Interpreter): Promise<Verified> {
  const { host, project, inherited } = scene;
  const [own, memory] = await Promise.all([packageOf(host, project), Memory.open(host, project, interpreter, inherited)]);
  const packages = [...new Set(["tractor", ...(own ? [own.importName] : [])])];
  const remembered = scene.fresh ? null : await memory.recall();
  if (remembered && remembered.files.length === packages.length) return await recalled(scene, own, packages, remembered);

  const [imported, collection] = await Promise.all([
    scene.during(`importing ${packages.join(", ")}`, importPackages(scene, interpreter, packages)),
    scene.during("collecting the tests", collect(scene, interpreter)),
  ]);
  const verified = await judge(scene, own, packages, imported, collection, interpreter);
  if (verified.import.status === "ok" && verified.collection.status === "ok" && verified.fits === true && imported.facts) {
    const { version, prefix, files } = imported.facts;
    await memory.keep({ pythonVersion: version, prefix, files, collected: collection.count });
  }
  return verified;
}

async function recalled(scene: VerifyScene, own: Package | null, packages: readonly string[], remembered: Remembered): Promise<Verified> {
  const { pythonVersion, prefix, files, collected } = remembered;
  const imported = { facts: { version: pythonVersion, prefix, files }, byDirectoryOnly: false, evidence: "" };
  const { fits, detail } = await fit(scene, own, packages, imported);
  const note = "nothing changed since it was checked";
  return {
    import: { id: "import", status: "ok", detail: `${packages.join(", ")} (${note})`, fix: null },
    collection: { id: "collection", status: "ok", detail: `${countOf(collected)} (${note})`, fix: null },
    fits,
    fit: detail,
    pythonVersion,
  };
}

interface ImportOutcome {
  readonly facts: ImportFacts | null;
  /** Whether the packages were found only from the project's root. */
  readonly byDirectoryOnly: boolean;
  /** What Python said, if an import failed. */
  readonly evidence: string;
}

/**
 * Imports from outside of the project, as a process does that tractor started elsewhere: with the root as working directory the
 * checkout's own source would be found in any venv.
 */
async function importPackages(scene: VerifyScene, interpreter: Interpreter, packages: readonly string[]): Promise<ImportOutcome> {
  const { host, project, inherited } = scene;
  const why = "import smoke check: where the packages come from";
  const args = importArguments(packages);
  // uv finds the project by the working directory.
  const usesUv = interpreter.argv.length > 1;
  const away = usesUv ? project.root : "/";
  const result = await runPython(host, interpreter, args, { cwd: away, why, timeoutMs: IMPORT_LIMIT_MS, inherited });
  const facts = factsOf(result);
  if (facts?.files.length === packages.length) return { facts, byDirectoryOnly: false, evidence: "" };
  const evidence = evidenceOf(result, IMPORT_LIMIT_MS);
  if (usesUv || !/ModuleNotFoundError/.test(evidence)) return { facts, byDirectoryOnly: false, evidence };
  const again = await runPython(host, interpreter, args, { cwd: project.root, why: `${why}, from the root`, timeoutMs: IMPORT_LIMIT_MS, inherited });
  const factsHere = factsOf(again);
  if (factsHere?.files.length === packages.length) return { facts: factsHere, byDirectoryOnly: true, evidence: "" };
  return { facts: factsHere ?? facts, byDirectoryOnly: false, evidence: evidenceOf(again, IMPORT_LIMIT_MS) };
}

interface CollectionOutcome {
  readonly result: ProgramResult;
  readonly count: number | null;
}

async function collect({ host, project, inherited }: VerifyScene, interpreter: Interpreter): Promise<CollectionOutcome> {
  const cache = await usable(host, await cacheDirectory(host), "pytest-cache");
  const args = collectArguments(testsOf(project), cache);
  const result = await runPython(host, interpreter, args, {
    cwd: project.root,
    why: "collection check: all tests can be imported",
    timeoutMs: COLLECTION_LIMIT_MS,
    inherited,
  });
  return { result, count: collectedCount(textOf(result.stdout)) };
}

async function judge(
  scene: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  imported: ImportOutcome,
  collection: CollectionOutcome,
  interpreter: Interpreter,
): Promise<Verified> {
  const whole = imported.facts?.files.length === packages.length;
  const { fits, detail } = whole ? await fit(scene, own, packages, imported) : { fits: null, detail: "" };
  return {
    import: whole ? importedRow(packages, imported) : {
      id: "import",
      status: "fail",
      detail: `Cannot import ${packages[imported.facts?.files.length ?? 0]}\n${imported.evidence}`,
      fix: shellCommand([...interpreter.argv, "-c", `import ${packages.join(", ")}`]),
    },
    collection: collectionRow(scene, interpreter, collection),
    fits,
    fit: detail,
    pythonVersion: imported.facts?.version ?? null,
  };
}

function importedRow(packages: readonly string[], { facts, byDirectoryOnly }: ImportOutcome): CheckResult {
  const where = packages.map((name, index) => `${name} from ${facts!.files[index] || "a namespace package"}`).join("\n");
  if (!byDirectoryOnly) return { id: "import", status: "ok", detail: where, fix: null };
  return {
    id: "import",
    status: "warn",
    detail:
      `${where}\nfound only because the root is the working directory: it is not installed in the venv, and actors started elsewhere won't find it`,
    fix: "tractest run --sync",
  };
}

function collectionRow({ project, host }: VerifyScene, interpreter: Interpreter, { result, count }: CollectionOutcome): CheckResult {
  if (result.outcome === "exited" && result.code === 0) return { id: "collection", status: "ok", detail: countOf(count), fix: null };
  const problem = result.outcome === "exited" && result.code === 5 ? "no tests were collected" : "the tests can't be collected";
  const command = shellCommand([...interpreter.argv, "-m", "pytest", ...testsOf(project), "-x", "-q", "--co"]);
  return {
    id: "collection",
    status: "fail",
    detail: `${problem}\n${evidenceOf(result, COLLECTION_LIMIT_MS)}`.trimEnd(),
    fix: host.cwd === project.root ? command : `cd ${shellCommand([project.root])} && ${command}`,
  };
}

async function fit({ host, project }: VerifyScene, own: Package | null, packages: readonly string[], { facts, byDirectoryOnly }: ImportOutcome) {
  if (!own || !facts) return fitOf({ own: null, byDirectoryOnly }, project.root);
  const file = facts.files[packages.indexOf(own.importName)]!;
  const directory = join(project.root, own.directory);
  // A namespace package has no file to tell it by.
  if (file === "") return { fits: true, detail: `${own.importName} is a namespace package` };
  const [realFile, realDirectory] = await Promise.all([host.realPath(file), host.realPath(directory)]);
  return fitOf({ own: { name: own.importName, directory: realDirectory ?? directory, file: realFile ?? file }, byDirectoryOnly }, project.root);
}

/** The tests directories as a person types them: `tests/`. */
function testsOf(project: Project): string[] {
  return testsDirectoriesOf(project).map((directory) => directory === "." ? directory : `${directory}/`);
}

function countOf(count: number | null): string {
  return count === null ? "all tests collected" : `${count} tests collected`;
}

function factsOf(result: ProgramResult): ImportFacts | null {
  return parseImportFacts(textOf(result.stdout));
}

function evidenceOf({ outcome, stdout, stderr }: ProgramResult, limitMs: number): string {
  if (outcome === "missing") return '"env" is not installed at any standard place (package coreutils)';
  const late = outcome === "timed-out" ? [`it did not end within ${limitMs / 1000} s`] : [];
  return [...late, ...lastLines(`${textOf(stdout).replaceAll("\0", "\n")}\n${textOf(stderr)}`, EVIDENCE_LINES)].join("\n");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
