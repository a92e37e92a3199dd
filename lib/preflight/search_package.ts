import { evidenceOf, fit, parse, type Verified, type VerifyScene } from "./import_scene.ts";
import type { Remembered } from "./fingerprint.ts";
import { Memory } from "./remembered.ts";
import { isInside } from "../base/paths.ts";
import { join, resolve } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { type CheckResult, checkResult } from "./rules.ts";
import { installFor } from "../project/install_commands.ts";
import { type Package, packageOf } from "../project/package.ts";
import {
  checkArguments,
  FIND_ONLY,
  type Interpreter,
  runPython,
} from "../system/programs/python.ts";

const LIMIT_MS = 60_000;

/**
 * Searches the package under test without importing it, and collects nothing: pytest is about to
 * do both, and to say what is wrong in its own words, with its own exit code. Python starts only if
 * something has changed that decides what it finds.
 */
export async function search(scene: VerifyScene, interpreter: Interpreter): Promise<Verified> {
  const { host, project, inherited } = scene;
  const own = await packageOf(host, project);
  const packages = own === null ? [] : [own.importName];
  const memory = await Memory.open({ ...scene, targets: null, searched: own }, interpreter);
  const known = scene.fresh ? null : await memory.recall();
  if (known !== null) {
    const files = known.files.length === packages.length ? known.files : null;
    return await located(scene, interpreter, own, { ...known, files });
  }
  const result = await scene.during(
    "starting Python",
    runPython(host, interpreter, checkArguments(packages, FIND_ONLY), {
      cwd: project.root,
      why: own === null ? "does Python start" : `where is ${own.importName} imported from`,
      timeoutMs: LIMIT_MS,
      inherited,
    }),
  );
  const { facts, pytest: printed } = parse(result, packages);
  if (facts === null) {
    const detail = `Python does not start\n${evidenceOf(result, printed, LIMIT_MS)}`.trimEnd();
    const fix = shellCommand([...interpreter.argv, "--version"], interpreter.environment);
    const failed = checkResult("import", "fail", detail, fix);
    const unknown = { fits: null, fit: "", isCopy: false, pythonVersion: null };
    return { import: failed, collection: null, ...unknown };
  }
  const { version: pythonVersion, files, byDirectoryOnly } = facts;
  const found = { pythonVersion, files, byDirectoryOnly };
  const imported = (files ?? []).filter((file) => file !== "");
  await memory.keep({ ...found, files: files ?? [], collected: null, imported });
  return await located(scene, interpreter, own, found);
}

/** What a search found, now or earlier. */
interface Found extends Pick<Remembered, "pythonVersion" | "byDirectoryOnly"> {
  /** Null: the package was not found. */
  readonly files: readonly string[] | null;
}

async function located(
  scene: VerifyScene,
  interpreter: Interpreter,
  own: Package | null,
  { pythonVersion, files, byDirectoryOnly }: Found,
): Promise<Verified> {
  const packages = own === null ? [] : [own.importName];
  const facts = { version: pythonVersion, files, byDirectoryOnly, failed: null, imported: [] };
  const { fits, detail, isCopy } = await fit(scene, own, packages, facts);
  return {
    import: own === null ? null : await foundCheck(scene, interpreter, own, files),
    collection: null,
    fits,
    fit: detail,
    isCopy,
    pythonVersion,
  };
}

/** Says where the package is; a package that tests may not find is only a warning. */
async function foundCheck(
  scene: VerifyScene,
  interpreter: Interpreter,
  { importName, directory }: Package,
  files: readonly string[] | null,
): Promise<CheckResult> {
  const { project } = scene;
  if (files !== null) {
    const file = files[0] || "a namespace package";
    return checkResult("import", "ok", `${importName} is ${file}`);
  }
  const place = join(project.root, directory);
  const added = project.pytest?.pythonPaths.find((path) =>
    isInside(place, resolve(project.root, path))
  );
  if (added !== undefined) {
    return checkResult("import", "ok", `${importName} is ${directory}, by pythonpath = ${added}`);
  }
  const detail = `${importName} (${directory}) is not installed: tests that import it may fail`;
  return checkResult(
    "import",
    "warn",
    detail,
    await installFor(scene.host, project.root, interpreter, ["-e", "."]),
  );
}
