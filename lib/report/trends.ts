import { clock } from "../base/durations.ts";
import { rateText, type TestRecord } from "../base/rates.ts";
import type { TestResult } from "../pytest/results.ts";
import { type ChartedRun, colourOf, meter, runsChart, stamp } from "./charts.ts";
import { badge, type Html, markup, number, table } from "./html.ts";

/** Facts about a project from its history. */
export interface Trends {
  /** The oldest first. */
  readonly runs: readonly (ChartedRun & { readonly id: string; readonly commit: string | null })[];
  /** Tests that ever failed. */
  readonly failed: readonly Pick<TestRecord, "id" | "failures" | "trials">[];
  /** Seconds that each test usually takes, by its id. */
  readonly usualSeconds: ReadonlyMap<string, number>;
}

/** Rows of a table of tests. */
const SHOWN = 15;

/** The slowest tests of this run, with their usual durations. */
export function slowestTests(tests: readonly TestResult[], { usualSeconds }: Trends): Html | null {
  const slowest = tests.filter((test) => test.seconds > 0)
    .toSorted((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  if (slowest.length === 0) return null;
  const rows = slowest.map(({ id, seconds, outcome }) => {
    const usual = usualSeconds.get(id);
    const bar = meter(seconds / slowest[0]!.seconds, outcome);
    return [
      markup`<code>${id}</code>${bar}`,
      clock(seconds),
      usual === undefined ? "–" : clock(usual),
    ];
  });
  return table(["test", number("time"), number("usual")], rows);
}

/**
 * The latest runs of the project, as a chart and as a table.
 *
 * @param shownId the run that the page is about
 */
export function latestRuns({ runs }: Trends, shownId: string | null): Html | null {
  if (runs.length < 2) return null;
  const rows = runs.toReversed().map((run) => {
    const mark = run.id === shownId && markup` <b>(this run)</b>`;
    const name = markup`${badge(colourOf(run))} ${stamp(run.started)}${mark}`;
    const commit = markup`<code>${run.commit?.slice(0, 10) ?? "–"}</code>`;
    return [name, clock(run.seconds), run.failed + run.errors, run.tests, commit];
  });
  const columns = ["run", number("time"), number("failed"), number("tests"), "commit"];
  return markup`${runsChart(runs)}
<details>
<summary>The runs as a table</summary>
${table(columns, rows)}
</details>`;
}

/** The tests that failed most often, by their share of failures. */
export function failureRates({ failed }: Trends): Html | null {
  if (failed.length === 0) return null;
  const shares = failed.map((test) => ({
    ...test,
    share: test.failures / Math.max(1, test.trials),
  }));
  const rows = shares.sort((a, b) => b.share - a.share).slice(0, SHOWN).map((test) => [
    markup`<code>${test.id}</code>${meter(test.share, "flaky")}`,
    `${test.failures} of ${test.trials}`,
    rateText(test) ?? "–",
  ]);
  return markup`${table(["test", number("failed"), number("rate")], rows)}
<p class="more">Rates with their 95% intervals, over all recorded runs.</p>`;
}
