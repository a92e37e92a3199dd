import type { Process } from "../../processes/process.ts";
import { treeOf } from "../../processes/kill_ladder.ts";
import type { Host } from "../../system/host.ts";
import { type ProcessFiles, readProcessFiles } from "../../system/programs/proc.ts";

/**
 * The pid of pytest as seen from outside; null if it is not known.
 *
 * @param started the pid of the started process, such as `uv run`
 * @param pytest the pid that pytest reported; null before that
 */
export async function pytestBelow(
  host: Host,
  started: number,
  pytest: number | null,
): Promise<number | null> {
  if (pytest === null) return null;
  const tree = await treeOf(host, started);
  return tree.some(({ pid }) => pid === pytest) ? pytest : null;
}

/**
 * The pid of an isolated pytest as seen from outside. Before pytest has given its own pid, that of
 * the process that will become pytest, or of the one that makes the isolation.
 */
export async function isolatedPytest(
  host: Host,
  started: number,
  pytest: number | null,
): Promise<number | null> {
  const rows = await isolatedProcesses(host, started);
  const init = rows.find((row) => row.innerPid === 1);
  const isPytest = (row: ProcessFiles) =>
    pytest === null ? row.ppid === init?.pid : row.innerPid === pytest;
  return (rows.find(isPytest) ?? init)?.pid ?? null;
}

/**
 * The processes in the pid namespace of a session, but not those in a namespace that a test has
 * made inside it.
 */
export async function isolatedProcesses(host: Host, started: number): Promise<ProcessFiles[]> {
  const tree = await treeOf(host, started);
  const init = tree.find((identity) => identity.ppid === started);
  const { rows } = await readProcessFiles(host, tree.map(({ pid }) => pid), {
    mapped: false,
    why: "pids inside an isolation",
  });
  const depth = init && rows.get(init.pid)?.depth;
  return [...rows.values()].filter((row) => row.depth === depth);
}

/** These processes without the two around an isolated session. */
export function withoutIsolation(processes: readonly Process[], started: number): Process[] {
  return processes.filter(({ pid, ppid }) => pid !== started && ppid !== started);
}
