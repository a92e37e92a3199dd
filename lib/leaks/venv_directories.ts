import { join } from "@std/path";
import { isInside } from "../base/paths.ts";
import type { Project } from "../project/project.ts";
import { findVenvs } from "../project/venvs.ts";
import type { Host } from "../system/host.ts";

/**
 * The directories of venvs that belong to this checkout alone, as written and resolved, whether
 * they can be used or not: what runs from one is tied to it.
 */
export async function venvDirectories(host: Host, project: Project): Promise<string[]> {
  const { root, top, configuration: { venv } } = project;
  const [before, after] = venv.split("<MINOR>");
  const entries = await host.files.readDirectory(root) ?? [];
  const isNamed = (name: string) =>
    /^(py\d+|\.?venv)$/.test(name) ||
    (after !== undefined && name.startsWith(before!) && name.endsWith(after) &&
      /^\d+$/.test(name.slice(before!.length, name.length - after.length)));
  const names = entries.map(({ name }) => name).filter(isNamed);
  const { ranked } = await findVenvs(host, project);
  // An active one may serve other projects as well.
  const found = ranked.filter(({ path }) => isInside(path, top ?? root));
  const written = [
    ...names.map((name) => join(root, name)),
    ...(after === undefined ? [join(root, venv)] : []),
    ...found.map(({ path }) => path),
  ];
  const paths = await Promise.all(
    [...new Set(written)].map(async (path) => [path, await host.files.realPath(path)]),
  );
  return [...new Set(paths.filter(([, resolved]) => resolved !== null).flat() as string[])];
}
