import { join } from "@std/path";
import { isTestFile } from "./rules_targets.ts";
import type { DirectoryEntry, Host } from "../system/host.ts";

/** How deep and how far the scan goes. */
const DEPTH = 4;
const DIRECTORIES = 200;

/**
 * Whether a directory holds test files: in itself, in its `tests` or `test`, or in a package. The
 * scan is bounded, so that it is quick in any directory.
 */
export async function holdsTests(host: Host, directory: string): Promise<boolean> {
  let left = DIRECTORIES;
  const holds = async (path: string, depth: number): Promise<boolean> => {
    if (left-- <= 0) return false;
    const entries = await host.files.readDirectory(path).catch(() => null) ?? [];
    if (entries.some(({ name, kind }) => kind !== "directory" && isTestFile(name))) return true;
    if (depth === 0 || isVenv(entries)) return false;
    for (const { name } of entries.filter(mayContainTests)) {
      const below = join(path, name);
      const isNamed = depth < DEPTH || name === "tests" || name === "test";
      if (!isNamed && !await isPackage(host, below)) continue;
      if (await holds(below, depth - 1)) return true;
    }
    return false;
  };
  return await holds(directory, DEPTH);
}

function mayContainTests({ name, kind }: DirectoryEntry): boolean {
  return kind === "directory" && !name.startsWith(".") && name !== "node_modules" &&
    name !== "__pycache__";
}

function isVenv(entries: readonly DirectoryEntry[]): boolean {
  return entries.some(({ name }) => name === "pyvenv.cfg");
}

async function isPackage(host: Host, directory: string): Promise<boolean> {
  return await host.files.stat(join(directory, "__init__.py")).catch(() => null) !== null;
}
