import { RED, type TestResult } from "../pytest/results.ts";
import { type Html, html } from "./html.ts";
import { number, table, wide } from "./table.ts";
import type { Trends } from "./trends.ts";

/**
 * Units of a chart's width: bars are stretched to the page, so that text never stands in a chart.
 */
const WIDTH = 1_000;
const LANE = 18;

/** Bars that a timeline draws, at most. */
const BARS = 1_500;

/**
 * Every attempt as a bar over the time of the run, a lane for each session. Where there are too
 * many, the longest and the red ones.
 */
export function timeline(tests: readonly TestResult[]): Html | null {
  const all = tests.flatMap((test) =>
    test.attempts.map((attempt) => ({ ...attempt, id: test.id }))
  );
  const bars = all.toSorted((a, b) =>
    Number(RED.has(b.outcome)) - Number(RED.has(a.outcome)) || b.seconds - a.seconds
  ).slice(0, BARS);
  if (bars.length === 0) return null;
  const begin = all.reduce((least, bar) => Math.min(least, bar.began), Infinity);
  const end = Math.max(
    begin + 0.001,
    all.reduce((most, bar) => Math.max(most, bar.began + bar.seconds), 0),
  );
  const sessions = [...new Set(all.toSorted((a, b) => a.began - b.began).map((bar) => bar.session))]
    .slice(0, 64);
  const x = (time: number) => (time - begin) / (end - begin) * WIDTH;
  const height = sessions.length * (LANE + 4);
  const said = `${all.length} attempts in ${sessions.length} ${
    sessions.length === 1 ? "session" : "sessions"
  } over ${clock(end - begin)}`;
  const used = [...new Set(bars.map((bar) => bar.outcome))].sort();
  return html`<figure><div class="lanes"><ol class="names" aria-hidden="true">${
    sessions.map((name) => html`<li>${name === "" ? "0" : name}</li>`)
  }</ol>
<svg viewBox="0 0 ${WIDTH} ${height}" style="height:${height}px" preserveAspectRatio="none" role="img" aria-label="${said}">
${
    sessions.map((_, lane) =>
      html`<rect class="lane" x="0" y="${
        lane * (LANE + 4)
      }" width="${WIDTH}" height="${LANE}"></rect>`
    )
  }
${
    bars.filter((bar) => sessions.includes(bar.session)).map((bar) =>
      html`
        <rect class="${bar.outcome}" x="${x(bar.began).toFixed(
          2,
        )}" y="${sessions.indexOf(bar.session) * (LANE + 4)}" width="${Math.max(
          1.2,
          bar.seconds / (end - begin) * WIDTH - 0.4,
        ).toFixed(2)}" height="${LANE}">
          <title>${bar.id}: ${bar.outcome}, ${clock(bar.seconds)}</title>
        </rect>
      `
    )
  }
</svg></div>
${axis(end - begin)}
<figcaption>${said}${
    bars.length < all.length && `; the ${bars.length} longest are drawn`
  }. A lane is one pytest of the run. ${legend(used)}</figcaption></figure>`;
}

function axis(seconds: number): Html {
  return html`<div class="axis" aria-hidden="true">${
    [0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${clock(part * seconds)}</span>`)
  }</div>`;
}

function legend(kinds: readonly string[]): Html {
  return html`<span class="legend">${
    kinds.map((kind) =>
      html`
        <span><i class="dot ${kind}"></i>${kind}</span>
      `
    )
  }</span>`;
}

/** A bar for a part (0 to 1) of the whole width. */
export function meter(part: number, kind: string): Html {
  return html`
    <svg class="meter" viewBox="0 0 ${WIDTH} 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="${kind}" x="0" y="0" width="${(part === 0 ? 0 : Math.max(4, part * WIDTH))
        .toFixed(1)}" height="6"></rect>
    </svg>
  `;
}

/** Upper ends of the classes, in seconds. */
const CLASSES = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, Infinity] as const;

/** How many tests take how long; null for fewer than two. */
export function histogram(tests: readonly TestResult[]): Html | null {
  const seconds = tests.filter((test) => test.finished && test.outcome !== "skipped").map((test) =>
    test.seconds
  );
  if (seconds.length < 2) return null;
  const classes = CLASSES.map((to, index) => {
    const from = CLASSES[index - 1] ?? 0;
    const inside = seconds.filter((one) => one >= from && one < to);
    return {
      name: to === Infinity
        ? `over ${from} s`
        : from === 0
        ? `under ${to} s`
        : `${from} to ${to} s`,
      count: inside.length,
      sum: inside.reduce((sum, one) => sum + one, 0),
    };
  });
  const shown = classes.slice(
    classes.findIndex(({ count }) => count > 0),
    classes.findLastIndex(({ count }) => count > 0) + 1,
  );
  const most = Math.max(...shown.map(({ count }) => count));
  return table(
    ["duration", wide("tests"), number("count"), number("together")],
    shown.map(({ name, count, sum }) => [name, meter(count / most, "passed"), count, clock(sum)]),
  );
}

/** What is drawn of a run. */
export type ChartedRun = Trends["runs"][number];

/** Green, red, or neither: a run that did not end. */
export function kindOfRun({ exitCode, counts }: ChartedRun): "passed" | "failed" | "skipped" {
  if (exitCode === null) return "skipped";
  return counts.failed > 0 || exitCode !== 0 ? "failed" : "passed";
}

const RUNS_HEIGHT = 120;

/** Each run as a bar as high as it was long, the oldest on the left. */
export function runsChart(runs: readonly ChartedRun[]): Html {
  const longest = Math.max(0.001, ...runs.map((run) => run.seconds));
  const step = WIDTH / runs.length;
  const red = runs.filter((run) => kindOfRun(run) === "failed").length;
  const said = `Durations of ${runs.length} runs, up to ${clock(longest)}; ${red} were red`;
  return html`
    <figure>
      <svg viewBox="0 0 ${WIDTH} ${RUNS_HEIGHT}" style="height:${RUNS_HEIGHT}px" preserveAspectRatio="none"
        role="img" aria-label="${said}">
    <rect class="lane" x="0" y="0" width="${WIDTH}" height="${RUNS_HEIGHT}"></rect>
    ${runs.map((run, index) => {
      const size = Math.max(2, run.seconds / longest * (RUNS_HEIGHT - 8));
      const [x, y, width] = [index * step + step * 0.1, RUNS_HEIGHT - size, step * 0.8].map((
        value,
      ) => value.toFixed(2));
      return html`
        <rect class="${kindOfRun(run)}" x="${x}" y="${y}" width="${width}" height="${size.toFixed(
          2,
        )}">
          <title>${stamp(run.started)}: ${clock(run.seconds)}, ${run.counts.failed} of ${run.counts
            .tests} failed</title>
        </rect>
      `;
    })}
      </svg>
      <figcaption>${said}. The oldest run is on the left.</figcaption>
    </figure>
  `;
}

/** `85 ms`, `9.53 s`, `1:05`, `1:00:05`. */
export function clock(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** Of a time in seconds since the epoch: the page is read in any time zone. */
export function stamp(time: number): string {
  return `${new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
