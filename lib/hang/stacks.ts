import { join } from "@std/path";
import { isPythonName } from "../leaks/rules_actor.ts";
import { HOW_TO_GET_PY_SPY } from "./recipe.ts";
import type { HangScene } from "./hang_scene.ts";
import type { Host } from "../system/host.ts";
import { readStack } from "../system/programs/py_spy.ts";
import { findOnPath, isExecutable } from "../system/programs/user_path.ts";
import { findInStandardDirectories } from "../system/programs/standard_directory.ts";

/** Processes of a tree whose stacks are read, at most. */
const MOST_STACKS = 12;

/**
 * The Python stacks of the tree, where `py-spy` can be had (in a venv of the project, on PATH, or
 * in a standard directory) and may read them. What stands in the way is said once.
 */
export async function readStacks(
  host: Host,
  root: string | null,
  scene: HangScene,
): Promise<{ readonly stacks: ReadonlyMap<number, string>; readonly unknowns: readonly string[] }> {
  const program = await findPySpy(host, root);
  if (program === null) {
    return {
      stacks: new Map(),
      unknowns: [
        `Python stacks: there is no "py-spy" in the venv or on PATH (${HOW_TO_GET_PY_SPY})`,
      ],
    };
  }
  const pids = [...scene.processes.values()].filter((process) =>
    process.inTree && isPython(process.title)
  ).map((process) => process.pid);
  const read = await Promise.all(
    pids.slice(0, MOST_STACKS).map(async (pid) => ({
      pid,
      ...await readStack(host, pid, program),
    })),
  );
  const failed = read.find(({ text }) => text === null);
  return {
    stacks: new Map(
      read.flatMap(({ pid, text }) => text === null ? [] : [[pid, text] as const]).toSorted((
        [a],
        [b],
      ) => a - b),
    ),
    unknowns: failed === undefined ? [] : [`Python stacks: ${failed.failure}`],
  };
}

/** Actors rename themselves: what is no known other program may be one. */
function isPython(title: string): boolean {
  const program = title.split(" ", 1)[0]!;
  return isPythonName(program.slice(program.lastIndexOf("/") + 1)) || title.includes("[") ||
    title.startsWith("pytest");
}

async function findPySpy(host: Host, root: string | null): Promise<string | null> {
  const entries = root === null ? [] : await host.files.readDirectory(root) ?? [];
  const venvs = entries.map((entry) => entry.name).filter((name) => /^py\d+$|^\.venv$/.test(name))
    .toSorted().toReversed();
  for (const name of venvs) {
    const path = join(root!, name, "bin/py-spy");
    if (await isExecutable(host, path)) return path;
  }
  return await findOnPath(host, "py-spy", root ?? host.cwd) ??
    await findInStandardDirectories(host, "py-spy");
}
