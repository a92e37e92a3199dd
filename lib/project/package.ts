import { join } from "@std/path";
import { candidate, isAside, type PackageCandidate, packageCandidates } from "./rules_package.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "./project.ts";

/** The package under test. */
export interface Package {
  /** What Python imports: `tractor`. */
  readonly importName: string;
  /** Its directory, or its file, relative to the project's root: `tractor`, `src/app`, `six.py`. */
  readonly directory: string;
}

/**
 * The package under test: the configured one, tractor in its own repository, what the build backend
 * is configured for, or what has the project's name; else the only package that there is. Null if
 * none is found: then nothing is checked.
 */
export async function packageOf(host: Host, project: Project): Promise<Package | null> {
  const { root, configuration } = project;
  if (configuration.package !== null) return await findIn(host, root, configuration.package);
  if (await isTractorItself(host, project)) return await findIn(host, root, "tractor");
  const read = (name: string) => host.files.readText(join(root, name)).catch(() => null);
  const [pyproject, setupConfig, setupScript] = await Promise.all(
    ["pyproject.toml", "setup.cfg", "setup.py"].map(read),
  );
  const files = {
    pyproject: pyproject ?? null,
    setupConfig: setupConfig ?? null,
    setupScript: setupScript ?? null,
  };
  for (const one of packageCandidates(files)) {
    const found = await existing(host, root, one);
    if (found !== null) return found;
  }
  const isPackaged = project.name !== null || files.setupConfig !== null ||
    files.setupScript !== null;
  return isPackaged ? await onlyPackage(host, root) : null;
}

/** Whether the project is tractor's own repository, whose venvs and checks follow its rules. */
export async function isTractorItself(
  host: Host,
  { root, name }: Pick<Project, "root" | "name">,
): Promise<boolean> {
  return name === "tractor" ||
    await host.files.stat(join(root, "tractor", "__init__.py")).catch(() => null) !== null;
}

async function findIn(host: Host, root: string, importName: string): Promise<Package | null> {
  return await existing(host, root, candidate(importName));
}

async function existing(
  host: Host,
  root: string,
  { importName, paths }: PackageCandidate,
): Promise<Package | null> {
  for (const path of paths) {
    const kind = (await host.files.stat(join(root, path)).catch(() => null))?.kind;
    if (kind === (path.endsWith(".py") ? "file" : "directory")) {
      return { importName, directory: path };
    }
  }
  return null;
}

/** The package in `src/` or in the root, where there is exactly one. */
async function onlyPackage(host: Host, root: string): Promise<Package | null> {
  for (const source of ["src", "."]) {
    const entries = await host.files.readDirectory(join(root, source)).catch(() => null) ?? [];
    const names = entries.map(({ name }) => name).filter((name) => !isAside(name));
    const packages: string[] = [];
    for (const name of names) {
      const file = join(root, source, name, "__init__.py");
      if (await host.files.stat(file).catch(() => null) !== null) packages.push(name);
    }
    if (packages.length > 0) {
      const [importName] = packages;
      if (packages.length > 1) return null;
      const directory = source === "." ? importName! : `${source}/${importName}`;
      return { importName: importName!, directory };
    }
  }
  return null;
}
