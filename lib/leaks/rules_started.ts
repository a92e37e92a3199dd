import { SHARED_DAEMONS, type SharedDaemonRow } from "./shared_daemons.ts";
import { baseName } from "./rules_actor.ts";
import {
  isHere,
  type LedgerEntry,
  type Living,
  type Recorded,
  type RecordedProcesses,
  startOfRun,
  unfinishedRuns,
} from "./rules_ledger.ts";
import { type Mark, startedBy } from "../base/cookie.ts";
import type { DetailedProcess, Surroundings } from "../processes/process.ts";

/**
 * Where processes came from; `live` has null where it can't be read whether the run is over.
 */
export type Origins = Omit<RecordedProcesses, "live"> & {
  readonly live: ReadonlyMap<number, Recorded | null>;
};

/**
 * Adds what the environments of living processes say to what the ledger says about them. Only a run
 * that this project's ledger knows proves where a process came from; another run, or a test of a
 * plain pytest, leaves that open.
 *
 * @param titles of the marked processes, by pid
 */
export function withMarks(
  recorded: RecordedProcesses,
  marks: ReadonlyMap<number, Mark>,
  titles: ReadonlyMap<number, string>,
  { entries, living, here, own }: {
    readonly entries: readonly LedgerEntry[];
    readonly living: Living;
    readonly here: Surroundings;
    /** This program's pid: when it checks its own run, that run is over. */
    readonly own: number;
  },
): Origins {
  const unfinished = unfinishedRuns(entries, living, here, own);
  const over = new Map(recorded.over);
  const live = new Map<number, Recorded | null>(recorded.live);
  for (const [pid, mark] of marks) {
    const title = titles.get(pid);
    if (title === undefined || live.has(pid)) continue;
    const before = over.get(pid);
    const test = startedBy(mark, title) ?? before?.test ?? null;
    const heads = entries.filter((entry) => entry.role !== "process" && entry.runId === mark.runId);
    if (mark.runId === null || heads.length === 0) {
      if (!before) {
        over.set(pid, { runId: mark.runId, test, since: null, mark: "test", id: mark.test });
      }
      continue;
    }
    const origin: Recorded = {
      runId: mark.runId,
      test,
      since: startOfRun(mark.runId, entries, here),
      mark: "run",
    };
    // What was recorded in another boot or namespace can't be checked here.
    const isOver = heads.every((head) => isHere(head, here)) && !unfinished.has(mark.runId);
    if (isOver) {
      over.set(pid, before ? { ...before, test } : origin);
      continue;
    }
    over.delete(pid);
    live.set(pid, unfinished.has(mark.runId) ? origin : null);
  }
  return { over, live, abandoned: recorded.abandoned };
}

/** The row of the table for a daemon that serves any program; null for any other process. */
export function sharedDaemon(
  { argv, comm }: Pick<DetailedProcess, "argv" | "comm">,
): SharedDaemonRow | null {
  const words = argv?.join(" ") ?? "";
  const names = [comm, baseName(argv?.[0] ?? "")];
  const rows: readonly SharedDaemonRow[] = SHARED_DAEMONS;
  return rows.find(({ where, pattern, unless }) => {
    const isIt = where === "program"
      ? names.some((name) => pattern.test(name))
      : pattern.test(words);
    return isIt && !unless?.test(words);
  }) ?? null;
}

/** Whether a process is a shell without a script or command: a person types into it, or did. */
export function isInteractiveShell({ argv }: Pick<DetailedProcess, "argv">): boolean {
  const [program = "", ...rest] = argv ?? [];
  const isShell = /^(ba|da|z|k|mk|tc|c|fi|xon)?sh$|^nu$/.test(baseName(program));
  return isShell &&
    rest.every((word) =>
      /^(-[il]+|--login|--interactive|--norc|--noprofile|--rcfile|--init-file)$/.test(word)
    );
}
