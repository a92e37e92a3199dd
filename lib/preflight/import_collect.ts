import { PYTEST_EXIT } from "../tables/exit_codes.ts";
import {
  EVIDENCE_LINES,
  evidenceOf,
  fit,
  parse,
  syncFix,
  type Verified,
  type VerifyScene,
} from "./import_scene.ts";
import { plural } from "../base/plural.ts";
import { linesWithText } from "../base/last_lines.ts";
import { shellCommand } from "../base/escape.ts";
import { pasteable } from "../base/typed_command.ts";
import type { Remembered } from "./fingerprint.ts";
import { type CheckResult, checkResult } from "./rules.ts";
import type { ProgramResult } from "../system/host.ts";
import {
  checkArguments,
  collectArguments,
  collectedCount,
  type ImportFacts,
  type Interpreter,
  runPython,
} from "../system/programs/python.ts";
import { cacheDirectory, usable } from "../project/directories.ts";
import { type Package, packageOf } from "../project/package.ts";
import type { Project } from "../project/project.ts";
import { wholeSuiteOf } from "../project/targets.ts";
import { Memory } from "./remembered.ts";

const IMPORT_LIMIT_MS = 60_000;
const COLLECTION_LIMIT_MS = 180_000;
const NO_PACKAGE = "the project has no package of its own: nothing to import";
const COLLECT_OPTIONS = ["-x", "-q", "--co"] as const;

/** Imports the package and collects the tests, unless nothing changed since that last succeeded. */
export async function verify(scene: VerifyScene, interpreter: Interpreter): Promise<Verified> {
  const { host, project, targets } = scene;
  if (!scene.collects) {
    return await (await import("./search_package.ts")).search(scene, interpreter);
  }
  const [own, memory] = await Promise.all([
    packageOf(host, project),
    Memory.open(scene, interpreter),
  ]);
  const runtime = project.profile === "tractor" ? ["tractor"] : [];
  const packages = [...new Set([...runtime, ...(own ? [own.importName] : [])])];
  const remembered = scene.fresh ? null : await memory.recall();
  if (remembered && remembered.files.length === packages.length) {
    return await recalled(scene, own, packages, remembered);
  }
  if (targets !== null && !scene.fresh) {
    // If the whole suite can be collected, so can a part of it.
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
    verified.import?.status === "ok" && verified.collection?.status === "ok" &&
    verified.fits === true && check.facts?.files
  ) {
    const { version, files, byDirectoryOnly, imported } = check.facts;
    const collected = check.count;
    await memory.keep({ pythonVersion: version, files, byDirectoryOnly, collected, imported });
  }
  return verified;
}

async function recalled(
  scene: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  remembered: Remembered,
): Promise<Verified> {
  const { pythonVersion, files, byDirectoryOnly, collected } = remembered;
  const { fits, detail, isCopy } = await fit(scene, own, packages, {
    version: pythonVersion,
    files,
    byDirectoryOnly,
    failed: "",
    imported: [],
  });
  const note = "unchanged since the last check";
  return {
    import: checkResult("import", "ok", `${packages.join(", ") || NO_PACKAGE} (${note})`),
    collection: checkResult("collection", "ok", `${countOf(scene, collected)} (${note})`),
    fits,
    fit: detail,
    isCopy,
    pythonVersion,
  };
}

interface CheckOutcome {
  readonly facts: ImportFacts | null;
  /** The traceback of a failed import. */
  readonly traceback: string;
  readonly collection: ProgramResult;
  /** The output of the collection. */
  readonly printed: string;
  /** Number of tests; null if pytest did not print it. */
  readonly count: number | null;
  /** The collected targets, as pytest takes them. */
  readonly collected: readonly string[];
}

/**
 * Starts Python once for both checks, since collecting imports the packages anyway. The packages
 * are searched as from outside the project: with the root as working directory, any venv would
 * find the checkout's own source.
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
  const imports = `python -c 'import ${packages.join(", ")}'`;
  const collects = shellCommand(["python", "-m", "pytest", ...collected, ...COLLECT_OPTIONS]);
  const collection = await run(
    collectArguments(collected, cache),
    packages.length === 0
      ? `collection check: ${collects}`
      : `import and collection check: ${imports} && ${collects}`,
    COLLECTION_LIMIT_MS,
  );
  const { facts, pytest: printed, traceback } = parse(collection, packages);
  const count = collectedCount(printed);
  const outcome = { facts, traceback, collection, printed, count, collected };
  if (facts === null || facts.failed !== null) return outcome;
  // The collection ended the whole process, or never ended: import without it.
  const alone = await run([], `import smoke check: ${imports}`, IMPORT_LIMIT_MS);
  const again = parse(alone, packages);
  const evidence = again.traceback || evidenceOf(alone, again.pytest, IMPORT_LIMIT_MS);
  return { ...outcome, facts: again.facts ?? facts, traceback: evidence };
}

async function judge(
  scene: VerifyScene,
  own: Package | null,
  packages: readonly string[],
  check: CheckOutcome,
  interpreter: Interpreter,
): Promise<Verified> {
  const { project } = scene;
  const { facts } = check;
  const isImported = facts?.failed === "" && facts.files !== null;
  const { fits, detail, isCopy } = isImported
    ? await fit(scene, own, packages, facts)
    : { fits: null, detail: "", isCopy: false };
  const evidence = check.traceback !== ""
    ? linesWithText(check.traceback).slice(-EVIDENCE_LINES).join("\n")
    : evidenceOf(check.collection, check.printed, COLLECTION_LIMIT_MS);
  const collection = collectionCheck(scene, interpreter, check);
  const fill = await syncFix(scene, interpreter);
  // What no test needs is no failure: the package may have been taken for the one under test.
  const isNeeded = project.profile === "tractor" || facts === null || collection.status !== "ok";
  return {
    import: isImported ? importedCheck(project, packages, facts, fill) : checkResult(
      "import",
      isNeeded ? "fail" : "warn",
      `${cannotImport(facts?.failed || packages[0])}\n${evidence}`.trimEnd(),
      importFix(interpreter, packages, evidence, fill),
    ),
    collection,
    fits,
    fit: detail,
    isCopy,
    pythonVersion: facts?.version ?? null,
  };
}

/** Without a package only a Python that does not start is a failure. */
function cannotImport(name: string | undefined): string {
  return name === undefined ? "Python does not start" : `Cannot import ${name}`;
}

/** A missing module is usually one that a sync installs. */
function importFix(
  interpreter: Interpreter,
  packages: readonly string[],
  evidence: string,
  fill: string,
): string {
  const words = packages.length === 0 ? ["--version"] : ["-c", `import ${packages.join(", ")}`];
  const command = shellCommand([...interpreter.argv, ...words], interpreter.environment);
  return evidence.includes("ModuleNotFoundError") && interpreter.venv !== null
    ? `${command}\n${fill}`
    : command;
}

function importedCheck(
  { profile }: Project,
  packages: readonly string[],
  { files, byDirectoryOnly }: ImportFacts,
  fill: string,
): CheckResult {
  if (packages.length === 0) return checkResult("import", "ok", NO_PACKAGE);
  const where = packages.map((name, index) =>
    `${name} from ${files?.[index] || "a namespace package"}`
  );
  // Only actors are started elsewhere as a matter of course.
  const isNormal = !byDirectoryOnly || profile === "plain";
  if (isNormal) return checkResult("import", "ok", where.join("\n"));
  const detail = [
    ...where,
    "found only because the project's root is the working directory: it is not installed in the " +
    "venv, and processes that are started elsewhere can't import it",
  ];
  return checkResult("import", "warn", detail.join("\n"), fill);
}

function collectionCheck(
  scene: VerifyScene,
  interpreter: Interpreter,
  { collection, printed, count, collected }: CheckOutcome,
): CheckResult {
  const { project, host } = scene;
  const code = collection.outcome === "exited" ? collection.code : null;
  if (code === 0) return checkResult("collection", "ok", countOf(scene, count));
  const problem = code === PYTEST_EXIT.noTests
    ? "no tests were collected"
    : "the tests can't be collected";
  const evidence = evidenceOf(collection, printed, COLLECTION_LIMIT_MS);
  const words = [...interpreter.argv, "-m", "pytest", ...collected, ...COLLECT_OPTIONS];
  const fix = pasteable(words, interpreter.environment, project.root, host.cwd);
  return checkResult("collection", "fail", `${problem}\n${evidence}`.trimEnd(), fix);
}

/** Maximum number of targets that a row lists. */
const LISTED_TARGETS = 3;

function countOf({ targets }: VerifyScene, count: number | null): string {
  const tests = count === null ? "all tests" : plural(count, "test");
  if (targets === null) return `${tests} collected`;
  const more = targets.length > LISTED_TARGETS ? ", …" : "";
  return `${tests} collected from ${targets.slice(0, LISTED_TARGETS).join(", ")}${more}`;
}
