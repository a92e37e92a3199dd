import { escapeText } from "../base/escape.ts";
import type { RunFile, RunPhase } from "./rules_run_file.ts";
import type { Tally } from "../pytest/tally.ts";
import { countsLine } from "../pytest/verdict.ts";
import { columns } from "../terminal/columns.ts";
import type { Printer } from "../terminal/printer.ts";

/** A run as it is shown. */
export interface ShownRun {
  readonly record: RunFile;
  readonly state: RunPhase;
  readonly directory: string;
  /** What it has told; null where that was not read. */
  readonly told: Tally | null;
}

/** Failures and tests that run which are shown, at most. */
const SHOWN_TESTS = 10;

/**
 * What runs now, or one run that was asked for, in detail. Times in milliseconds since the epoch.
 */
export function showRun(printer: Printer, { record, state, told }: ShownRun, now: number): void {
  printer.line(`${record.runId}  ${stateText(record, state, now)}  ${escapeText(record.command)}`);
  if (told === null) return;
  if (told.collected !== null) {
    printer.line(
      `  ${told.finished} of ${told.collected} tests: ${
        told.finished > 0 ? countsLine(soFar(told, state)) : "none has ended yet"
      }`,
    );
  }
  if (state === "running" || state === "unknown") {
    if (told.collected === null) {
      printer.line("  not collected yet: the checks before the tests, or the collection");
    }
    for (const [id, since] of [...told.running].slice(-SHOWN_TESTS)) {
      printer.line(`  now: ${escapeText(id)}, for ${duration(Math.max(0, now / 1000 - since))}`);
    }
  } else if (state === "died") {
    for (const id of [...told.running.keys()].slice(-SHOWN_TESTS)) {
      printer.line(`  it ran: ${escapeText(id)}`);
    }
  }
  const failed = failedIds(told);
  for (const id of failed.slice(0, SHOWN_TESTS)) {
    printer.line(`  ${printer.paint("red", "failed:")} ${escapeText(id)}`);
  }
  if (failed.length > SHOWN_TESTS) printer.line(`  … and ${failed.length - SHOWN_TESTS} more`);
}

/** Runs that are over, a line each. */
export function showEarlier(printer: Printer, runs: readonly ShownRun[], now: number): void {
  for (
    const line of columns(
      runs.map((
        { record, state },
      ) => [record.runId, stateText(record, state, now), escapeText(record.command)]),
    )
  ) {
    printer.line(line);
  }
}

/** `running for 34 s`, `exit code 1 after 34 s: 1 failed, 20 passed`. */
export function stateText(record: RunFile, state: RunPhase, now: number): string {
  const since = duration((now - record.began) / 1000);
  switch (state) {
    case "waiting":
      return `waiting for another run for ${since}`;
    case "running":
      return `running for ${since}`;
    case "unknown":
      return `begun ${since} ago; whether it still runs can't be seen from here`;
    case "died":
      return `died without a word, begun ${since} ago`;
    case "finished": {
      const { exitCode, ending, seconds, counts } = record.end!;
      const what = [
        ...(ending === null ? [] : [escapeText(ending)]),
        ...(counts === null ? [] : [countsLine(counts)]),
      ].join(": ");
      return `exit code ${exitCode} after ${duration(seconds)}${what === "" ? "" : `: ${what}`}`;
    }
  }
}

/** A run for readers of JSON; what is not known is null. */
export function runFacts(
  { record, state, directory, told }: ShownRun,
  now: number,
): Readonly<Record<string, unknown>> {
  const { runId, root, command, background, pid, began, end } = record;
  return {
    runId,
    state,
    background,
    root,
    command,
    pid,
    began: began / 1000,
    seconds: end?.seconds ?? (state === "died" ? null : Math.round(now - began) / 1000),
    exitCode: end?.exitCode ?? null,
    ending: end?.ending ?? null,
    collected: told?.collected ?? null,
    finished: told === null || told.collected === null ? null : told.finished,
    counts: end?.counts ?? (told?.began ? soFar(told, state) : null),
    failures: told === null
      ? null
      : told.failures.map(({ id, phase, message }) => ({ id, phase, message })),
    running: told === null ? null : [...told.running].map(([id, since]) => ({
      id,
      seconds: Math.max(0, Math.round(now - since * 1000) / 1000),
    })),
    directory,
  };
}

/** As long as a run goes on, what did not run yet is nothing to say. */
function soFar(told: Tally, state: RunPhase): Tally["counts"] {
  return state === "died" || state === "finished" ? told.counts : { ...told.counts, notRun: 0 };
}

function failedIds(told: Tally): string[] {
  return [...new Set(told.failures.map((failure) => failure.id))];
}

/** `3.2 s`, `34 s`, `12 min 5 s`, `3 h 2 min`, `4 days`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86_400)} days`;
}
