import { join } from "@std/path";
import type { Host } from "../system/host.ts";
import type { Project } from "./project.ts";

/** The package under test. */
export interface Package {
  /** What Python imports: `tractor`. */
  readonly importName: string;
  /** Its directory relative to the project's root: `tractor`, `src/app`. */
  readonly directory: string;
}

/**
 * The package under test: the configured one, tractor in its own repository, or the one with the
 * project's name, in `src/` or in the root. Null if no such directory exists.
 */
export async function packageOf(host: Host, project: Project): Promise<Package | null> {
  for (const importName of await candidates(host, project)) {
    const path = importName.replaceAll(".", "/");
    for (const directory of [`src/${path}`, path]) {
      if ((await host.files.stat(join(project.root, directory)))?.kind === "directory") {
        return { importName, directory };
      }
    }
  }
  return null;
}

/** Whether the project is tractor's own repository, whose venvs and checks follow its rules. */
export async function isTractorItself(
  host: Host,
  { root, name }: Pick<Project, "root" | "name">,
): Promise<boolean> {
  return name === "tractor" ||
    await host.files.stat(join(root, "tractor", "__init__.py")).catch(() => null) !== null;
}

async function candidates(host: Host, project: Project): Promise<string[]> {
  if (project.configuration.package !== null) return [project.configuration.package];
  if (await isTractorItself(host, project)) return ["tractor"];
  if (project.name === null) return [];
  const normalized = project.name.toLowerCase().replace(/[-_.]+/g, "_");
  return [...new Set([project.name.replace(/[-.]+/g, "_"), normalized])];
}
