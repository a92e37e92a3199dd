import { isInside } from "../base/paths.ts";
import { join, relative } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { nullForTractestError } from "../errors.ts";
import { asTyped } from "../base/typed_command.ts";
import type { Interpreter } from "../system/programs/python.ts";
import type { Host } from "../system/host.ts";
import { findOnPath } from "../system/programs/user_path.ts";
import { syncArguments, uvEnvironment } from "../system/programs/uv.ts";
import { hasUvLock } from "./workspace.ts";
import { dotted, type Venv } from "./rules_venv.ts";

/**
 * Whether uv is installed: advice names it only then. Commands that may not read PATH, and so can't
 * know, assume it.
 */
export async function isUvInstalled(host: Host, root: string): Promise<boolean> {
  if (host.permissions.isRefused({ kind: "env", value: "PATH" })) return true;
  return await findOnPath(host, "uv", root) !== null;
}

/** The command that installs packages for the tests' Python, ready to paste in the root. */
export async function installFor(
  host: Host,
  root: string,
  { argv, venv }: Interpreter,
  packages: readonly string[],
): Promise<string> {
  const python = venv === null ? argv[0]! : join(venv, "bin/python");
  const [typed = python] = asTyped([python], root);
  return installCommand(await isUvInstalled(host, root), typed, packages);
}

function installCommand(
  withUv: boolean,
  python: string,
  packages: readonly string[],
): string {
  return shellCommand(
    withUv
      ? ["uv", "pip", "install", "--python", python, ...packages]
      : [python, "-m", "pip", "install", ...packages],
  );
}

/** The commands that make or fill a venv where `uv sync` can't, ready to paste in the root. */
export async function commandsWithoutSync(
  host: Host,
  root: string,
  venv: Venv,
  { exists, withUv }: { readonly exists: boolean; readonly withUv: boolean },
): Promise<string> {
  const names = await host.files.readDirectory(root).catch(nullForTractestError) ?? [];
  const isInstallable = names.some(({ name }) => name === "pyproject.toml" || name === "setup.py");
  const path = isInside(venv.path, root) ? relative(root, venv.path) : venv.path;
  const python = join(path, "bin/python");
  const fill = installCommand(
    withUv,
    withUv ? path : python,
    isInstallable ? ["-e", ".", "pytest"] : ["pytest"],
  );
  if (!exists) {
    const base = venv.minor === "" ? "python3" : `python${dotted(venv.minor)}`;
    const make = withUv ? ["uv", "venv", path] : [base, "-m", "venv", path];
    return `${shellCommand(make)} && ${fill}`;
  }
  // A venv that uv made has no pip.
  const hasPip = withUv ||
    await host.files.stat(join(venv.path, "bin/pip")).catch(nullForTractestError) !== null;
  return hasPip ? fill : `${shellCommand([python, "-m", "ensurepip"])} && ${fill}`;
}

/** Whether uv can sync a project: without a table `[project]` or a workspace it refuses. */
export async function canUvSync(host: Host, home: string): Promise<boolean> {
  const text = await host.files.readText(join(home, "pyproject.toml")).catch(nullForTractestError);
  return text !== null && /^\[(project|tool\.uv\.workspace)\]/m.test(text);
}

/** The command that makes a new venv in the root, ready to paste. */
export async function newVenvCommand(host: Host, root: string, venv: Venv): Promise<string> {
  const { path, minor } = venv;
  const withUv = await isUvInstalled(host, root);
  if (!withUv || !await canUvSync(host, root)) {
    return await commandsWithoutSync(host, root, venv, { exists: false, withUv });
  }
  const name = isInside(path, root) ? relative(root, path) : path;
  const locked = await hasUvLock(host, root).catch(nullForTractestError) ?? false;
  const python = minor === "" ? null : dotted(minor);
  const words = ["uv", ...syncArguments({ venvExists: false, locked, python })];
  return shellCommand(words, name === ".venv" ? {} : uvEnvironment(name));
}
