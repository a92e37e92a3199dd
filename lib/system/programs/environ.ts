import { type Mark, RUN_COOKIE, runIdOf, TEST_COOKIE, testIdOf } from "../../base/cookie.ts";
import type { Host } from "../host.ts";
import { catFiles, splitFiles } from "./cat.ts";
import { probe } from "./probe.ts";
import type { Read } from "./proc.ts";

/**
 * What the program itself is started with: the record of it at the end says that the output is
 * whole.
 */
const WHOLE = "whole";
/** Processes that one `grep` is asked about: their paths have to fit on a command line. */
const AT_ONCE = 10_000;

/**
 * Which of these processes a test started, as far as their environments say so. One `grep`, which
 * keeps four variables and shows nothing of the others. A process whose environment can't be read
 * is not among them: that may be anybody's.
 */
export async function readMarks(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<Read<Mark>> {
  const rows = new Map<number, Mark>();
  for (let start = 0; start < pids.length; start += AT_ONCE) {
    const some = pids.slice(start, start + AT_ONCE);
    const args = [
      "-azsH",
      ...[RUN_COOKIE, TEST_COOKIE, "TMUX", "STY"].flatMap((name) => ["-e", `^${name}=`]),
    ];
    const { text, failure } = await probe(host, "grep", [
      ...args,
      ...some.map(environmentOf),
      "/proc/self/environ",
    ], {
      why,
      // 2: some of them are gone, or can't be read.
      codes: [0, 2],
      env: { [RUN_COOKIE]: WHOLE },
    });
    if (text === null) return { rows: new Map(), failure };
    const found = parseMarks(text, some);
    if (found === null) {
      return {
        rows: new Map(),
        failure: 'the output of "grep" for files under /proc can\'t be read',
      };
    }
    for (const [pid, mark] of found) rows.set(pid, mark);
  }
  return { rows, failure: null };
}

function environmentOf(pid: number): string {
  return `/proc/${pid}/environ`;
}

/**
 * Parses what {@linkcode readMarks} makes `grep` print; null if it is not what was asked for, or
 * not all of it.
 */
export function parseMarks(text: string, pids: readonly number[]): Map<number, Mark> | null {
  const records = text.split("\0");
  if (records.pop() !== "" || records.pop() !== `/proc/self/environ:${RUN_COOKIE}=${WHOLE}`) {
    return null;
  }
  const marks = parseRecords(records);
  const asked = new Set(pids);
  return marks === null || [...marks.keys()].some((pid) => !asked.has(pid)) ? null : marks;
}

const RECORD = /^\/proc\/(\d+)\/environ:(TRACTEST_RUN|PYTEST_CURRENT_TEST|TMUX|STY)=(.*)$/s;

/**
 * Parses records of `grep -azH` about environments; null if one is none. Of a variable that is
 * there twice the first counts, as for getenv.
 *
 * What a terminal multiplexer has in its own environment it hands to all that is typed into it
 * later: there the variables say nothing.
 */
export function parseRecords(records: readonly string[]): Map<number, Mark> | null {
  const marks = new Map<number, Mark>();
  const multiplexers = new Map<number, number>();
  for (const record of records) {
    const [, digits, variable, value] = RECORD.exec(record) ?? [];
    if (digits === undefined) {
      // A line end within another variable's value, behind which the same words stand.
      if (/^\/proc\/\d+\/environ:/.test(record)) continue;
      return null;
    }
    const pid = Number(digits);
    if (variable === "TMUX" || variable === "STY") {
      const server = multiplexerOf(value!);
      if (server !== null) multiplexers.set(pid, server);
      continue;
    }
    const before = marks.get(pid) ?? { runId: null, test: null };
    const mark = variable === RUN_COOKIE
      ? { ...before, runId: before.runId ?? runIdOf(value!) }
      : { ...before, test: before.test ?? testIdOf(value!) };
    if (mark.runId !== null || mark.test !== null) marks.set(pid, mark);
  }
  const typed = [...marks.keys()].filter((pid) =>
    multiplexers.has(pid) && marks.has(multiplexers.get(pid)!)
  );
  for (const pid of typed) marks.delete(pid);
  return marks;
}

/**
 * The pid of the server in `TMUX=/tmp/tmux-0/default,1234,0` or `STY=1234.pts-0.host`; null for
 * anything else.
 */
function multiplexerOf(value: string): number | null {
  const pid = /,(\d+),\d+$/.exec(value)?.[1] ?? /^(\d+)\./.exec(value)?.[1];
  return pid === undefined ? null : Number(pid);
}

/**
 * The whole environments of processes, one text of `NAME=value` records each; empty for one that
 * can't be read. For values that must not be shown.
 */
export async function readEnvironments(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<string[]> {
  const { text } = await catFiles(host, pids.map(environmentOf), why);
  return splitFiles(text ?? "", pids.length) ?? [];
}
