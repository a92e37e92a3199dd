import type { Refusal } from "../processes/process.ts";
import { basename } from "@std/path";
import { unfinishedRuns } from "./rules_ledger.ts";
import type { SharedMemoryReport } from "./leak_report.ts";
import type { Host } from "../system/host.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import { listProcesses } from "../system/programs/ps.ts";
import { type FileFacts, statPaths } from "../system/programs/stat.ts";
import { unlinkPath } from "../system/programs/unlink.ts";
import type { Project } from "../project/project.ts";
import { readLedger, SHARED_MEMORY, sharedMemoryFiles, surroundingsOf } from "./ledger.ts";

/** Names that the standard library gives; others are shown only when a run recorded them. */
const USUAL_NAMES = /^(psm_|tractor)/;

/**
 * The segments of shared memory that a run recorded, and those that look like it, each with what
 * keeps it. One is stale only if a process of a run that is over mapped it, it appeared during that
 * run, it is ours, and of all processes that could map it none does.
 */
export async function findSharedMemory(
  host: Host,
  project: Project,
): Promise<SharedMemoryReport[]> {
  const files = host.platform === "linux"
    ? await sharedMemoryFiles(host)
    : new Map<string, FileFacts>();
  if (files.size === 0) return [];
  const { entries, segments } = await readLedger(host, project.root);
  const heads = entries.filter((entry) => entry.role !== "process").map((entry) => entry.pid);
  const [here, leaders, users] = await Promise.all([
    surroundingsOf(host),
    readProcessFiles(host, [...new Set(heads)], {
      mapped: false,
      why: "are the runs that recorded segments over",
    }),
    usersOf(host),
  ]);
  const living = new Map([...leaders.rows].filter(([, row]) => row.state !== "Z"));
  const runs = here === null || leaders.failure !== null
    ? null
    : unfinishedRuns(entries, living, here, host.pid);
  return [...files].flatMap(([path, status]): SharedMemoryReport[] => {
    const name = basename(path);
    const record = segments.findLast((one) =>
      one.name === name && one.inode === status.inode && one.device === status.device &&
      one.bootId === here?.bootId
    );
    if (!record && !USUAL_NAMES.test(name)) return [];
    const kept = (
      reason: string,
    ): SharedMemoryReport[] => [{ path, verdict: "unknown", evidence: [reason] }];
    if (status.uid !== host.uid()) return kept(`belongs to uid ${status.uid}; not touched`);
    if (!record) return kept("no run of this project recorded it");
    const tie = `recorded by run ${record.runId}`;
    const user = users.mapped.get(path);
    if (user !== undefined) {
      return [{ path, verdict: "live", evidence: [tie, `mapped by pid ${user}`] }];
    }
    if (runs === null) return kept("whether its run is over can't be read");
    if (runs.has(record.runId)) {
      return [{ path, verdict: "live", evidence: [tie, "that run is not over"] }];
    }
    if (users.failure !== null) return kept(users.failure);
    // Whoever else may open it can't be looked into.
    if (host.uid() !== 0 && (status.mode & 0o077) !== 0) return kept("other users may map it");
    return [{ path, verdict: "stale", evidence: [tie, "no process maps it"] }];
  });
}

/**
 * Which segments are mapped, and by whom; `failure` when a process that might map one can't be
 * looked into.
 */
async function usersOf(
  host: Host,
): Promise<{ mapped: ReadonlyMap<string, number>; failure: string | null }> {
  const { processes, rejected, failure } = await listProcesses(host);
  if (failure !== null || rejected > 0) {
    return { mapped: new Map(), failure: failure ?? 'rows of "ps" can\'t be read' };
  }
  const isKernel = (row: { pid: number; ppid: number }) => row.pid === 2 || row.ppid === 2;
  const rows = processes.filter((row) =>
    row.state !== "Z" && !isKernel(row) && (host.uid() === 0 || row.uid === host.uid())
  );
  const files = await readProcessFiles(host, rows.map((row) => row.pid), {
    mapped: true,
    why: "who maps shared memory",
  });
  const mapped = new Map<string, number>();
  let unseen = files.failure;
  for (const row of files.rows.values()) {
    if (row.mapped === null && row.state !== "Z" && row.state !== "X") {
      unseen ??= `pid ${row.pid} (${row.comm}) can't be looked into: it may map it`;
    }
    for (const path of row.mapped ?? []) {
      if (path.startsWith(`${SHARED_MEMORY}/`)) mapped.set(path, row.pid);
    }
  }
  return { mapped, failure: unseen };
}

/** Removes the segments that are stale, each checked again right before. */
export async function removeSharedMemory(
  host: Host,
  project: Project,
): Promise<{ removed: string[]; refused: Refusal[] }> {
  const before = await sharedMemoryFiles(host);
  const removed: string[] = [];
  const refused: Refusal[] = [];
  for (const { path, verdict } of await findSharedMemory(host, project)) {
    if (verdict !== "stale") continue;
    const now = (await statPaths(host, [path], "is it still the same segment")).get(path);
    const problem = isSame(before.get(path), now)
      ? await unlinkPath(host, path, "a segment that no process maps")
      : "was replaced in the meantime; kept";
    if (problem === null) removed.push(path);
    else refused.push({ path, reason: problem });
  }
  return { removed, refused };
}

function isSame(first: FileFacts | undefined, now: FileFacts | undefined): boolean {
  return first !== undefined && now?.kind === "file" && first.inode === now.inode &&
    first.device === now.device && first.uid === now.uid;
}
