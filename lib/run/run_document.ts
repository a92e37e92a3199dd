import type { RunFindings } from "./run_findings.ts";
import { describeRecord } from "../base/rates.ts";
import { shellCommand } from "../base/escape.ts";
import { hangDocument } from "../hang/hang_report.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { activation } from "../system/programs/activation.ts";
import { describeTests, secondsOf } from "./after.ts";
import { seeOutput, verdictFacts } from "./verdict_facts.ts";
import { notFound } from "./next_command.ts";
import type { TestResult } from "../pytest/results.ts";
import { type JudgedFailure, outcomeOfFailure } from "./show_failures.ts";

/** The JSON document of a run. */
export function runDocument(found: RunFindings): Readonly<Record<string, unknown>> {
  const { verdict, command, prepared, outcome, failures, leaks, strain } = found;
  return {
    runId: prepared.state.runId,
    ...verdictFacts(verdict, (reason) => seeOutput(found, reason)),
    command,
    env: {
      ...prepared.interpreter.environment,
      ...activation(prepared.interpreter, prepared.preflight.inherited).set,
    },
    seconds: secondsOf(outcome),
    counts: outcome.run.began ? outcome.run.counts : null,
    ...(outcome.run.listed.length > 0 ? { tests: outcome.run.listed } : {}),
    notFound: notFound(command, outcome.run.offered),
    failures: failures.map((one) => failureFacts(one, outcome.run.tests.get(one.id))),
    ...describeTests(outcome.run),
    hang: outcome.hang && hangDocument(outcome.hang),
    shard: found.parallel.shard,
    jobs: found.jobs,
    balance: found.balance,
    leaks,
    strained: strain?.strained ?? null,
    preflight: prepared.preflight.checks,
  };
}

/** A failure with all that a program needs to show it and to run it again. */
function failureFacts(
  failure: JudgedFailure,
  test: TestResult | undefined,
): Readonly<Record<string, unknown>> {
  const { id, phase, message, known, related, record, where, traceback, output } = failure;
  const [, file = fileOf(id), line = null] = /^(.+):(\d+)$/.exec(where ?? "") ?? [];
  const canRun = id.includes("::") || phase === "collection";
  return {
    id,
    phase,
    outcome: outcomeOfFailure(failure, test),
    message,
    file,
    line: line === null ? null : Number(line),
    traceback,
    output: output ?? "",
    known,
    related,
    rate: record && describeRecord(record),
    rerun: canRun ? shellCommand(["tractest", "run", id]) : null,
    hints: [
      ...(known === null ? [] : [known]),
      ...(related?.see ? [`to see the change: ${shellCommand(related.see)}`] : []),
    ],
  };
}
