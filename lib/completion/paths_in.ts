import { join, resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import type { Host } from "../system/host.ts";
import type { Candidate, Wanted } from "./rules_wanted.ts";

/** The paths that begin with what is typed, after what stays as it is: `--junit=build/`. */
export async function pathsIn(
  host: Host,
  { before, part, offers: { paths } }: Wanted,
): Promise<Candidate[]> {
  const directory = part.slice(0, part.lastIndexOf("/") + 1);
  const start = part.slice(directory.length);
  const place = resolve(host.cwd, directory);
  const found: Candidate[] = [];
  for (const { name, kind } of await host.files.readDirectory(place) ?? []) {
    if (!name.startsWith(start) || (name.startsWith(".") && !start.startsWith("."))) continue;
    // What a terminal would act on can't be typed either.
    if (escapeText(name) !== name) continue;
    const status = kind === "symlink" ? await host.files.stat(join(place, name)) : null;
    const isDirectory = (status?.kind ?? kind) === "directory";
    if (!isDirectory && paths === "directories") continue;
    found.push({ value: `${before}${directory}${name}${isDirectory ? "/" : ""}` });
  }
  return found.sort((one, other) => one.value < other.value ? -1 : 1);
}
