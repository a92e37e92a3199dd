import { isInside } from "../base/paths.ts";
import { basename, dirname, join, relative } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { dotted, minorOfName, minorOfVersionFile, rankVenvs, type Venv } from "./rules_venv.ts";
import { TractestError } from "../errors.ts";
import type { GitLocation } from "../system/programs/git.ts";
import type { Host } from "../system/host.ts";
import { isExecutable } from "../system/programs/user_path.ts";
import type { Project } from "./project.ts";

/** The venvs of a project, and warnings about them. */
export interface Venvs {
  /** Venvs with a Python, best first. */
  readonly ranked: readonly Venv[];
  /** The path of the active one; null if it is not one of these. */
  readonly active: string | null;
  /** From `.python-version`. */
  readonly wantedMinor: string | null;
  readonly warnings: readonly string[];
}

/** Finds venvs in the project's root and at the top of its work tree. */
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
  // A venv deeper in the project counts too if it is active.
  if (!active && activePath !== null && places.some((place) => isInside(activePath, place))) {
    const minor = minorOfName(basename(activePath), basename(pattern));
    if (minor !== null && await isExecutable(host, join(activePath, "bin/python"))) {
      venvs.push(active = { path: activePath, minor });
    }
  }
  const wantedMinor = minorOfVersionFile(versionFile);
  const foreign = active === null ? activePath : null;
  const warnings = [
    ...found.flatMap(({ unusable }) => unusable),
    ...(foreign === null ? [] : [foreignWarning(foreign, pattern, places, location)]),
  ];
  const ignored = join(project.root, ".venv/pyvenv.cfg");
  if (pattern !== ".venv" && await host.files.stat(ignored) !== null) {
    warnings.push(`.venv is ignored: this project uses ${pattern}`);
  }
  return {
    ranked: rankVenvs(venvs, { active: active?.path ?? null, minor: wantedMinor }),
    active: active?.path ?? null,
    wantedMinor,
    warnings,
  };
}

/** The directories that are named like a venv: those that can be used, and why others can't. */
async function venvsIn(
  host: Host,
  root: string,
  pattern: string,
): Promise<{ readonly venvs: readonly Venv[]; readonly unusable: readonly string[] }> {
  const directory = join(root, dirname(pattern));
  const entries = await host.files.readDirectory(directory) ?? [];
  const [venvs, unusable]: [Venv[], string[]] = [[], []];
  for (const { name, kind } of entries) {
    const minor = kind === "directory" || kind === "symlink"
      ? minorOfName(name, basename(pattern))
      : null;
    if (minor === null) continue;
    const venv = { path: join(directory, name), minor };
    if (await isExecutable(host, join(venv.path, "bin/python"))) venvs.push(venv);
    else unusable.push(...await whyUnusable(host, root, venv));
  }
  return { venvs, unusable };
}

/** Why a venv's Python can't be started, and the command that helps; empty without a Python. */
async function whyUnusable(host: Host, root: string, venv: Venv): Promise<string[]> {
  const python = join(venv.path, "bin/python");
  const permit = shellCommand(["chmod", "-R", "u+rwX", relative(root, venv.path)]);
  try {
    for (const link of [venv.path, python]) {
      const isLink = (await host.files.lstat(link))?.kind === "symlink";
      if (isLink && await host.files.stat(link) === null) {
        const config = await host.files.readText(join(venv.path, "pyvenv.cfg"));
        return [
          brokenLinkText(relative(root, link), relative(root, venv.path), venv.minor, config),
        ];
      }
    }
    return await host.files.stat(python) === null
      ? []
      : [`${relative(root, python)} is not executable; to allow it: ${permit}`];
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    return [`${error.message}; to allow it: ${permit}`];
  }
}

function brokenLinkText(link: string, name: string, minor: string, config: string | null): string {
  const home = /^home *= *(.+)$/m.exec(config ?? "")?.[1];
  const from = home === undefined ? "" : ` (it was made from ${home})`;
  const words = ["uv", "sync", ...(minor === "" ? [] : ["--python", dotted(minor)])];
  const sync = shellCommand(words, { UV_PROJECT_ENVIRONMENT: name });
  const remove = shellCommand(["rm", "-r", name]);
  return `${link} is a broken symlink${from}; to recreate the venv: ${remove} && ${sync}`;
}

async function activeVenv(host: Host): Promise<string | null> {
  const given = host.env("VIRTUAL_ENV");
  return given ? await host.files.realPath(given) ?? given : null;
}

/** Says that VIRTUAL_ENV is not used. */
function foreignWarning(
  active: string,
  pattern: string,
  places: readonly string[],
  location: GitLocation | null,
): string {
  const repository = location && dirname(location.commonDirectory);
  const isSibling = repository !== null && isInside(active, repository);
  const owner = isSibling ? "checkout of this repository" : "project";
  const why = places.some((place) => isInside(active, place))
    ? `, but this project uses ${pattern}`
    : `, the venv of another ${owner}`;
  return `VIRTUAL_ENV is ${active}${why}: ignored`;
}
