import type { ProjectRoot } from "./rules_root.ts";
import { basename, dirname, join, resolve } from "@std/path";
import { nullForTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { DEFAULT_VENV } from "../tables/defaults.ts";
import {
  declaresTractor,
  isTractorInstalled,
  mayDeclare,
  type Profile,
  profileOf,
} from "./rules_profile.ts";
import { findOnPath, isExecutable } from "../system/programs/user_path.ts";
import { minorOfName } from "./rules_venv.ts";

/**
 * Decides the profile of a project by small files and listings, without any program: hooks wait
 * for it.
 *
 * @param python `--python`: then its venv decides, not those of the project; null: not given
 */
export async function findProfile(
  host: Host,
  project: ProjectRoot,
  python: string | null = null,
): Promise<Profile> {
  const { root, name } = project;
  const hasSource =
    await host.files.stat(join(root, "tractor/__init__.py")).catch(nullForTractestError) !== null;
  const facts = { name, hasSource, isDeclared: false, isInstalled: false };
  if (profileOf(facts) === "tractor") return "tractor";
  const places = await Promise.all(
    (await placesOf(host, root)).map(async (path) => ({
      path,
      names: await namesIn(host, path),
    })),
  );
  const declaring = places.flatMap(({ path, names }) =>
    names.filter(mayDeclare).map((file) => join(path, file))
  );
  const declared = await Promise.all(declaring.map(async (path) => {
    const text = await host.files.readText(path).catch(nullForTractestError);
    return text !== null && declaresTractor(basename(path), text);
  }));
  if (declared.includes(true)) return profileOf({ ...facts, isDeclared: true });
  const venvs = python === null
    ? await venvsOf(host, project, places)
    : await venvOfPython(host, root, python);
  const installed = await Promise.all(venvs.map((venv) => hasTractor(host, venv)));
  return profileOf({ ...facts, isInstalled: installed.includes(true) });
}

/** The root, and what is above it up to the top of its work tree. */
async function placesOf(host: Host, root: string): Promise<string[]> {
  const places: string[] = [];
  for (let place = root;; place = dirname(place)) {
    places.push(place);
    if (await host.files.lstat(join(place, ".git")).catch(nullForTractestError) !== null) {
      return places;
    }
    if (place === dirname(place)) return [root];
  }
}

/** A directory, and the names in it. */
interface Place {
  readonly path: string;
  readonly names: readonly string[];
}

/** The venvs of a project; without any the active one, wherever it is. */
async function venvsOf(
  host: Host,
  { tractest }: ProjectRoot,
  places: readonly Place[],
): Promise<string[]> {
  const pattern = typeof tractest?.venv === "string" ? tractest.venv : DEFAULT_VENV;
  const configured = await Promise.all(places.map(async ({ path }) => {
    const directory = join(path, dirname(pattern));
    const names = dirname(pattern) === "." ? [] : await namesIn(host, directory);
    return names.filter((name) => minorOfName(name, basename(pattern)) !== null)
      .map((name) => join(directory, name));
  }));
  const isVenv = (name: string) =>
    /^(\.?venv|py\d{2,4})$/.test(name) || minorOfName(name, pattern) !== null;
  const usual = places.flatMap(({ path, names }) =>
    names.filter(isVenv).map((name) => join(path, name))
  );
  const given = host.env("UV_PROJECT_ENVIRONMENT");
  const own = [...usual, ...configured.flat(), ...(given ? [resolve(places[0]!.path, given)] : [])];
  const active = host.env("VIRTUAL_ENV");
  return own.length > 0 || !active ? own : [active];
}

/** The venv of `--python`, which names that, a Python in it, or one on PATH. */
async function venvOfPython(host: Host, root: string, python: string): Promise<string[]> {
  const path = python.includes("/") ? null : await findOnPath(host, python, root);
  const here = path ?? resolve(host.cwd, python);
  return path === null && await isExecutable(host, join(here, "bin/python"))
    ? [here]
    : [resolve(here, "../..")];
}

async function hasTractor(host: Host, venv: string): Promise<boolean> {
  const pythons = await namesIn(host, join(venv, "lib"));
  const installed = await Promise.all(
    pythons.map((name) => namesIn(host, join(venv, "lib", name, "site-packages"))),
  );
  return installed.some(isTractorInstalled);
}

/** The names in a directory; none if it can't be listed. */
async function namesIn(host: Host, path: string): Promise<string[]> {
  const entries = await host.files.readDirectory(path).catch(nullForTractestError) ?? [];
  return entries.map(({ name }) => name);
}
