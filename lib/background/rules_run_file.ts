import { UsageError } from "../errors.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import type { Counts } from "../pytest/counts.ts";
import { type Life, readIdentity } from "./rules_recorded_process.ts";

/** What `run.json` says of a run: written when it begins, and again when it is over. */
export interface RunFile {
  readonly runId: string;
  /** The project's root. */
  readonly root: string;
  /** The command line, ready to paste. */
  readonly command: string;
  readonly background: boolean;
  /** Whether it waits until another run has ended. */
  readonly waiting: boolean;
  /** The tractest of the run. */
  readonly pid: number;
  /** The same process with its start; null where that could not be read. */
  readonly identity: RecordedIdentity | null;
  /** When it began, milliseconds since the epoch. */
  readonly began: number;
  /** How it ended; null while it runs, and for a run that was killed. */
  readonly end: RunEnd | null;
}

/** How a run ended. */
export interface RunEnd {
  readonly exitCode: number;
  /** What ended it, as `interrupted`; null if it ended by itself. */
  readonly ending: string | null;
  /** Its whole duration. */
  readonly seconds: number;
  /** Null when pytest reported nothing. */
  readonly counts: Counts | null;
}

/**
 * The state of a run. `died`: its process is gone and has recorded no end; `unknown`: whether it
 * still lives can't be seen from here.
 */
export type RunPhase = "waiting" | "running" | "finished" | "died" | "unknown";

const SCHEMA = "tractest.record/1";

/** The text of `run.json`. */
export function runFileText(record: RunFile): string {
  return `${JSON.stringify({ schema: SCHEMA, ...record })}\n`;
}

/** Reads `run.json`; null if it is not valid. */
export function readRunFile(text: string | null): RunFile | null {
  try {
    const { schema, runId, root, command, background, waiting, pid, identity, began, end } = JSON
      .parse(text ?? "");
    const isValid = schema === SCHEMA && isRunId(runId) && typeof root === "string" &&
      typeof command === "string" && Number.isSafeInteger(pid) && pid > 1 &&
      Number.isFinite(began);
    if (!isValid) return null;
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

function readCounts(value: Partial<Counts> | null | undefined): Counts | null {
  const { passed, failed, skipped, errors, xfailed, xpassed } = value ?? {};
  const required = { passed, failed, skipped, errors, xfailed, xpassed };
  if (!Object.values(required).every(Number.isSafeInteger)) return null;
  // Older versions did not record these.
  const [subtestsPassed = 0, notRun = 0] = [value!.subtestsPassed, value!.notRun].map((count) =>
    Number.isSafeInteger(count) ? count : 0
  );
  return { ...required as Omit<Counts, "subtestsPassed" | "notRun">, subtestsPassed, notRun };
}

/** The state of a run, by what it recorded and whether its process lives. */
export function phaseOf({ end, waiting }: RunFile, life: Life): RunPhase {
  if (end !== null) return "finished";
  if (life !== "alive") return life === "gone" ? "died" : "unknown";
  return waiting ? "waiting" : "running";
}

/** Whether a run may still do something. */
export function isUnderWay(phase: RunPhase): boolean {
  return phase !== "finished" && phase !== "died";
}

/**
 * The run to choose where none is named: the newest that is under way, else the newest. A run whose
 * process can't be seen comes last: its end could not be seen either.
 *
 * @param runs newest first
 */
export function unnamedRun<Run extends { readonly state: RunPhase }>(
  runs: readonly Run[],
): Run | undefined {
  const seen = runs.filter((run) => run.state !== "unknown");
  return seen.find((run) => isUnderWay(run.state)) ?? seen[0] ?? runs[0];
}

/** `20261124-135525`: a time in milliseconds since the epoch, in UTC. */
export function timeStamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}

/** Whether a text is the id of a run: a time stamp, and four digits that make it unique. */
export function isRunId(text: unknown): text is string {
  return typeof text === "string" && /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(text);
}

/** When the run of an id began, milliseconds since the epoch. */
export function timeOfRunId(runId: string): number {
  const iso = runId.replace(/^(....)(..)(..)-(..)(..)(..).*/, "$1-$2-$3T$4:$5:$6Z");
  return Date.parse(iso);
}

/** Ids that an error lists, at most. */
const SHOWN_IDS = 5;

/**
 * The run that a word names: its whole id, or a beginning or end of it that no other run has.
 *
 * @param ids newest first
 * @returns null when it names none
 * @throws {UsageError} when it names several
 */
export function namedRun(word: string, ids: readonly string[]): string | null {
  if (ids.includes(word)) return word;
  const matches = ids.filter((id) => id.startsWith(word) || id.endsWith(word));
  if (matches.length <= 1) return matches[0] ?? null;
  throw new UsageError(
    `"${word}" matches ${matches.length} runs`,
    `newest first: ${list(matches)}`,
  );
}

function list(ids: readonly string[]): string {
  return [...ids.slice(0, SHOWN_IDS), ...(ids.length > SHOWN_IDS ? ["…"] : [])].join(", ");
}
