import { lastPart } from "../base/paths.ts";
import { join } from "@std/path";
import { isPythonName } from "../leaks/rules_actor.ts";
import type { ReadStacks } from "./examine.ts";
import { HOW_TO_GET_PY_SPY } from "./recipe.ts";
import type { HangScene } from "./scene.ts";
import type { Host } from "../system/host.ts";
import { readStack } from "../system/programs/py_spy.ts";
import { findOnPath, isExecutable } from "../system/programs/user_path.ts";
import { findInStandardDirectories } from "../system/programs/standard_directory.ts";

/** Processes of a tree whose stacks are read, at most. */
const MOST_STACKS = 12;

/**
 * Reads the Python stacks of the tree with `py-spy`, from a venv of the project, PATH or a standard
 * directory. A failure is reported once.
 */
export async function readStacks(
  host: Host,
  root: string | null,
  scene: HangScene,
): Promise<ReadStacks> {
  const program = await findPySpy(host, root);
  if (program === null) {
    const missing = `no "py-spy" in the venv or on PATH (${HOW_TO_GET_PY_SPY})`;
    return { stacks: new Map(), unknowns: [`Python stacks: ${missing}`] };
  }
  const pids = [...scene.processes.values()]
    .filter(({ inTree, title }) => inTree && isPython(title)).map(({ pid }) => pid);
  const read = await Promise.all(
    pids.slice(0, MOST_STACKS).toSorted((a, b) => a - b)
      .map(async (pid) => ({ pid, ...await readStack(host, pid, program) })),
  );
  const failed = read.find(({ text }) => text === null);
  return {
    stacks: new Map(read.flatMap(({ pid, text }) => text === null ? [] : [[pid, text]])),
    unknowns: failed === undefined ? [] : [`Python stacks: ${failed.failure}`],
  };
}

/** Whether a title may be that of a Python process: actors rename themselves. */
function isPython(title: string): boolean {
  const program = title.split(" ", 1)[0]!;
  return isPythonName(lastPart(program)) || title.includes("[") ||
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
