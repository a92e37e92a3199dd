import type { RunFindings } from "./run_findings.ts";
import type { CiLog } from "../ci/ci_log.ts";
import type { Annotation } from "../ci/rules_log.ts";
import type { RunSummary, SummaryTest } from "../ci/rules_summary.ts";
import { plural } from "../base/plural.ts";
import { countsLine } from "../pytest/counts.ts";
import { describeLeft } from "../pytest/describe_left.ts";
import type { Failure } from "../pytest/failure.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import { reasonOf } from "./rules_cause.ts";
import { type JudgedFailure, knowledgeLines } from "./show_failures.ts";

/** Reports a run to the service that runs the tests. */
export async function reportToCi(ci: CiLog, root: string, found: RunFindings): Promise<void> {
  const { outcome, failures, verdict: { ending, code: exitCode } } = found;
  const { run } = outcome;
  const { flaky, leaking } = notable(run);
  if (exitCode !== 0) ci.openGroup();
  if (ending !== null) ci.annotateRun(`exit code ${exitCode}`, ending);
  ci.annotate(root, [
    ...failures.map((failure) => failureAnnotation(failure, knowledgeOf(failure))),
    ...flaky.map((test) => testAnnotation(test, "passed only when run again", firstReason(test))),
    ...leaking.map((test) =>
      testAnnotation(test, `left ${processes(test)} behind`, leftLines(test).join("\n"))
    ),
  ]);
  const counts = run.began ? countsLine(run.counts, run) : "pytest reported nothing";
  const how = ending === null ? "" : `${ending}: `;
  await ci.summarize({
    title: `${how}${counts} in ${outcome.seconds.toFixed(2)} s`,
    exitCode,
    ...testsOfSummary(run),
    failures: failures.map((failure) => failureOfSummary(failure, knowledgeOf(failure))),
  });
}

/** Tests that did not fail but are worth a word. */
function notable(run: RunModel): { flaky: TestResult[]; leaking: TestResult[] } {
  const tests = [...run.tests.values()];
  return {
    flaky: tests.filter((test) => test.flaky),
    leaking: tests.filter((test) => test.leaked.length > 0),
  };
}

/** What the summary of a job shows of a run, without its failures. */
export function testsOfSummary(run: RunModel): Pick<RunSummary, "counts" | "flaky" | "leaks"> {
  const { flaky, leaking } = notable(run);
  return {
    counts: run.began ? Object.entries(run.counts) : [],
    flaky: flaky.map((test) => summaryOf(test, firstReason(test))),
    leaks: leaking.map((test) => summaryOf(test, leftLines(test).join("; "))),
  };
}

/**
 * A failure in the summary of a job.
 *
 * @param known what else there is to say about it
 */
export function failureOfSummary(failure: Failure, known: readonly string[]): SummaryTest {
  return { id: failure.id, where: failure.where, reason: reasonOf(failure), known };
}

/**
 * A failure at its line.
 *
 * @param known what else there is to say about it
 */
export function failureAnnotation(failure: Failure, known: readonly string[]): Annotation {
  const { id, phase, where, message } = failure;
  const [, file = fileOf(id), line = null] = /^(.+):(\d+)$/.exec(where ?? "") ?? [];
  return {
    level: "error",
    file,
    line: line === null ? null : Number(line),
    title: phase === "call" ? id : `${id} (${phase})`,
    message: [message, ...known].join("\n"),
  };
}

function testAnnotation({ id }: TestResult, what: string, message: string): Annotation {
  return { level: "warning", file: fileOf(id), line: null, title: `${id} ${what}`, message };
}

function summaryOf({ id }: TestResult, reason: string): SummaryTest {
  return { id, where: null, reason, known: [] };
}

function knowledgeOf(failure: JudgedFailure): string[] {
  return knowledgeLines(failure, (_, text) => text).map((line) => line.trim());
}

function firstReason({ attempts }: TestResult): string {
  const failure = attempts.find(({ outcome }) => RED.has(outcome))?.failure ?? null;
  return failure === null ? "it failed before" : reasonOf(failure);
}

function processes({ leaked }: TestResult): string {
  return plural(leaked.length, "process", "processes");
}

/** Processes of a test that are listed. */
const SHOWN_LEFT = 5;

function leftLines({ leaked }: TestResult): string[] {
  return leaked.slice(0, SHOWN_LEFT).map(describeLeft);
}
