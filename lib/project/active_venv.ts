import { isInside } from "../base/paths.ts";
import { basename, dirname, join } from "@std/path";
import { type FoundVenv, minorOfConfig, minorOfName, type VenvNames } from "./rules_venv.ts";
import { PROJECT_FILES } from "./project_files.ts";
import { DEFAULT_VENV } from "../tables/defaults.ts";
import type { Host } from "../system/host.ts";
import { isExecutable } from "../system/programs/user_path.ts";

/** What the active venv is compared with. */
export interface ActiveScene {
  /** The venvs found in the project. */
  readonly all: readonly FoundVenv[];
  /** The project's root and what is above it in its work tree. */
  readonly places: readonly string[];
  readonly wanted: VenvNames;
  readonly isTractor: boolean;
}

/** The active venv, or why it is not used. */
export interface Active {
  /** Null if there is none that the project can use. */
  readonly active: string | null;
  /** It, unless it is among those found. */
  readonly added: readonly FoundVenv[];
  readonly warnings: readonly string[];
}

const SIBLING = "checkout of this repository";

/**
 * The venv that VIRTUAL_ENV names. One inside the project is its own; so is one outside that has
 * this checkout installed, or that belongs to no other project (`~/.virtualenvs/app`).
 */
export async function activeVenv(host: Host, scene: ActiveScene): Promise<Active> {
  const { all, places, isTractor } = scene;
  const given = host.env("VIRTUAL_ENV");
  if (!given) return { active: null, added: [], warnings: [] };
  const real = await host.files.realPath(given) ?? given;
  let known: FoundVenv | null = null;
  for (const venv of all) if (await host.files.realPath(venv.path) === real) known ??= venv;
  if (known) return { active: known.path, added: [], warnings: [] };
  const refused = (why: string) => ({
    active: null,
    added: [],
    warnings: [`VIRTUAL_ENV is ${real}${why}: ignored`],
  });
  const isWithin = places.some((place) => isInside(real, place));
  const minor = minorOfName(basename(real), basename(scene.wanted.configured ?? DEFAULT_VENV));
  const used = scene.wanted.configured ?? DEFAULT_VENV;
  if (isTractor && isWithin && minor === null) return refused(`, but this project uses ${used}`);
  if (!await isExecutable(host, join(real, "bin/python"))) return refused(", which has no Python");
  const owner = isWithin ? null : await ownerOf(host, real);
  if (isTractor ? !isWithin : owner !== null && !await installsFrom(host, real, places)) {
    const isSibling = owner !== null && await repositoryOf(host, owner) ===
        await repositoryOf(host, places.at(-1)!);
    return refused(`, the venv of another ${isSibling ? SIBLING : "project"}`);
  }
  const config = await host.files.readText(join(real, "pyvenv.cfg")).catch(() => null);
  const venv: FoundVenv = {
    path: real,
    minor: minor || minorOfConfig(config),
    kind: "active",
    height: 0,
  };
  return { active: real, added: [venv], warnings: [] };
}

/** The project to which a venv outside of ours belongs, by its place; null without one. */
async function ownerOf(host: Host, venv: string): Promise<string | null> {
  const home = host.env("HOME");
  for (
    let place = dirname(venv);
    place !== home && place !== dirname(place);
    place = dirname(place)
  ) {
    for (const name of [".git", ...PROJECT_FILES]) {
      if (await host.files.lstat(join(place, name)).catch(() => null) !== null) return place;
    }
  }
  return null;
}

/** The main checkout of the repository of a work tree; the directory itself without git. */
async function repositoryOf(host: Host, top: string): Promise<string> {
  // A directory in a main checkout, a file in a linked worktree.
  const text = await host.files.readText(join(top, ".git")).catch(() => null);
  return /^gitdir: (.+)\/\.git\/worktrees\/[^/]+\s*$/.exec(text ?? "")?.[1] ?? top;
}

/** Whether a venv has a package installed from one of some directories, editable or not. */
async function installsFrom(
  host: Host,
  venv: string,
  places: readonly string[],
): Promise<boolean> {
  const list = async (path: string) => await host.files.readDirectory(path).catch(() => null) ?? [];
  const texts: (string | null)[] = [];
  for (const python of await list(join(venv, "lib"))) {
    const packages = join(venv, "lib", python.name, "site-packages");
    for (const { name } of await list(packages)) {
      const file = recordOf(name);
      if (file === null) continue;
      texts.push(await host.files.readText(join(packages, file)).catch(() => null));
    }
  }
  return places.some((place) => texts.some((text) => text !== null && names(text, place)));
}

/** The file that says where an installed package came from; null if it is not one. */
function recordOf(name: string): string | null {
  if (name.endsWith(".dist-info")) return join(name, "direct_url.json");
  return /\.(pth|egg-link)$|^__editable__.*\.py$/.test(name) ? name : null;
}

/** Whether a text contains the path of a directory, as a path or in a URL. */
function names(text: string, directory: string): boolean {
  const quoted = directory.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`${quoted}(?![^/"'\\s])`).test(decodeUrl(text));
}

function decodeUrl(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
