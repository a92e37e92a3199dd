import { pasteable } from "../base/typed_command.ts";
import { isInside } from "../base/paths.ts";
import { basename, isAbsolute, join, relative, resolve } from "@std/path";
import { oldestMinor, requiresPythonOf, satisfies } from "./python_version.ts";
import { dotted, type Venv, venvName } from "../project/rules_venv.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { envCommand } from "../system/programs/env.ts";
import { type Interpreter, minorOf, runThroughEnv } from "../system/programs/python.ts";
import { findOnPath, isExecutable } from "../system/programs/user_path.ts";
import {
  findArguments,
  runPythonArguments,
  syncArguments,
  uvEnvironment,
} from "../system/programs/uv.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { Printer } from "../terminal/printer.ts";
import { hasUvLock } from "../project/workspace.ts";
import { canUvSync, commandsWithoutSync } from "../project/install_commands.ts";
import type { Project } from "../project/project.ts";
import type { Venvs } from "../project/venvs.ts";

/** What creating or choosing a venv needs to know. */
export interface VenvScene {
  readonly host: Host;
  readonly printer: Printer;
  readonly project: Project;
  readonly inherited: ReadonlyMap<string, string>;
  readonly venvs: Venvs;
}

/** The Python of a venv. */
export function pythonOf(venv: Venv): Interpreter {
  return {
    argv: [join(venv.path, "bin/python")],
    environment: {},
    venv: venv.path,
    minor: venv.minor || null,
  };
}

/**
 * The Python given by `--python`: its path, the path of its venv, or a name on PATH.
 *
 * @throws {UsageError} if there is no such Python
 */
export async function namedPython(
  { host, project }: VenvScene,
  named: string,
): Promise<Interpreter> {
  const here = resolve(host.cwd, named);
  const onPath = named.includes("/") ? null : await findOnPath(host, named, project.root);
  const candidates = [here, join(here, "bin/python"), ...(onPath === null ? [] : [onPath])];
  for (const python of candidates) {
    if (!await isExecutable(host, python)) continue;
    const venv = resolve(python, "../..");
    const isVenv = await host.files.stat(join(venv, "pyvenv.cfg")) !== null;
    return { argv: [python], environment: {}, venv: isVenv ? venv : null, minor: null };
  }
  throw new UsageError(
    `--python: there is no Python at "${named}"`,
    "--python PATH takes a Python or the directory of its venv",
  );
}

/**
 * `uv run python` as the Python: uv finds or creates the venv, which is slower.
 *
 * @throws {TractestError} 69 if there is no uv
 */
export async function uvRunPython(scene: VenvScene, venv: Venv | null): Promise<Interpreter> {
  const { project } = scene;
  const uv = await findOnPath(scene.host, "uv", project.root);
  if (uv === null) throw missingUv();
  const minor = venv?.minor ?? await minorForNewVenv(scene, uv);
  const path = venv?.path ?? venvName(scene.venvs.pattern, minor);
  return {
    argv: [uv, ...runPythonArguments(await hasUvLock(scene.host, scene.venvs.home))],
    environment: environmentOf(scene, path),
    venv: path,
    minor: minor || null,
  };
}

/** The command that creates or syncs a venv. */
export interface SyncPlan {
  readonly venv: Venv;
  /** Whether the venv exists already. */
  readonly exists: boolean;
  /** Null if uv is not installed: the plan can only be shown. */
  readonly argv: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  /** The command to paste: `UV_PROJECT_ENVIRONMENT=py313 uv sync`. */
  readonly shown: string;
  /** Why uv can't sync the project; null if it can. */
  readonly refusal: string | null;
}

/**
 * Plans to create a venv, or to sync an existing one with the lock file without removing packages.
 *
 * @param named the Python of `--python`, for a new venv
 * @throws {PreflightError} if no Python is found whose version would name a new venv
 */
export async function planSync(
  scene: VenvScene,
  existing: Venv | null,
  named: Interpreter | null = null,
): Promise<SyncPlan> {
  const { project } = scene;
  const uv = await findOnPath(scene.host, "uv", project.root);
  const minor = existing?.minor ?? (named ? await minorOfPython(scene, named.argv[0]!) : null) ??
    await minorForNewVenv(scene, uv);
  const venv = existing ?? { path: venvName(scene.venvs.pattern, minor), minor };
  const environment = environmentOf(scene, venv.path);
  // A directory without a Python was not found as a venv, but may still have packages to keep.
  const exists = existing !== null || await scene.host.files.stat(venv.path) !== null;
  // Named explicitly, so that uv's own choice can't contradict the name of the venv.
  const python = existing ? null : named?.argv[0] ?? (minor === "" ? null : dotted(minor));
  const args = syncArguments({
    venvExists: exists,
    locked: await hasUvLock(scene.host, scene.venvs.home),
    python,
  });
  const canSync = await canUvSync(scene.host, scene.venvs.home);
  if (uv === null || !canSync) {
    const shown = await commandsWithoutSync(scene.host, project.root, venv, {
      exists: existing !== null,
      withUv: uv !== null,
    });
    const refusal = canSync ? null : NO_PROJECT_TABLE;
    return { venv, exists, argv: null, environment, shown, refusal };
  }
  return {
    venv,
    exists,
    refusal: null,
    argv: [uv, ...args],
    environment,
    shown: pasteable(["uv", ...args], environment, project.root, scene.host.cwd),
  };
}

const NO_PROJECT_TABLE = "uv sync needs a pyproject.toml with [project]";

/** The environment in which uv uses a venv; empty if it uses that one by itself. */
function environmentOf(
  { host, venvs: { home } }: VenvScene,
  path: string,
): Readonly<Record<string, string>> {
  const given = host.env("UV_PROJECT_ENVIRONMENT");
  if (resolve(home, given || ".venv") === path) return given ? uvEnvironment(given) : {};
  return uvEnvironment(isInside(path, home) ? relative(home, path) : path);
}

/**
 * Runs the plan; the output of uv goes to standard error.
 *
 * @throws {PreflightError} if uv fails
 * @throws {TractestError} 69 if there is no uv
 */
export async function runSync(
  { host, printer, project, inherited }: VenvScene,
  plan: SyncPlan,
): Promise<Interpreter> {
  if (plan.refusal !== null) throw new PreflightError("sync", plan.refusal, plan.shown);
  if (plan.argv === null) throw missingUv(plan.shown);
  const verb = plan.exists ? "syncing" : "creating";
  printer.note(`${verb} the venv ${basename(plan.venv.path)}: ${plan.shown}`);
  // uv would warn about the VIRTUAL_ENV of another project.
  const { args, env } = envCommand({
    inherited,
    set: plan.environment,
    unset: ["VIRTUAL_ENV"],
    argv: plan.argv,
  });
  const child = host.programs.start("env", args, {
    why: plan.exists ? "sync the venv with the lock file" : "create the venv",
    cwd: project.root,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
    detached: false,
  });
  const { code } = await child.status;
  if (code !== 0) {
    const hint = `${plan.shown} && tractest run --sync`;
    throw new PreflightError("sync", `uv sync failed with exit code ${code}`, hint);
  }
  return pythonOf(plan.venv);
}

/**
 * The minor version for a new venv: of `.python-version`, of the Python that uv would use, of the
 * user's Python if `requires-python` accepts it, or the oldest that `requires-python` accepts.
 */
async function minorForNewVenv(scene: VenvScene, uv: string | null): Promise<string> {
  if (!scene.venvs.pattern.includes("<MINOR>")) return "";
  if (scene.venvs.wantedMinor !== null) return scene.venvs.wantedMinor;
  const { host, project, inherited } = scene;
  if (uv !== null) {
    const found = await runThroughEnv(host, [uv, ...findArguments()], {
      cwd: project.root,
      why: "which Python uv would use",
      inherited,
    });
    const python = new TextDecoder().decode(found.stdout).trim();
    const isFound = found.code === 0 && isAbsolute(python);
    const minor = isFound ? await minorOfPython(scene, python) : null;
    if (minor !== null) return minor;
  }
  const pyproject = await host.files.readText(join(project.root, "pyproject.toml"));
  const requirement = requiresPythonOf(pyproject);
  const accepts = (minor: string) =>
    requirement === null || satisfies(dotted(minor), requirement) !== false;
  for (const name of ["python", "python3"]) {
    const python = await findOnPath(host, name, project.root);
    const minor = python === null ? null : await minorOfPython(scene, python);
    if (minor !== null && accepts(minor)) return minor;
  }
  const oldest = requirement === null ? null : oldestMinor(requirement);
  if (oldest !== null) return oldest;
  throw new PreflightError(
    "no-python",
    "No Python found to create a venv with",
    "install Python or uv, or name one: --python PATH",
  );
}

async function minorOfPython(
  { host, inherited }: VenvScene,
  python: string,
): Promise<string | null> {
  const { code, stdout, stderr } = await runThroughEnv(host, [python, "--version"], {
    cwd: "/",
    why: "its version",
    inherited,
  });
  // Python 2 and 3.3 print it on standard error.
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? minorOf(/Python (\S+)/.exec(text)?.[1] ?? "") : null;
}

/** Whether a venv is elsewhere, perhaps behind a symlink, so that a sync must not change it. */
export async function isBorrowed(
  { host, project, venvs }: VenvScene,
  venv: Venv,
): Promise<boolean> {
  const real = await host.files.realPath(venv.path);
  return real !== null &&
    ![project.root, venvs.home, project.top].some((place) => place && isInside(real, place));
}

/** @param without the command that does without it */
function missingUv(without: string | null = null): TractestError {
  return new TractestError(
    "tool-missing",
    '"uv" is neither on PATH nor in ~/.local/bin',
    EXIT.toolMissing,
    without === null ? "install it: pip install uv" : `without uv: ${without}`,
  );
}
