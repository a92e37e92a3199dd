import { isInside } from "../base/paths.ts";
import { basename, dirname, join, relative } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { dotted, minorOfName, minorOfVersionFile, rankVenvs, type Venv } from "./rules_venv.ts";
import { TractestError } from "../errors.ts";
import type { GitLocation } from "../system/programs/git.ts";
import type { Host } from "../system/host.ts";
import { isExecutable } from "../system/programs/user_path.ts";
import type { Project } from "./project.ts";

/** The venvs of a project as they lie there, and what is strange about them. */
export interface Venvs {
  /** Those with a Python, best first. */
  readonly ranked: readonly Venv[];
  /** The path of the one that is active, if it is one of these. */
  readonly active: string | null;
  /** From `.python-version`. */
  readonly wantedMinor: string | null;
  readonly warnings: readonly string[];
}

/**
 * Looks for venvs in the project's root and, if that is another directory, at the top of its work
 * tree.
 */
export async function findVenvs(
  host: Host,
  project: Project,
  location: GitLocation | null,
): Promise<Venvs> {
  const pattern = project.configuration.venv;
  const places = [...new Set([project.root, ...(location ? [location.topLevel] : [])])];
  const [found, versionFile, activePath] = await Promise.all([
    Promise.all(places.map((place) => venvsIn(host, place, pattern))),
    host.files.readText(join(project.root, ".python-version")),
    activeVenv(host),
  ]);
  const venvs = found.flatMap(({ venvs }) => venvs);
  let active: Venv | null = null;
  for (const venv of venvs) {
    if (activePath !== null && await host.files.realPath(venv.path) === activePath) active = venv;
  }
  // One that was activated from a deeper place of the project counts too.
  if (!active && activePath !== null && places.some((place) => isInside(activePath, place))) {
    const minor = minorOfName(basename(activePath), basename(pattern));
    if (minor !== null && await isExecutable(host, join(activePath, "bin/python"))) {
      venvs.push(active = { path: activePath, minor });
    }
  }
  const wantedMinor = minorOfVersionFile(versionFile);
  const strange = await strangeness(host, project, {
    activePath,
    isOurs: active !== null,
    places,
    location,
  });
  const warnings = [...found.flatMap(({ unreachable }) => unreachable), ...strange];
  return {
    ranked: rankVenvs(venvs, { active: active?.path ?? null, minor: wantedMinor }),
    active: active?.path ?? null,
    wantedMinor,
    warnings,
  };
}

/** What is named like a venv in a directory: what can be used, and of what can't be why that is. */
async function venvsIn(
  host: Host,
  root: string,
  pattern: string,
): Promise<{ readonly venvs: readonly Venv[]; readonly unreachable: readonly string[] }> {
  const directory = join(root, dirname(pattern));
  const entries = await host.files.readDirectory(directory) ?? [];
  const [venvs, unreachable]: [Venv[], string[]] = [[], []];
  for (const { name, kind } of entries) {
    const minor = kind === "directory" || kind === "symlink"
      ? minorOfName(name, basename(pattern))
      : null;
    if (minor === null) continue;
    const venv = { path: join(directory, name), minor };
    if (await isExecutable(host, join(venv.path, "bin/python"))) venvs.push(venv);
    else unreachable.push(...await whyUnreachable(host, root, venv));
  }
  return { venvs, unreachable };
}

/**
 * Why the Python of a venv can't be started, and what to type; empty where there is none at all.
 */
async function whyUnreachable(host: Host, root: string, { path, minor }: Venv): Promise<string[]> {
  const python = join(path, "bin/python");
  const name = relative(root, path);
  const permit = shellCommand(["chmod", "-R", "u+rwX", name]);
  try {
    for (const link of [path, python]) {
      if (
        (await host.files.lstat(link))?.kind !== "symlink" || await host.files.stat(link) !== null
      ) continue;
      const [, home] =
        /^home *= *(.+)$/m.exec(await host.files.readText(join(path, "pyvenv.cfg")) ?? "") ?? [];
      const from = home === undefined ? "" : ` (it was made from ${home})`;
      const make = shellCommand([
        "uv",
        "sync",
        ...(minor === "" ? [] : ["--python", dotted(minor)]),
      ], { UV_PROJECT_ENVIRONMENT: name });
      return [
        `${relative(root, link)} is a link that leads nowhere${from}; to make the venv anew: ${
          shellCommand(["rm", "-r", name])
        } && ${make}`,
      ];
    }
    return await host.files.stat(python) === null
      ? []
      : [`${relative(root, python)} may not be executed; to permit it: ${permit}`];
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    return [`${error.message}; to permit it: ${permit}`];
  }
}

async function activeVenv(host: Host): Promise<string | null> {
  const given = host.env("VIRTUAL_ENV");
  return given ? await host.files.realPath(given) ?? given : null;
}

async function strangeness(
  host: Host,
  project: Project,
  { activePath, isOurs, places, location }: {
    activePath: string | null;
    isOurs: boolean;
    places: readonly string[];
    location: GitLocation | null;
  },
): Promise<string[]> {
  const pattern = project.configuration.venv;
  const warnings: string[] = [];
  if (activePath !== null && !isOurs) {
    const isHere = places.some((place) => isInside(activePath, place));
    const isSibling = location !== null && isInside(activePath, dirname(location.commonDirectory));
    const whose = isHere
      ? `, but this project uses ${pattern}`
      : `, the venv of another ${isSibling ? "checkout of this repository" : "project"}`;
    warnings.push(`VIRTUAL_ENV is ${activePath}${whose}: ignored`);
  }
  if (
    pattern !== ".venv" && await host.files.stat(join(project.root, ".venv/pyvenv.cfg")) !== null
  ) {
    warnings.push(`there is a .venv: this project uses ${pattern}, never .venv`);
  }
  return warnings;
}
