import { join } from "@std/path";
import { errorsOf, fitOf, lastLines } from "./import_check.ts";
import { shellCommand } from "../base/escape.ts";
import type { Remembered } from "./fingerprint.ts";
import type { CheckResult } from "./rules.ts";
import type { Host, ProgramResult } from "../system/host.ts";
import {
  checkArguments,
  collectArguments,
  collectedCount,
  type ImportFacts,
  type Interpreter,
  parseCheck,
  runPython,
} from "../system/programs/python.ts";
import { cacheDirectory, usable } from "../project/directories.ts";
import { type Package, packageOf } from "../project/package.ts";
import type { Project } from "../project/project.ts";
import { wholeSuiteOf } from "../project/targets.ts";
import { Memory } from "./remembered.ts";

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
  /** What is collected, as pytest takes it; null: the whole suite. */
  readonly targets: readonly string[] | null;
  /** Says what takes long. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
}

/**
 * Imports the package and collects the tests, both at once, unless nothing has changed since both
 * went well.
 */
export async function verify(scene: VerifyScene, interpreter: Interpreter): Promise<Verified> {
  const { host, project, targets } = scene;
  const [own, memory] = await Promise.all([
    packageOf(host, project),
    Memory.open(scene, interpreter),
  ]);
  const packages = [...new Set(["tractor", ...(own ? [own.importName] : [])])];
  const remembered = scene.fresh ? null : await memory.recall();
  if (remembered && remembered.files.length === packages.length) {
    return await recalled(scene, own, packages, remembered);
  }
  if (targets !== null && !scene.fresh) {
    // What collects as a whole does so in part.
    const whole = await (await Memory.open({ ...scene, targets: null }, interpreter)).recall();
    if (whole?.files.length === packages.length) {
      return await recalled({ ...scene, targets: null }, own, packages, whole);
    }
  }

  const collected = targets ?? await wholeSuiteOf(host, project);
  const check = await scene.during(
    "importing and collecting",
    startCheck(scene, interpreter, { packages, collected }),
  );
  const verified = await judge(scene, own, packages, check, interpreter);
  if (
    verified.import.status === "ok" && verified.collection.status === "ok" &&
    verified.fits === true && check.facts?.files
  ) {
    const { version, files, imported } = check.facts;
    await memory.keep({ pythonVersion: version, files, collected: check.count, imported });
  }
  return verified;
}

async function recalled(
  scene: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  remembered: Remembered,
): Promise<Verified> {
  const { pythonVersion, files, collected } = remembered;
  const { fits, detail } = await fit(scene, own, packages, {
    version: pythonVersion,
    files,
    byDirectoryOnly: false,
    failed: "",
    imported: [],
  });
  const note = "nothing changed since it was checked";
  return {
    import: { id: "import", status: "ok", detail: `${packages.join(", ")} (${note})`, fix: null },
    collection: {
      id: "collection",
      status: "ok",
      detail: `${countOf(scene, collected)} (${note})`,
      fix: null,
    },
    fits,
    fit: detail,
    pythonVersion,
  };
}

interface CheckOutcome {
  readonly facts: ImportFacts | null;
  /** The end of the traceback of an import that failed. */
  readonly traceback: string;
  /** How the collection ended, and the end of what it printed. */
  readonly collection: ProgramResult;
  readonly printed: string;
  /** How many tests; null when pytest did not say. */
  readonly count: number | null;
  /** What was collected, as pytest takes it. */
  readonly collected: readonly string[];
}

/**
 * One start of Python for both, since collecting imports the packages anyway. Where they come from
 * is looked up as if from outside of the project: with the root as working directory the checkout's
 * own source would be found in any venv.
 */
async function startCheck(
  scene: VerifyScene,
  interpreter: Interpreter,
  { packages, collected }: {
    readonly packages: readonly string[];
    readonly collected: readonly string[];
  },
): Promise<CheckOutcome> {
  const { host, project, inherited } = scene;
  const cache = await usable(host, await cacheDirectory(host), "pytest-cache");
  const run = (pytestArguments: readonly string[], why: string, timeoutMs: number) =>
    runPython(host, interpreter, checkArguments(packages, pytestArguments), {
      cwd: project.root,
      why,
      timeoutMs,
      inherited,
    });
  const command = shellCommand(["python", "-m", "pytest", ...collected, "-x", "-q", "--co"]);
  const steps = `python -c 'import ${packages.join(", ")}' && ${command}`;
  const collection = await run(
    collectArguments(collected, cache),
    `import and collection check: ${steps}`,
    COLLECTION_LIMIT_MS,
  );
  const { facts, pytest, traceback } = parseCheck(
    textOf(collection.stdout),
    textOf(collection.stderr),
  );
  const whole = {
    facts,
    traceback,
    collection,
    printed: pytest,
    count: collectedCount(pytest),
    collected,
  };
  if (facts === null || facts.failed !== null) return whole;
  // The collection took the whole process with it, or never ended.
  const alone = await run(
    [],
    `import smoke check: python -c 'import ${packages.join(", ")}'`,
    IMPORT_LIMIT_MS,
  );
  const again = parseCheck(textOf(alone.stdout), textOf(alone.stderr));
  const evidence = again.traceback !== ""
    ? again.traceback
    : evidenceOf(alone, again.pytest, IMPORT_LIMIT_MS);
  return { ...whole, facts: again.facts ?? facts, traceback: evidence };
}

async function judge(
  scene: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  check: CheckOutcome,
  interpreter: Interpreter,
): Promise<Verified> {
  const { facts } = check;
  const isImported = facts?.failed === "" && facts.files !== null;
  const { fits, detail } = isImported
    ? await fit(scene, own, packages, facts)
    : { fits: null, detail: "" };
  const evidence = check.traceback !== ""
    ? lastLines(check.traceback, EVIDENCE_LINES).join("\n")
    : evidenceOf(check.collection, check.printed, COLLECTION_LIMIT_MS);
  return {
    import: isImported ? importedRow(packages, facts) : {
      id: "import",
      status: "fail",
      detail: `Cannot import ${facts?.failed || packages[0]}\n${evidence}`.trimEnd(),
      fix: importFix(interpreter, packages, evidence),
    },
    collection: collectionRow(scene, interpreter, check),
    fits,
    fit: detail,
    pythonVersion: facts?.version ?? null,
  };
}

/** A package that is not there is most often one that a sync would install. */
function importFix(
  interpreter: Interpreter,
  packages: readonly string[],
  evidence: string,
): string {
  const command = shellCommand(
    [...interpreter.argv, "-c", `import ${packages.join(", ")}`],
    interpreter.environment,
  );
  return evidence.includes("ModuleNotFoundError") && interpreter.venv !== null
    ? `${command}\ntractest run --sync`
    : command;
}

function importedRow(
  packages: readonly string[],
  { files, byDirectoryOnly }: ImportFacts,
): CheckResult {
  const where = packages.map((name, index) =>
    `${name} from ${files?.[index] || "a namespace package"}`
  ).join("\n");
  if (!byDirectoryOnly) return { id: "import", status: "ok", detail: where, fix: null };
  return {
    id: "import",
    status: "warn",
    detail:
      `${where}\nfound only because the root is the working directory: it is not installed in the venv, and actors started elsewhere won't find it`,
    fix: "tractest run --sync",
  };
}

function collectionRow(
  scene: VerifyScene,
  interpreter: Interpreter,
  { collection, printed, count, collected }: CheckOutcome,
): CheckResult {
  const { project, host } = scene;
  if (collection.outcome === "exited" && collection.code === 0) {
    return { id: "collection", status: "ok", detail: countOf(scene, count), fix: null };
  }
  const problem = collection.outcome === "exited" && collection.code === 5
    ? "no tests were collected"
    : "the tests can't be collected";
  const command = shellCommand([
    ...interpreter.argv,
    "-m",
    "pytest",
    ...collected,
    "-x",
    "-q",
    "--co",
  ], interpreter.environment);
  return {
    id: "collection",
    status: "fail",
    detail: `${problem}\n${evidenceOf(collection, printed, COLLECTION_LIMIT_MS)}`.trimEnd(),
    fix: host.cwd === project.root ? command : `cd ${shellCommand([project.root])} && ${command}`,
  };
}

async function fit(
  { host, project }: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  { files, byDirectoryOnly }: ImportFacts,
) {
  if (!own || !files) return fitOf({ own: null, byDirectoryOnly }, project.root);
  const file = files[packages.indexOf(own.importName)]!;
  const directory = join(project.root, own.directory);
  // A namespace package has no file to tell it by.
  if (file === "") return { fits: true, detail: `${own.importName} is a namespace package` };
  const [realFile, realDirectory] = await Promise.all([
    host.files.realPath(file),
    host.files.realPath(directory),
  ]);
  return fitOf({
    own: { name: own.importName, directory: realDirectory ?? directory, file: realFile ?? file },
    byDirectoryOnly,
  }, project.root);
}

/** Targets that are named in a row, at most. */
const SHOWN_TARGETS = 3;

function countOf({ targets }: VerifyScene, count: number | null): string {
  const shown = targets?.slice(0, SHOWN_TARGETS).join(", ");
  const from = targets === null
    ? ""
    : ` from ${shown}${targets.length > SHOWN_TARGETS ? ", …" : ""}`;
  return `${count === null ? "all tests" : `${count} tests`} collected${from}`;
}

/** The end of what a program printed, after what the host knows about its end. */
function evidenceOf({ outcome }: ProgramResult, printed: string, limitMs: number): string {
  if (outcome === "missing") {
    return '"env" is not installed in any standard directory (package coreutils)';
  }
  const late = outcome === "timed-out" ? [`it did not end within ${limitMs / 1000} s`] : [];
  return [...late, ...lastLines(errorsOf(printed), EVIDENCE_LINES)].join("\n");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
