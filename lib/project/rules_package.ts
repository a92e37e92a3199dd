import { lastPart } from "../base/paths.ts";
import { parse } from "smol-toml";
import { iniSection } from "../base/ini.ts";
import { table } from "./project_files.ts";

/** Where a package may be: what Python imports, and paths relative to the root, in order. */
export interface PackageCandidate {
  /** `tractor`, `zope.interface` */
  readonly importName: string;
  /** Directories or modules: `src/app`, `six.py`. */
  readonly paths: readonly string[];
}

/** The files of a project that name its package; null for those that do not exist. */
export interface PackagingFiles {
  readonly pyproject: string | null;
  readonly setupConfig: string | null;
  /** `setup.py`, which is not evaluated: only what it spells out is found. */
  readonly setupScript: string | null;
}

/** Directories that commonly contain the packages; `.` for the root. */
const SOURCES = ["src", ".", "lib", "python"] as const;

/**
 * Where the package under test may be, the likeliest first: as the build backend is configured,
 * else by the name of the project.
 */
export function packageCandidates(files: PackagingFiles): PackageCandidate[] {
  const facts = [
    fromPyproject(files.pyproject),
    fromSetupConfig(files.setupConfig),
    fromSetupScript(files.setupScript),
  ];
  const sources = [...new Set([...facts.flatMap((fact) => fact.sources), ...SOURCES])];
  const modules = facts.flatMap((fact) => fact.modules);
  return [
    ...facts.flatMap((fact) => fact.packages),
    ...modules.map((name) => candidate(name, sources)),
    ...facts.flatMap((fact) => fact.names).flatMap(importNames).map((name) =>
      candidate(name, sources)
    ),
  ];
}

/** A package with an import name, in any of some directories. */
export function candidate(
  importName: string,
  sources: readonly string[] = SOURCES,
): PackageCandidate {
  const path = importName.replaceAll(".", "/");
  const places = sources.map((source) => source === "." ? path : `${source}/${path}`);
  return { importName, paths: [...places, ...places.map((place) => `${place}.py`)] };
}

/** Directories in the root that are packages of something else than the project. */
export function isAside(name: string): boolean {
  return /^(tests?|testing|docs?|examples?|benchmarks?|scripts|tools|ci|build|dist)$/.test(name) ||
    name.startsWith(".") || name.startsWith("_");
}

/** What one file says of the package. */
interface Facts {
  /** Packages whose place is spelled out. */
  readonly packages: readonly PackageCandidate[];
  /** Import names. */
  readonly modules: readonly string[];
  /** Names of the project. */
  readonly names: readonly string[];
  /** Directories that contain packages. */
  readonly sources: readonly string[];
}

const NOTHING: Facts = { packages: [], modules: [], names: [], sources: [] };

function fromPyproject(text: string | null): Facts {
  let pyproject: Record<string, unknown>;
  try {
    pyproject = parse(text ?? "");
  } catch {
    return NOTHING;
  }
  const tool = table(pyproject.tool);
  const [poetry, setuptools] = [table(tool.poetry), table(tool.setuptools)];
  const wheel = table(table(table(table(tool.hatch).build).targets).wheel);
  const [uv, maturin] = [table(table(tool.uv)["build-backend"]), table(tool.maturin)];
  const find = table(table(setuptools.packages).find);
  return {
    packages: [...texts(wheel.packages).map(atPath), ...poetryPackages(poetry)],
    modules: [
      ...texts(table(table(tool.flit).module).name),
      ...texts(table(table(tool.flit).metadata).module),
      ...texts(uv["module-name"]),
      ...texts(maturin["module-name"]).map((name) => name.replace(/\._[^.]*$/, "")),
      ...texts(setuptools.packages).slice(0, 1),
      ...texts(setuptools["py-modules"]),
    ],
    names: [...texts(table(pyproject.project).name), ...texts(poetry.name)],
    sources: [
      ...texts(uv["module-root"]),
      ...texts(maturin["python-source"]),
      ...texts(find.where),
      ...texts(table(setuptools["package-dir"])[""]),
    ].map(trimmed),
  };
}

/** `[{ include = "app", from = "lib" }]` */
function poetryPackages({ packages }: Record<string, unknown>): PackageCandidate[] {
  if (!Array.isArray(packages)) return [];
  return packages.map(table).flatMap(({ include, from }) => {
    const [name] = typeof include === "string" ? include.split("/", 1) : [];
    if (name === undefined || name === "" || /[*?[]/.test(name)) return [];
    return [candidate(name, [typeof from === "string" ? trimmed(from) : "."])];
  });
}

function fromSetupConfig(text: string | null): Facts {
  if (text === null) return NOTHING;
  const options = iniSection(text, "options");
  const words = (key: string) => (options?.get(key) ?? "").split(/[\s,]+/).filter((one) => one);
  const found = iniSection(text, "options.packages.find");
  const directory = /^\s*=\s*(\S+)/m.exec(options?.get("package_dir") ?? "")?.[1];
  return {
    packages: [],
    modules: [
      ...words("packages").filter((word) => !/^find(_namespace)?:$/.test(word)).slice(0, 1),
      ...words("py_modules"),
    ],
    names: [iniSection(text, "metadata")?.get("name")].filter((name) => name !== undefined),
    sources: [found?.get("where"), directory].filter((one) => one !== undefined).map(trimmed),
  };
}

function fromSetupScript(text: string | null): Facts {
  if (text === null) return NOTHING;
  const first = (expression: RegExp) => [expression.exec(text)?.[1]].filter((one) => one);
  return {
    packages: [],
    modules: [
      ...first(/\bpackages\s*=\s*\[\s*["']([\w.]+)["']/),
      ...first(/\bpy_modules\s*=\s*\[\s*["']([\w.]+)["']/),
    ] as string[],
    names: first(/\bname\s*=\s*["']([\w.-]+)["']/) as string[],
    sources: [
      ...first(/\bpackage_dir\s*=\s*\{\s*["']["']\s*:\s*["']([^"']+)["']/),
      ...first(/\bfind(?:_namespace)?_packages\(\s*(?:where\s*=\s*)?["']([^"']+)["']/),
    ].map((one) => trimmed(one!)),
  };
}

/** The import names that the name of a project may stand for. */
function importNames(project: string): string[] {
  const plain = project.replace(/[-.]+/g, "_");
  const bare = plain.toLowerCase().replace(/^python_|_python$/g, "");
  const dotted = project.includes(".") ? [project.replaceAll("-", "_")] : [];
  return [...new Set([plain, plain.toLowerCase(), bare, ...dotted])];
}

function atPath(path: string): PackageCandidate {
  const place = trimmed(path);
  return { importName: lastPart(place), paths: [place] };
}

/** Without `./` and slashes at its end; `.` for the root. */
function trimmed(path: string): string {
  return path.trim().replace(/^(\.\/)+/, "").replace(/\/+$/, "") || ".";
}

function texts(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((one) => typeof one === "string" && one !== "");
}
