import { join } from "@std/path";
import { PROJECT_FILES } from "./project_files.ts";
import { isTestFile } from "./rules_targets.ts";
import type { DirectoryEntry, Host } from "../system/host.ts";

/** How deep and how far the scan goes. */
const DEPTH = 4;
const DIRECTORIES = 200;

/**
 * Whether a directory without any configuration holds test files, nearest first. Projects below it
 * don't count: in a directory of repositories no one of them is meant. The scan is bounded, so that
 * it is quick in any directory.
 */
export async function holdsTests(host: Host, directory: string): Promise<boolean> {
  let level = [directory];
  let left = DIRECTORIES;
  for (let depth = 0; depth <= DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const path of level) {
      if (left-- <= 0) return false;
      const entries = await host.files.readDirectory(path).catch(() => null) ?? [];
      if (depth > 0 && isApart(path, entries)) continue;
      if (entries.some(({ name, kind }) => kind !== "directory" && isTestFile(name))) return true;
      next.push(...entries.filter(mayContainTests).map(({ name }) => join(path, name)));
    }
    level = next;
  }
  return false;
}

function mayContainTests({ name, kind }: DirectoryEntry): boolean {
  return kind === "directory" && !name.startsWith(".") && name !== "node_modules" &&
    name !== "__pycache__";
}

/** Whether a directory is a venv or a project of its own. */
function isApart(path: string, entries: readonly DirectoryEntry[]): boolean {
  const names = new Set(entries.map(({ name }) => name));
  if (names.has("pyvenv.cfg")) return true;
  // pytest's configuration may lie beside the tests that belong to the project above.
  const isTests = /\/tests?$/.test(path);
  return !isTests && [".git", ...PROJECT_FILES].some((name) => names.has(name));
}
