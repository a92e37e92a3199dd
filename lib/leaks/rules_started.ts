import { SHARED_DAEMONS, type SharedDaemonRow } from "./shared_daemons.ts";
import { baseName, pythonTarget } from "./rules_actor.ts";
import {
  beginOf,
  isHere,
  type LedgerEntry,
  type Living,
  type Recorded,
  type RecordedProcesses,
  unfinishedRuns,
} from "./rules_ledger.ts";
import { type Mark, startedBy } from "../base/cookie.ts";
import type { DetailedProcess, Surroundings } from "../processes/process.ts";

/**
 * What says where a process came from; `live` has null where can't be read whether its run is over.
 */
export type Origins = Omit<RecordedProcesses, "live"> & {
  readonly live: ReadonlyMap<number, Recorded | null>;
};

/**
 * Adds to what the ledger says of living processes what their environments say. A run that the
 * ledger of this project knows proves what came from it; a run that it does not know, or a test of
 * a plain pytest, leaves open whose it is.
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
    /** This program's pid: when it looks after its own run, that run is over. */
    readonly own: number;
  },
): Origins {
  const goesOn = unfinishedRuns(entries, living, here, own);
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
      since: beginOf(mark.runId, entries, here),
      mark: "run",
    };
    // What another boot or namespace recorded can't be looked up here.
    const isOver = heads.every((head) => isHere(head, here)) && !goesOn.has(mark.runId);
    if (isOver) {
      over.set(pid, before ? { ...before, test } : origin);
      continue;
    }
    over.delete(pid);
    live.set(pid, goesOn.has(mark.runId) ? origin : null);
  }
  return { over, live, abandoned: recorded.abandoned };
}

/** What a process is that serves whoever asks for it; null for any other. */
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

/** A shell without a script or command: somebody types into it, or did. */
export function isInteractiveShell({ argv }: Pick<DetailedProcess, "argv">): boolean {
  const [program = "", ...rest] = argv ?? [];
  const isShell = /^(ba|da|z|k|mk|tc|c|fi|xon)?sh$|^nu$/.test(baseName(program));
  return isShell &&
    rest.every((word) =>
      /^(-[il]+|--login|--interactive|--norc|--noprofile|--rcfile|--init-file)$/.test(word)
    );
}

/** Characters of a script that are read to see whether it may run pytest. */
export const SCRIPT_HEAD = 64 * 1024;

/**
 * Whether a command line of Python speaks of tests: `python -c 'import numpy; numpy.test()'`, `-m
 * app.selftest`, `runtests.py`, `manage.py test`.
 */
export function mayRunTests(argv: readonly string[]): boolean {
  const { kind, value } = pythonTarget(argv);
  const name = kind === "script"
    ? value.slice(value.lastIndexOf("/") + 1)
    : value.replace(/\S*\/\S*/g, "");
  return /(?<![a-z])tests?|tests?(?![a-z])/i.test(name) ||
    argv.some((word) => /^tests?$/i.test(word));
}

/** Whether a text of Python may run pytest. */
export function mentionsPytest(text: string): boolean {
  return /\b(pytest|py\.test)\b/.test(text);
}
