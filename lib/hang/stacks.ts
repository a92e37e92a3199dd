import { join } from "@std/path";
import { isPythonName } from "../core/leaks/actor.ts";
import type { HangScene } from "../core/hang/types.ts";
import type { Host } from "../host/host.ts";
import { readStack } from "../programs/py_spy.ts";
import { STANDARD_DIRECTORIES } from "../tables/programs.ts";

/** Processes of a tree whose stacks are read, at most. */
const MOST_STACKS = 12;

/** The Python stacks of the tree, where `py-spy` can be had (at a standard place, else in a venv of the project) and may read them. */
export async function readStacks(
  host: Host,
  root: string,
  scene: HangScene,
): Promise<{ readonly stacks: ReadonlyMap<number, string>; readonly unknowns: readonly string[] }> {
  const program = await pySpyOfVenv(host, root);
  const pids = [...scene.processes.values()].filter((process) => process.inTree && isPython(process.title)).map((process) => process.pid);
  const stacks = new Map<number, string>();
  const unknowns = new Set<string>();
  await Promise.all(
    pids.slice(0, MOST_STACKS).map(async (pid) => {
      const { text, failure } = await readStack(host, pid, program);
      if (text === null) unknowns.add(`Python stacks: ${failure}`);
      else stacks.set(pid, text);
    }),
  );
  return { stacks: new Map([...stacks].toSorted(([a], [b]) => a - b)), unknowns: [...unknowns] };
}

/** Actors rename themselves: what is no known other program may be one. */
function isPython(title: string): boolean {
  const program = title.split(" ", 1)[0]!;
  return isPythonName(program.slice(program.lastIndexOf("/") + 1)) || title.includes("[") || title.startsWith("pytest");
}

/** The py-spy of a venv, where there is none at a standard place; null: none, or the latter. */
async function pySpyOfVenv(host: Host, root: string): Promise<string | null> {
  const isThere = async (path: string) => (await host.stat(path).catch(() => null))?.kind === "file";
  for (const directory of STANDARD_DIRECTORIES) if (await isThere(join(directory, "py-spy"))) return null;
  const venvs = (await host.readDirectory(root) ?? []).map((entry) => entry.name).filter((name) => /^py\d+$|^\.venv$/.test(name)).toSorted();
  for (const name of venvs.toReversed()) {
    const path = join(root, name, "bin/py-spy");
    if (await isThere(path)) return path;
  }
  return null;
}
