import { join, relative } from "@std/path";
import { directoriesOf } from "../base/paths.ts";
import type { Host } from "../system/host.ts";
import type { Change } from "./affected_targets.ts";

/** A symlink to a directory of the project; both paths are relative to its root. */
export interface LinkedDirectory {
  readonly link: string;
  readonly directory: string;
}

/** How deep links are searched: each directory that is listed takes time. */
const DEPTH = 3;

/**
 * Finds symlinks to directories inside the project, beside its Python files: Python and pytest see
 * the files under the link, while git lists their changes under the directory itself.
 */
export async function linkedDirectories(
  host: Host,
  root: string,
  files: Iterable<string>,
): Promise<LinkedDirectory[]> {
  const searched = [...directoriesOf(files)].filter((path) => path.split("/").length <= DEPTH);
  const found: LinkedDirectory[] = [];
  for (const home of ["", ...searched]) {
    const entries = await host.files.readDirectory(join(root, home)).catch(() => null);
    for (const { name, kind } of entries ?? []) {
      if (kind !== "symlink") continue;
      const link = join(home, name);
      const real = await host.files.realPath(join(root, link)).catch(() => null);
      const directory = real === null ? ".." : relative(root, real);
      const isInside = directory !== "" && directory !== ".." && !directory.startsWith("../");
      const status = isInside ? await host.files.stat(real!).catch(() => null) : null;
      // A link to something around itself would never end.
      if (status?.kind === "directory" && !`${link}/`.startsWith(`${directory}/`)) {
        found.push({ link, directory });
      }
    }
  }
  return found;
}

/** The other paths of a file, under links. */
export function linkedPaths(path: string, links: readonly LinkedDirectory[]): string[] {
  return links.filter(({ directory }) => path.startsWith(`${directory}/`))
    .map(({ link, directory }) => link + path.slice(directory.length));
}

/** The changes, each under the paths by which it is imported too. */
export function linkedChanges(
  changes: readonly Change[],
  links: readonly LinkedDirectory[],
): readonly Change[] {
  if (links.length === 0) return changes;
  return changes.flatMap((change) => [
    change,
    ...linkedPaths(change.path, links).map((path) => ({ ...change, path })),
  ]);
}
