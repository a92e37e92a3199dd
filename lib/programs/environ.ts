import { type Mark, RUN_COOKIE, runIdOf, TEST_COOKIE, testIdOf } from "../core/leaks/mark.ts";
import type { Host } from "../host/host.ts";
import { probe } from "./probe.ts";
import type { Read } from "./proc.ts";

/** What the program itself is started with: the record of it at the end says that the output is whole. */
const WHOLE = "whole";
/** Processes that one `grep` is asked about: their paths have to fit on a command line. */
const AT_ONCE = 10_000;

/**
 * Which of these processes a test started, as far as their environments say so. One `grep`, which keeps two variables and shows nothing of
 * the others. A process whose environment can't be read is not among them: that may be anybody's.
 */
export async function readMarks(host: Host, pids: readonly number[], why: string): Promise<Read<Mark>> {
  const rows = new Map<number, Mark>();
  for (let start = 0; start < pids.length; start += AT_ONCE) {
    const some = pids.slice(start, start + AT_ONCE);
    const args = ["-azsH", "-e", `^${RUN_COOKIE}=`, "-e", `^${TEST_COOKIE}=`];
    const { text, failure } = await probe(host, "grep", [...args, ...some.map(environmentOf), "/proc/self/environ"], {
      why,
      // 2: some of them are gone, or can't be read.
      codes: [0, 2],
      env: { [RUN_COOKIE]: WHOLE },
    });
    if (text === null) return { rows: new Map(), failure };
    const found = parseMarks(text, some);
    if (found === null) return { rows: new Map(), failure: 'the output of "grep" for files under /proc can\'t be read' };
    for (const [pid, mark] of found) rows.set(pid, mark);
  }
  return { rows, failure: null };
}

function environmentOf(pid: number): string {
  return `/proc/${pid}/environ`;
}

/** Parses what {@linkcode readMarks} makes `grep` print; null if it is not what was asked for, or not all of it. */
export function parseMarks(text: string, pids: readonly number[]): Map<number, Mark> | null {
  const records = text.split("\0");
  if (records.pop() !== "" || records.pop() !== `/proc/self/environ:${RUN_COOKIE}=${WHOLE}`) return null;
  const marks = parseRecords(records);
  const asked = new Set(pids);
  return marks === null || [...marks.keys()].some((pid) => !asked.has(pid)) ? null : marks;
}

/** Parses records of `grep -azH` about environments; null if one is none. Of a variable that is there twice the first counts, as for getenv. */
export function parseRecords(records: readonly string[]): Map<number, Mark> | null {
  const marks = new Map<number, Mark>();
  for (const record of records) {
    const [, pid, variable, value] = /^\/proc\/(\d+)\/environ:(TRACTEST_RUN|PYTEST_CURRENT_TEST)=(.*)$/s.exec(record) ?? [];
    if (pid === undefined) {
      // A line end within another variable's value, behind which the same words stand.
      if (/^\/proc\/\d+\/environ:/.test(record)) continue;
      return null;
    }
    const before = marks.get(Number(pid)) ?? { runId: null, test: null };
    const mark = variable === RUN_COOKIE
      ? { ...before, runId: before.runId ?? runIdOf(value!) }
      : { ...before, test: before.test ?? testIdOf(value!) };
    if (mark.runId !== null || mark.test !== null) marks.set(Number(pid), mark);
  }
  return marks;
}
