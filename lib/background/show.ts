import { plural } from "../base/plural.ts";
import { inWords } from "../base/durations.ts";
import { escapeText } from "../base/escape.ts";
import { countsLine } from "../pytest/counts.ts";
import type { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import type { KnownRun } from "./known_runs.ts";
import { resultText } from "./notify.ts";
import type { RunPhase } from "./rules_run_file.ts";
import { UNKNOWN_RUN } from "./unknown_run.ts";

/** A run as it is shown. */
export interface ShownRun extends KnownRun {
  /** What pytest has reported; null where that was not read. */
  readonly model: RunModel | null;
}

/** Failures, and running tests, that are shown of a run, at most. */
const SHOWN_TESTS = 10;

/** Shows one run in detail. Times in milliseconds since the epoch. */
export function showRun(printer: Printer, run: ShownRun, now: number): void {
  const { record, state, model } = run;
  printer.line(`${record.runId}  ${stateText(run, now)}  ${escapeText(record.command)}`);
  if (model === null) return;
  if (model.collected !== null) {
    const counts = model.done > 0 ? countsLine(countsOf(model, state)) : "none has ended yet";
    printer.line(`  ${model.done} of ${plural(model.collected, "test")}: ${counts}`);
  }
  const running = model.running.slice(-SHOWN_TESTS);
  if (state === "running" || state === "unknown") {
    if (model.collected === null) {
      printer.line("  no tests collected yet (still checking or collecting)");
    }
    for (const { id, since } of running) {
      printer.line(`  now: ${shownId(id)}, for ${inWords(now / 1000 - since)}`);
    }
  } else if (state === "died") {
    for (const { id } of running) printer.line(`  was running: ${shownId(id)}`);
  }
  const failed = [...new Set(model.failures.map(({ id }) => id))];
  for (const id of failed.slice(0, SHOWN_TESTS)) {
    printer.line(`  ${printer.paint("red", "failed:")} ${shownId(id)}`);
  }
  if (failed.length > SHOWN_TESTS) printer.line(`  … and ${failed.length - SHOWN_TESTS} more`);
}

/** Shows runs that are over, a line each. */
export function showEarlier(printer: Printer, runs: readonly KnownRun[], now: number): void {
  const rows = runs.map((run) => {
    const { runId, command } = run.record;
    return [runId, stateText(run, now), escapeText(command)];
  });
  printer.rows(rows);
}

/** `running for 34 s`, `exit code 1 after 34 s: 1 failed, 20 passed`. */
export function stateText({ record, state }: KnownRun, now: number): string {
  const { began, end } = record;
  const since = inWords((now - began) / 1000);
  switch (state) {
    case "waiting":
      return `waiting for another run for ${since}`;
    case "running":
      return `running for ${since}`;
    case "unknown":
      return `started ${since} ago; whether it still runs can't be seen from here`;
    case "died":
      return `died without an exit code, started ${since} ago`;
    case "finished": {
      const result = resultText(end!);
      const after = `exit code ${end!.exitCode} after ${inWords(end!.seconds)}`;
      return result === "" ? after : `${after}: ${result}`;
    }
  }
}

/** Hints at the commands for processes that a run left behind when it died. */
export function hintAtLeftovers(printer: Printer): void {
  printer.hint("find its processes: tractest zombies; end its pytest: tractest run --clean");
}

/** A run for `--json`; unknown is null. */
export function runFacts(
  { record, state, directory, model }: ShownRun,
  now: number,
): Readonly<Record<string, unknown>> {
  const { runId, root, command, background, pid, began, end } = record;
  const running = model && model.running.map(({ id, since }) => ({
    id,
    seconds: Math.max(0, Math.round(now - since * 1000) / 1000),
  }));
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
    collected: model?.collected ?? null,
    finished: model === null || model.collected === null ? null : model.done,
    counts: end?.counts ?? (model?.began ? countsOf(model, state) : null),
    failures: model && model.failures.map(({ id, phase, message }) => ({ id, phase, message })),
    running,
    directory,
  };
}

/** The counts so far: while a run is under way, nothing counts as not run. */
function countsOf(model: RunModel, state: RunPhase): RunModel["counts"] {
  return state === "died" || state === "finished" ? model.counts : { ...model.counts, notRun: 0 };
}

/** A background run that has begun. */
export interface StartedRun {
  readonly runId: string;
  readonly pid: number;
  readonly output: string;
}

/** Shows how to follow a background run; only its id goes to standard output. */
export function showStarted(host: Host, printer: Printer, started: StartedRun): void {
  if (printer.json) {
    printer.document("tractest.run/1", { exitCode: null, ...UNKNOWN_RUN, background: started });
    return;
  }
  const { runId, pid } = started;
  printer.line(runId);
  printer.note(`runs in the background (pid ${pid}), also after this terminal is closed:`);
  const rows = [
    ["status", "show its progress"],
    ["logs -f", "follow its output"],
    ["wait", "wait for its exit code"],
    ["stop", "end it"],
  ].map(([command, purpose]) => [`  tractest ${command} ${runId}`, purpose!]);
  printer.rows(rows, { stream: "stderr" });
  if (!host.terminal.stdinIsTerminal) return;
  printer.note(
    "it can't ask: --sync makes a venv, --clean ends leaks, --yes answers all other questions",
  );
}
