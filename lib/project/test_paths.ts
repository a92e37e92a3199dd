import type { ProjectRoot } from "./rules_root.ts";
import { isAbsolute, join, relative } from "@std/path";
import { globExpression } from "../base/glob.ts";
import { parent } from "../base/paths.ts";
import type { Host } from "../system/host.ts";

/** The directories in which pytest finds the tests of a project without a target. */
export interface TestPaths {
  /** Relative to the root, `.` for the root itself; only those that exist. */
  readonly directories: readonly string[];
  /** Whether naming the directories as targets gives the same tests as naming none. */
  readonly byName: boolean;
}

/** The directory that is used without `testpaths`. */
const CONVENTION = "tests";

/**
 * Reads `testpaths` as pytest does: an entry may be a glob, missing ones are ignored, and if none
 * exists pytest starts in the root.
 */
export async function testPathsOf(host: Host, project: ProjectRoot): Promise<TestPaths> {
  const entries = project.pytest?.testPaths ?? [];
  if (entries.length === 0) {
    const status = await host.files.stat(join(project.root, CONVENTION)).catch(() => null);
    return { directories: [status?.kind === "directory" ? CONVENTION : "."], byName: false };
  }
  const found = await Promise.all(entries.map((entry) => placesOf(host, project.root, entry)));
  const places = found.flat();
  const directories = [
    ...new Set(places.map(({ path, kind }) => kind === "directory" ? path : parent(path))),
  ];
  const isPlain = found.every(([first]) =>
    first?.kind === "directory" && first.path !== "." && !first.path.startsWith("..")
  );
  return {
    directories: directories.length > 0 ? directories : ["."],
    byName: isPlain && !project.pytest!.isRecent && !entries.some((entry) => isGlob(entry)),
  };
}

interface Place {
  /** Relative to the root. */
  readonly path: string;
  readonly kind: "file" | "directory";
}

async function placesOf(host: Host, root: string, entry: string): Promise<Place[]> {
  const paths = isGlob(entry) && !isAbsolute(entry)
    ? await globbed(host, root, entry)
    : [join(root, entry)];
  const places = await Promise.all(paths.map(async (path): Promise<Place[]> => {
    const status = await host.files.stat(path).catch(() => null);
    if (status === null) return [];
    return [{
      path: relative(root, path).replace(/\/$/, "") || ".",
      kind: status.kind === "directory" ? "directory" : "file",
    }];
  }));
  return places.flat();
}

function isGlob(entry: string): boolean {
  return /[*?[]/.test(entry);
}

/**
 * The paths that a glob matches, as Python's `glob` reads it: `**` is any number of directories,
 * and stars don't match a leading dot.
 */
async function globbed(host: Host, root: string, glob: string): Promise<string[]> {
  let places = [root];
  for (const part of glob.split("/").filter((each) => each !== "" && each !== ".")) {
    const next = await Promise.all(
      places.map((place) =>
        part === "**" ? directoriesBelow(host, place) : matches(host, place, part)
      ),
    );
    places = [...new Set(next.flat())];
  }
  return places.sort();
}

async function matches(host: Host, directory: string, part: string): Promise<string[]> {
  if (!isGlob(part)) return [join(directory, part)];
  const expression = globExpression(part);
  if (expression === null) return [];
  const entries = await host.files.readDirectory(directory).catch(() => null) ?? [];
  const seen = entries.map(({ name }) => name).filter((name) =>
    expression.test(name) && (part.startsWith(".") || !name.startsWith("."))
  );
  return seen.map((name) => join(directory, name));
}

async function directoriesBelow(host: Host, directory: string): Promise<string[]> {
  const entries = await host.files.readDirectory(directory).catch(() => null) ?? [];
  const names = entries.filter(({ name, kind }) =>
    kind === "directory" && !name.startsWith(".") && name !== "node_modules"
  );
  const below = await Promise.all(
    names.map(({ name }) => directoriesBelow(host, join(directory, name))),
  );
  return [directory, ...below.flat()];
}
