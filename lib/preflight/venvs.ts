import { basename, dirname, join } from "@std/path";
import { isInside, minorOfName, minorOfVersionFile, rankVenvs, type Venv } from "../core/preflight/venv.ts";
import type { GitLocation } from "../programs/git.ts";
import type { Host } from "../host/host.ts";
import { isExecutable } from "../programs/user_path.ts";
import type { Project } from "../project/project.ts";

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

/** Looks for venvs in the project's root and, if that is another directory, at the top of its work tree. */
export async function findVenvs(host: Host, project: Project, location: GitLocation | null): Promise<Venvs> {
  const pattern = project.configuration.venv;
  const places = [...new Set([project.root, ...(location ? [location.topLevel] : [])])];
  const [found, versionFile, activePath] = await Promise.all([
    Promise.all(places.map((place) => venvsIn(host, place, pattern))),
    host.readText(join(project.root, ".python-version")),
    activeVenv(host),
  ]);
  const venvs = found.flat();
  let active: Venv | null = null;
  for (const venv of venvs) if (activePath !== null && await host.realPath(venv.path) === activePath) active = venv;
  // One that was activated from a deeper place of the project counts too.
  if (!active && activePath !== null && places.some((place) => isInside(activePath, place))) {
    const minor = minorOfName(basename(activePath), basename(pattern));
    if (minor !== null && await isExecutable(host, join(activePath, "bin/python"))) venvs.push(active = { path: activePath, minor });
  }
  const wantedMinor = minorOfVersionFile(versionFile);
  const warnings = await strangeness(host, project, { activePath, isOurs: active !== null, places, location });
  return { ranked: rankVenvs(venvs, { active: active?.path ?? null, minor: wantedMinor }), active: active?.path ?? null, wantedMinor, warnings };
}

async function venvsIn(host: Host, root: string, pattern: string): Promise<Venv[]> {
  const directory = join(root, dirname(pattern));
  const entries = await host.readDirectory(directory) ?? [];
  const venvs: Venv[] = [];
  for (const { name, kind } of entries) {
    const minor = kind === "directory" || kind === "symlink" ? minorOfName(name, basename(pattern)) : null;
    if (minor !== null && await isExecutable(host, join(directory, name, "bin/python"))) venvs.push({ path: join(directory, name), minor });
  }
  return venvs;
}

async function activeVenv(host: Host): Promise<string | null> {
  const given = host.env("VIRTUAL_ENV");
  return given ? await host.realPath(given) ?? given : null;
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
    const whose = isHere ? `, but this project uses ${pattern}` : `, the venv of another ${isSibling ? "checkout of this repository" : "project"}`;
    warnings.push(`VIRTUAL_ENV is ${activePath}${whose}: ignored`);
  }
  if (pattern !== ".venv" && await host.stat(join(project.root, ".venv/pyvenv.cfg")) !== null) {
    warnings.push(`there is a .venv: this project uses ${pattern}, never .venv`);
  }
  return warnings;
}
