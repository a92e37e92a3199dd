import { clock } from "../base/durations.ts";
import { isFlaky, rateText, type TestRecord } from "../base/rates.ts";
import type { PastResult } from "../history/queries.ts";
import type { Regression } from "../history/rules_regression.ts";
import type { TestResult } from "../pytest/results.ts";
import { type ChartedRun, colourOf, meter, runsChart, stamp } from "./charts.ts";
import { badge, type Html, markup, number, table } from "./html.ts";
import { pastStrip } from "./past.ts";

/** A run on record. */
export interface RecordedRun extends ChartedRun {
  readonly id: string;
  readonly commit: string | null;
  readonly flaky: number;
}

/** Facts about a project from its history. */
export interface Trends {
  /** The oldest first. */
  readonly runs: readonly RecordedRun[];
  /** Tests that ever failed. */
  readonly failed: readonly TestRecord[];
  /** The latest results of each test, oldest first, by its id. */
  readonly past: ReadonlyMap<string, readonly PastResult[]>;
  /** Tests that became slower beyond noise. */
  readonly slower: readonly Regression[];
  /** Seconds that each test usually takes, by its id. */
  readonly usualSeconds: ReadonlyMap<string, number>;
}

/** Rows of a table of tests. */
const SHOWN = 15;

/** The slowest tests of this run, with their usual durations. */
export function slowestTests(
  tests: readonly TestResult[],
  { usualSeconds, past }: Trends,
): Html | null {
  const slowest = tests.filter((test) => test.seconds > 0)
    .toSorted((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  if (slowest.length === 0) return null;
  const rows = slowest.map(({ id, seconds, outcome }) => {
    const usual = usualSeconds.get(id);
    const bar = meter(seconds / slowest[0]!.seconds, outcome);
    return [
      markup`<code>${id}</code>${bar}${strip(past, id)}`,
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
    const failed = run.failed + run.errors;
    return [name, clock(run.seconds), failed, run.flaky, run.tests, commit];
  });
  const numbers = ["time", "failed", "flaky", "tests"].map(number);
  const columns = ["run", ...numbers, "commit"];
  return markup`${runsChart(runs)}
<details>
<summary>The runs as a table</summary>
${table(columns, rows)}
</details>`;
}

/** The tests that failed most often, by their share of failures, with their latest results. */
export function failureRates({ failed, past }: Trends): Html | null {
  if (failed.length === 0) return null;
  const shares = failed.map((test) => ({
    ...test,
    share: test.failures / Math.max(1, test.trials),
  }));
  const rows = shares.sort((a, b) => b.share - a.share).slice(0, SHOWN).map((test) => [
    markup`<code>${test.id}</code> ${isFlaky(test) && badge("flaky")}${strip(past, test.id)}`,
    `${test.failures} of ${test.trials}`,
    rateText(test) ?? "–",
  ]);
  const flaky = failed.filter(isFlaky).length;
  return markup`${table(["test", number("failed"), number("rate")], rows)}
<p class="more">Rates with their 95% intervals, over all recorded runs. Flaky, since the same code
passed and failed: ${flaky} of ${failed.length}.</p>`;
}

/** Tests that became slower over the recorded runs, with their latest results. */
export function slowerTests({ slower, past }: Trends): Html | null {
  if (slower.length === 0) return null;
  const rows = slower.slice(0, SHOWN).map(({ id, before, now }) => [
    markup`<code>${id}</code>${strip(past, id)}`,
    clock(before),
    clock(now),
    `+${((now / before - 1) * 100).toFixed(0)}%`,
  ]);
  return markup`${table(["test", number("before"), number("now"), number("change")], rows)}
<p class="more">Medians of the latest passes and of those before them, beyond noise; runs that were
short of CPU are left out.</p>`;
}

function strip(past: Trends["past"], id: string): Html | null {
  return pastStrip(past.get(id) ?? []);
}
