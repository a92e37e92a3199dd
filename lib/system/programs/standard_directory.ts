import type { Host } from "../host.ts";
import { STANDARD_DIRECTORIES } from "../../tables/programs.ts";
import { isExecutable } from "./user_path.ts";

/** The absolute path of a program in the first standard directory that has it; null if none has. */
export async function findInStandardDirectories(host: Host, name: string): Promise<string | null> {
  const paths = STANDARD_DIRECTORIES.map((directory) => `${directory}/${name}`);
  const executable = await Promise.all(paths.map((path) => isExecutable(host, path)));
  return paths[executable.indexOf(true)] ?? null;
}
