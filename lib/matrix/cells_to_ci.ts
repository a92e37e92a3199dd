import { plural } from "../base/plural.ts";
import type { CiLog } from "../ci/ci_log.ts";
import { countsLine } from "../pytest/counts.ts";
import type { Failure } from "../pytest/failure.ts";
import { failureAnnotation, failureOfSummary } from "../run/ci_report.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { CellRun, PlannedCell } from "./cells.ts";

/** How a matrix ended. */
export interface MatrixEnd {
  readonly planned: readonly PlannedCell[];
  readonly runs: readonly CellRun[];
  readonly exitCode: ExitCode;
  readonly seconds: number;
}

/** Reports a matrix to the service that runs the tests: each failure once, with its cells. */
export async function reportCellsToCi(ci: CiLog, root: string, end: MatrixEnd): Promise<void> {
  const { planned, runs, exitCode, seconds } = end;
  const failures = failuresOf(runs);
  if (exitCode !== 0) ci.openGroup();
  for (const { name, verdict: { code, ending } } of runs) {
    if (ending !== null) ci.annotateRun(`${name}: exit code ${code}`, ending);
  }
  ci.annotate(
    root,
    failures.map(({ failure, where }) => failureAnnotation(failure, [where])),
  );
  const bad = runs.filter((run) => run.verdict.code !== 0).length;
  await ci.summarize({
    title: `${plural(runs.length, "cell")}, ${bad} not ok, in ${seconds.toFixed(2)} s`,
    exitCode,
    counts: [],
    cells: planned.map((cell) => [cell.name, resultOf(cell, runs)]),
    failures: failures.map(({ failure, where }) => failureOfSummary(failure, [where])),
    flaky: [],
    leaks: [],
  });
}

function resultOf({ number, impossible }: PlannedCell, runs: readonly CellRun[]): string {
  const run = runs.find((one) => one.number === number);
  if (run === undefined) return `not run: ${impossible?.reason ?? "interrupted before"}`;
  const { verdict: { code: exitCode, ending }, outcome: { run: model } } = run;
  const counts = model.began ? countsLine(model.counts, model) : "pytest reported nothing";
  const how = ending === null ? counts : `${ending}: ${counts}`;
  return exitCode === 0 ? how : `${how}; exit code ${exitCode}`;
}

/** Each failed test once, and in which cells it failed. */
function failuresOf(runs: readonly CellRun[]): { failure: Failure; where: string }[] {
  const all = runs.flatMap(({ name, outcome }) =>
    outcome.run.failures.map((failure) => ({ failure, name }))
  );
  const byTest = Map.groupBy(all, ({ failure: { id, phase } }) => `${phase}\n${id}`);
  return [...byTest.values()].map((found) => {
    const names = [...new Set(found.map(({ name }) => name))];
    const isEverywhere = names.length === runs.length && runs.length > 1;
    const where = isEverywhere ? "in every cell" : `in ${names.join(", ")}`;
    return { failure: found[0]!.failure, where };
  });
}
