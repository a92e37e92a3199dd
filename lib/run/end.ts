import type { SharedOptions } from "../command_line/options.ts";
import { findCascades } from "../pytest/cascade.ts";
import type { Parallel } from "./rules_parallel.ts";
import { registryCollision } from "../pytest/collision.ts";
import { hangDocument } from "../hang/hang_report.ts";
import { activation } from "../system/programs/activation.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { describeRecord } from "../base/rates.ts";
import { nextCommand, notFound } from "./next_command.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { noteHang } from "../hang/show.ts";
import { type JudgedFailure, showLeaksLeft, showVerdict, type VerdictStream } from "./show.ts";
import type { Context } from "../command_line/context.ts";
import type { LeakReport } from "../leaks/gather.ts";
import { describeTests, endingOf } from "./after.ts";
import { type Balance, describeBalance } from "./parallel.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { Prepared } from "./prepared.ts";
import type { Strain } from "../base/strain.ts";

/** What {@linkcode runDocument} is made of. */
export interface RunFindings {
  readonly exitCode: ExitCode;
  /** As a person would type it. */
  readonly command: readonly string[];
  readonly prepared: Prepared;
  readonly outcome: EngineOutcome;
  readonly failures: readonly JudgedFailure[];
  /** Null where nobody has looked. */
  readonly leaks: LeakReport | null;
  /** Null where it could not be seen how much CPU there was. */
  readonly strain: Strain | null;
  readonly balance: Balance | null;
  readonly parallel: Parallel;
  /** How many pytests ran at once. */
  readonly jobs: number;
}

/** Whole duration, seconds to the millisecond. */
export function secondsOf({ seconds }: EngineOutcome): number {
  return Math.round(seconds * 1000) / 1000;
}

/** The document of a run. */
export function runDocument(found: RunFindings): Readonly<Record<string, unknown>> {
  const { exitCode, command, prepared, outcome, failures, leaks, strain, balance, parallel, jobs } =
    found;
  return {
    exitCode,
    pytestExitCode: outcome.pytestExitCode,
    command,
    env: {
      ...prepared.interpreter.environment,
      ...activation(prepared.interpreter, prepared.preflight.inherited).set,
    },
    seconds: secondsOf(outcome),
    counts: outcome.run.began ? outcome.run.counts : null,
    notFound: notFound(command, outcome.run.offered),
    failures: failures.map(({ id, phase, message, known, related, record }) => {
      return { id, phase, message, known, related, rate: record && describeRecord(record) };
    }),
    ...describeTests(outcome.run),
    hang: outcome.hang && hangDocument(outcome.hang),
    shard: parallel.shard,
    jobs,
    balance,
    leaks,
    strained: strain?.strained ?? null,
    preflight: prepared.preflight.checks,
  };
}

/** What {@linkcode showEnd} shows. */
export interface RunView {
  /** As a person would type it. */
  readonly command: readonly string[];
  readonly outcome: EngineOutcome;
  readonly failures: readonly JudgedFailure[];
  /** Null where what is left is none of this run's doing. */
  readonly leaks: LeakReport | null;
  /** That the machine was short of CPU; null if it was not, or if that is unknown. */
  readonly strain: string | null;
  /** Seconds. */
  readonly limit: number;
  /** How often a test was to be run at most. */
  readonly tries: number;
  /** Where the verdict goes. */
  readonly stream: VerdictStream;
  /** How well pytests at once shared the work; null where there was one. */
  readonly balance: Balance | null;
}

/**
 * What is said of a run that was cut at its limit: how much was done, and what gives it more time.
 */
function limitHint(done: number, collected: number | null): string {
  const tests = collected === null
    ? "nothing was collected yet"
    : `${done} of ${collected} test${collected === 1 ? "" : "s"} had ended`;
  return `${tests}; for more time: --timeout SECONDS, 0 for no limit`;
}

/** Shows how a run ended: what hung, the verdict, what is left. */
export function showEnd(
  { printer, line }: Context<SharedOptions>,
  { command, outcome, failures, leaks, strain, limit, tries, stream, balance }: RunView,
): void {
  const { run, hang } = outcome;
  const tests = [...run.tests.values()];
  if (hang) noteHang(printer, hang);
  const { tptProto, spawnBackend } = line.options;
  const keep = [
    ...tptProto.map((transport) => `--tpt-proto=${transport}`),
    ...(spawnBackend === null ? [] : [`--spawn-backend=${spawnBackend}`]),
  ];
  const next = nextCommand({
    recorded: run.exitStatus !== null,
    failedIds: failures.map((failure) => failure.id),
    keep,
  });
  showVerdict(printer, stream, {
    run,
    ending: endingOf(outcome, limit),
    seconds: outcome.seconds,
    failures,
    collision: registryCollision(run.failures, run.finished.length),
    tests,
    contended: new Set(tests.filter((test) => run.isContended(test)).map((test) => test.id)),
    leaked: run.leaked,
    cascades: findCascades(tests),
    tries,
    balance: balance && describeBalance(balance),
    next: next === null ? [] : [next],
  });
  const hint = outcome.cut === "time-limit" && outcome.stoppedAt === null
    ? limitHint(run.finished.length, run.collected)
    : null;
  if (hint !== null) printer.hint(hint);
  for (const { id, nearest } of notFound(command, run.offered)) {
    printer.note(escapeText(`there is no "${id}"; the nearest:`));
    for (const other of nearest) {
      printer.hint(escapeText(shellCommand(["tractest", "run", ...keep, other])));
    }
  }
  if (strain !== null) printer.note(strain);
  if (leaks !== null) {
    showLeaksLeft(
      printer,
      leaks,
      new Set([...tests.flatMap((test) => test.leaked), ...run.leaked].map(({ pid }) => pid)),
    );
  }
}
