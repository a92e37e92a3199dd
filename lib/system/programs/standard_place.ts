import type { Host } from "../host.ts";
import { STANDARD_DIRECTORIES } from "../../tables/programs.ts";
import { isExecutable } from "./user_path.ts";

/**
 * The absolute path of a program at the first standard place that has it; null where none does.
 * PATH is not asked.
 */
export async function standardPlace(host: Host, name: string): Promise<string | null> {
  const paths = STANDARD_DIRECTORIES.map((directory) => `${directory}/${name}`);
  const there = await Promise.all(paths.map((path) => isExecutable(host, path)));
  return paths[there.indexOf(true)] ?? null;
}
