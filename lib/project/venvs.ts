import { basename, dirname, isAbsolute, join, relative, resolve } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import {
  CONVENTIONAL_VENVS,
  type FoundVenv,
  minorOfConfig,
  minorOfName,
  minorOfVersionFile,
  rankVenvs,
  type Venv,
  type VenvKind,
  type VenvNames,
} from "./rules_venv.ts";
import { TractestError } from "../errors.ts";
import { DEFAULT_VENV } from "../tables/defaults.ts";
import type { Host } from "../system/host.ts";
import { isExecutable } from "../system/programs/user_path.ts";
import { activeVenv } from "./active_venv.ts";
import { newVenvCommand } from "./install_commands.ts";
import { isTractorItself } from "./package.ts";
import type { Project } from "./project.ts";
import { workspaceOf } from "./workspace.ts";

/** The venvs of a project, and warnings about them. */
export interface Venvs {
  /** Venvs with a Python, best first. */
  readonly ranked: readonly FoundVenv[];
  /** The path of the active one; null if it is not one of these. */
  readonly active: string | null;
  /** From `.python-version`. */
  readonly wantedMinor: string | null;
  /** Where uv keeps `uv.lock` and `.venv`: the project's root, or that of its workspace. */
  readonly home: string;
  /** Where a new one would be made: an absolute path, with `<MINOR>` for `313`. */
  readonly pattern: string;
  /** The names that were looked for. */
  readonly names: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Finds the venvs of a project: in its root, and above it up to the top of its work tree or of its
 * workspace.
 */
export async function findVenvs(host: Host, project: Project): Promise<Venvs> {
  const [workspace, isTractor] = await Promise.all([
    workspaceOf(host, project.root),
    isTractorItself(host, project),
  ]);
  const places = placesOf(project, workspace);
  const home = workspace ?? project.root;
  const wanted = namesOf(host, project, isTractor);
  const [found, versionFile] = await Promise.all([
    Promise.all(places.map((place, height) => venvsIn(host, { place, height, wanted, project }))),
    host.files.readText(join(project.root, ".python-version")),
  ]);
  const wantedMinor = minorOfVersionFile(versionFile);
  const all = found.flatMap(({ venvs }) => venvs);
  const { active, warnings, added } = await activeVenv(host, { all, places, wanted, isTractor });
  const venvs = [...all, ...added].map((venv): FoundVenv =>
    venv.path === active ? { ...venv, kind: "active" } : venv
  );
  return {
    ranked: rankVenvs(preferConfigured(venvs, wanted.configured), wantedMinor),
    active,
    wantedMinor,
    home,
    pattern: patternOf(project, { venvs, wanted, home }),
    names: [
      wanted.configured ?? wanted.versioned,
      ...(wanted.uv === null ? [] : [wanted.uv]),
      ...wanted.conventional,
    ],
    warnings: [
      ...found.flatMap(({ unusable }) => unusable),
      ...warnings,
      ...await refusals(host, project, { venvs, wanted, isTractor }),
    ],
  };
}

function namesOf(host: Host, { tractest, configuration }: Project, isTractor: boolean): VenvNames {
  const isConfigured = configuration.venv !== DEFAULT_VENV ||
    (tractest !== null && "venv" in tractest);
  return {
    configured: isConfigured ? configuration.venv : null,
    versioned: DEFAULT_VENV,
    uv: isTractor ? null : host.env("UV_PROJECT_ENVIRONMENT") || null,
    conventional: isTractor ? [] : CONVENTIONAL_VENVS,
  };
}

/** A configured name is used before any other, an active venv of that name before the rest. */
function preferConfigured(venvs: readonly FoundVenv[], configured: string | null): FoundVenv[] {
  const isConfigured = (venv: FoundVenv) =>
    venv.kind === "configured" ||
    (venv.kind === "active" && minorOfName(basename(venv.path), basename(configured!)) !== null);
  if (configured === null || !venvs.some(isConfigured)) return [...venvs];
  return venvs.filter(isConfigured);
}

/** The root, the directories above it up to the top of its work tree, and its workspace. */
function placesOf({ root, top }: Project, workspace: string | null): string[] {
  const places = [root];
  for (let place = root; top !== null && place !== top && place !== dirname(place);) {
    places.push(place = dirname(place));
  }
  return workspace === null || places.includes(workspace) ? places : [...places, workspace];
}

/** Where a new venv is made. */
function patternOf(
  { root, configuration, profile }: Project,
  { venvs, wanted, home }: {
    readonly venvs: readonly FoundVenv[];
    readonly wanted: VenvNames;
    readonly home: string;
  },
): string {
  if (wanted.configured !== null) return join(root, configuration.venv);
  if (wanted.uv !== null) return resolve(home, wanted.uv);
  const isVersioned = profile === "tractor" || venvs.some(({ kind }) => kind === "versioned");
  return isVersioned ? join(root, DEFAULT_VENV) : join(home, ".venv");
}

/** What is not used, and why. */
async function refusals(
  host: Host,
  { root }: Project,
  { venvs, wanted, isTractor }: {
    readonly venvs: readonly FoundVenv[];
    readonly wanted: VenvNames;
    readonly isTractor: boolean;
  },
): Promise<string[]> {
  const { configured } = wanted;
  const isThere = async (name: string) =>
    await host.files.stat(join(root, name, "pyvenv.cfg")).catch(() => null) !== null;
  const used = configured ?? DEFAULT_VENV;
  const refused = (isTractor || configured !== null) && configured !== ".venv" &&
    !venvs.some(({ kind, path }) => kind === "active" && basename(path) === ".venv");
  const isMissing = configured !== null && venvs.length > 0 &&
    !venvs.some(({ path }) => minorOfName(basename(path), basename(configured)) !== null);
  if (isMissing) return [`the configured venv ${configured} does not exist`];
  return refused && await isThere(".venv") ? [`.venv is ignored: this project uses ${used}`] : [];
}

/** A directory that may contain venvs. */
interface VenvPlace {
  readonly place: string;
  readonly height: number;
  readonly wanted: VenvNames;
  readonly project: Project;
}

/** The directories that are named like a venv: those that can be used, and why others can't. */
async function venvsIn(
  host: Host,
  { place, height, wanted, project }: VenvPlace,
): Promise<{ readonly venvs: readonly FoundVenv[]; readonly unusable: readonly string[] }> {
  const [venvs, unusable]: [FoundVenv[], string[]] = [[], []];
  const known = new Set<string>();
  const add = async (path: string, minor: string, kind: VenvKind) => {
    if (known.has(path)) return;
    known.add(path);
    if (await isExecutable(host, join(path, "bin/python"))) {
      const config = minor === "" ? await configOf(host, path) : null;
      venvs.push({ path, minor: minor || minorOfConfig(config), kind, height });
    } else unusable.push(...await whyUnusable(host, project.root, { path, minor }));
  };
  const addMatching = async (pattern: string, kind: VenvKind) => {
    const directory = join(place, dirname(pattern));
    for (const { name, kind: type } of await host.files.readDirectory(directory) ?? []) {
      const minor = type === "directory" || type === "symlink"
        ? minorOfName(name, basename(pattern))
        : null;
      if (minor !== null) await add(join(directory, name), minor, kind);
    }
  };
  if (wanted.configured !== null) await addMatching(wanted.configured, "configured");
  await addMatching(wanted.versioned, "versioned");
  const named = wanted.uv === null ? null : resolve(place, wanted.uv);
  if (named !== null && (height === 0 || !isAbsolute(wanted.uv!))) await add(named, "", "uv");
  for (const name of wanted.conventional) await add(join(place, name), "", "conventional");
  return { venvs, unusable };
}

async function configOf(host: Host, venv: string): Promise<string | null> {
  return await host.files.readText(join(venv, "pyvenv.cfg")).catch(() => null);
}

/** Why a venv's Python can't be started, and the command that helps; empty without a Python. */
async function whyUnusable(host: Host, root: string, venv: Venv): Promise<string[]> {
  const python = join(venv.path, "bin/python");
  const permit = shellCommand(["chmod", "-R", "u+rwX", relative(root, venv.path)]);
  try {
    for (const link of [venv.path, python]) {
      const isLink = (await host.files.lstat(link))?.kind === "symlink";
      const fault = isLink ? await faultOfLink(host, link) : null;
      if (fault !== null) {
        const config = await host.files.readText(join(venv.path, "pyvenv.cfg"));
        const name = relative(root, venv.path);
        const remake = `${shellCommand(["rm", "-r", name])} && ` +
          await newVenvCommand(host, root, venv);
        return [linkText(`${relative(root, link)} is ${fault}`, config, remake)];
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

/** Why a symlink leads to no file that could be started; null if it leads to one. */
async function faultOfLink(host: Host, link: string): Promise<string | null> {
  try {
    return await host.files.stat(link) === null ? "a broken symlink" : null;
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    // The Python of another user, often root's: permissions of the venv do not help.
    return "a symlink that this user can't follow";
  }
}

function linkText(fault: string, config: string | null, remake: string): string {
  const home = /^home *= *(.+)$/m.exec(config ?? "")?.[1];
  const from = home === undefined ? "" : ` (it was made from ${home})`;
  return `${fault}${from}; to recreate the venv: ${remake}`;
}
