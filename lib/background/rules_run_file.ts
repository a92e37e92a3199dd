import { UsageError } from "../errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Process, RecordedIdentity, Surroundings } from "../processes/process.ts";
import { readIdentity } from "./rules_lock.ts";
import type { Counts } from "../pytest/verdict.ts";

/**
 * What a run says about itself in `run.json` of its directory: once when it begins, once more when
 * it is over.
 */
export interface RunFile {
  readonly runId: string;
  /** The project's root. */
  readonly root: string;
  /** What was typed, ready to paste. */
  readonly command: string;
  readonly background: boolean;
  /** It waits until another run has ended. */
  readonly waiting: boolean;
  /** The tractest that runs it. */
  readonly pid: number;
  /** What that process is known by; null where that can't be had. */
  readonly identity: RecordedIdentity | null;
  /** When it began, milliseconds since the epoch. */
  readonly began: number;
  /** How it ended; null while it runs, and for ever if it was killed. */
  readonly end: RunEnd | null;
}

/** How a run ended. */
export interface RunEnd {
  readonly exitCode: number;
  /** How, when not by itself: `interrupted`; null else. */
  readonly ending: string | null;
  /** Its whole duration. */
  readonly seconds: number;
  /** Null when pytest reported nothing. */
  readonly counts: Counts | null;
}

/**
 * What is known of a run. `died`: its process is gone and has said nothing; `unknown`: whether it
 * still lives can't be seen from here.
 */
export type RunPhase = "waiting" | "running" | "finished" | "died" | "unknown";

const SCHEMA = "tractest.record/1";

/** The text of a record. */
export function runFileText(record: RunFile): string {
  return `${JSON.stringify({ schema: SCHEMA, ...record })}\n`;
}

/** Reads a record; null if it says nothing that makes sense. */
export function readRunFile(text: string | null): RunFile | null {
  try {
    const { schema, runId, root, command, background, waiting, pid, identity, began, end } = JSON
      .parse(text ?? "");
    const texts = [runId, root, command].every((value) => typeof value === "string");
    if (
      schema !== SCHEMA || !texts || !isRunId(runId) || !Number.isSafeInteger(pid) || pid <= 1 ||
      !Number.isFinite(began)
    ) return null;
    const known = readIdentity(identity);
    return {
      runId,
      root,
      command,
      background: background === true,
      waiting: waiting === true,
      pid,
      identity: known?.pid === pid ? known : null,
      began,
      end: readEnd(end),
    };
  } catch {
    return null;
  }
}

function readEnd(value: Partial<RunEnd> | null | undefined): RunEnd | null {
  const { exitCode, ending, seconds, counts } = value ?? {};
  if (!Number.isSafeInteger(exitCode) || !Number.isFinite(seconds)) return null;
  return {
    exitCode: exitCode!,
    ending: typeof ending === "string" ? ending : null,
    seconds: seconds!,
    counts: readCounts(counts),
  };
}

const COUNTED = ["passed", "failed", "skipped", "errors", "xfailed", "xpassed"] as const;

function readCounts(value: Partial<Counts> | null | undefined): Counts | null {
  if (!value || !COUNTED.every((word) => Number.isSafeInteger(value[word]))) return null;
  const [subtestsPassed, notRun] = [value.subtestsPassed, value.notRun].map((count) =>
    Number.isSafeInteger(count) ? count : 0
  );
  return {
    ...Object.fromEntries(COUNTED.map((word) => [word, value[word]])),
    subtestsPassed,
    notRun,
  } as unknown as Counts;
}

/**
 * The state of a run, from its record and the process that has its pid now.
 *
 * @param seen.here this boot and this pid namespace; null where they are unknown
 * @param seen.process null if there is none
 */
export function stateOf(
  record: RunFile,
  seen: {
    readonly here: Surroundings | null;
    readonly process: Pick<Process, "startTicks" | "state"> | null;
  },
): RunPhase {
  if (record.end !== null) return "finished";
  const { identity } = record;
  if (identity === null || seen.here === null) return "unknown";
  if (identity.bootId !== seen.here.bootId) return "died";
  if (identity.pidNamespace !== seen.here.pidNamespace) return "unknown";
  const { process } = seen;
  if (
    process === null || process.state === "Z" || process.state === "X" ||
    process.startTicks !== identity.startTicks
  ) return "died";
  return record.waiting ? "waiting" : "running";
}

/** Whether a run may still do something. */
export function isUnderWay(state: RunPhase): boolean {
  return state !== "finished" && state !== "died";
}

/**
 * The run that is meant where none is named: the newest that is under way, else the newest. One
 * whose life can't be seen comes last, for nobody could say when it is over.
 *
 * @param runs newest first
 */
export function unnamedRun<Run extends { readonly state: RunPhase }>(
  runs: readonly Run[],
): Run | undefined {
  const seen = runs.filter((run) => run.state !== "unknown");
  return seen.find((run) => isUnderWay(run.state)) ?? seen[0] ?? runs[0];
}

/**
 * Whether a text is an id of a run: a time, and four digits that tell runs of the same second
 * apart.
 */
export function isRunId(text: string): boolean {
  return /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(text);
}

/** When a run with this id was begun, milliseconds since the epoch. */
export function timeOfRunId(runId: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(runId) ?? [];
  return Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
}

/** Ids that are shown when one was not found. */
const SHOWN_IDS = 5;

/**
 * The run that a word names: its whole id, or a beginning or end of it that no other run has.
 *
 * @param ids newest first
 * @throws {UsageError} when it names none or several, with the nearest ones
 */
export function namedRun(word: string, ids: readonly string[]): string {
  if (ids.includes(word)) return word;
  const fitting = ids.filter((id) => id.startsWith(word) || id.endsWith(word));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1) {
    throw new UsageError(
      `"${word}" names ${fitting.length} runs`,
      `newest first: ${list(fitting)}`,
    );
  }
  const hint = ids.length === 0
    ? "no run is on record"
    : `runs on record, nearest first: ${list(nearest(word, ids))}`;
  throw new UsageError(`There is no run "${word}"`, hint);
}

function list(ids: readonly string[]): string {
  return [...ids.slice(0, SHOWN_IDS), ...(ids.length > SHOWN_IDS ? ["…"] : [])].join(", ");
}
