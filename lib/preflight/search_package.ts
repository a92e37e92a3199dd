import { evidenceOf, fit, parse, type Verified, type VerifyScene } from "./import_scene.ts";
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
 * do both, and to say what is wrong in its own words, with its own exit code.
 */
export async function search(scene: VerifyScene, interpreter: Interpreter): Promise<Verified> {
  const { host, project, inherited } = scene;
  const own = await packageOf(host, project);
  const packages = own === null ? [] : [own.importName];
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
  const { fits, detail, isCopy } = await fit(scene, own, packages, facts);
  return {
    import: own === null ? null : await foundCheck(scene, interpreter, own, facts.files),
    collection: null,
    fits,
    fit: detail,
    isCopy,
    pythonVersion: facts.version,
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
