import { plural } from "../base/plural.ts";
import { clock } from "../base/durations.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import { type Html, markup, number, type Part, table } from "./html.ts";

/**
 * Units of a chart's width. Charts are stretched to the width of the page, so text has to stand
 * outside of them.
 */
const WIDTH = 1_000;

/** Where a rectangle of a chart is. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A rectangle; its `title` appears where the mouse is over it. */
function rectangle(kind: string, { x, y, width, height }: Box, title?: string): Html {
  const [left, top, wide, high] = [x, y, width, height].map((value) => Number(value.toFixed(2)));
  const place = markup`x="${left}" y="${top}" width="${wide}" height="${high}"`;
  const tip = title && markup`<title>${title}</title>`;
  return markup`<rect class="${kind}" ${place}>${tip}</rect>\n`;
}

function drawing(height: number, label: string, body: Part): Html {
  const size = markup`viewBox="0 0 ${WIDTH} ${height}" height="${height}"`;
  return markup`<svg ${size} preserveAspectRatio="none" role="img" aria-label="${label}">
${body}</svg>`;
}

/** Height of a session's bars in the timeline, and the distance from one session to the next. */
const LANE = { height: 18, distance: 22 } as const;
const SHOWN_BARS = 1_500;
const SHOWN_SESSIONS = 64;

/** Each attempt as a bar over the time of the run, a lane for each session. */
export function timeline(tests: readonly TestResult[]): Html | null {
  const all = tests.flatMap(({ id, attempts }) => attempts.map((attempt) => ({ ...attempt, id })));
  if (all.length === 0) return null;
  // Spreading many attempts over the arguments of Math.min would exceed the stack.
  const begin = all.reduce((least, { began }) => Math.min(least, began), Infinity);
  const end = all.reduce((most, bar) => Math.max(most, bar.began + bar.seconds), begin + 0.001);
  const scale = WIDTH / (end - begin);
  const inOrder = all.toSorted((a, b) => a.began - b.began);
  const lanes = [...new Set(inOrder.map(({ session }) => session))].slice(0, SHOWN_SESSIONS);
  const shown = all.toSorted((a, b) =>
    Number(RED.has(b.outcome)) - Number(RED.has(a.outcome)) || b.seconds - a.seconds
  ).slice(0, SHOWN_BARS);
  const bars = shown.filter(({ session }) => lanes.includes(session)).map((bar) => {
    const x = (bar.began - begin) * scale;
    const width = Math.max(1.2, bar.seconds * scale - 0.4);
    const box = { x, y: lanes.indexOf(bar.session) * LANE.distance, width, height: LANE.height };
    return rectangle(bar.outcome, box, `${bar.id}: ${bar.outcome}, ${clock(bar.seconds)}`);
  });
  const background = lanes.map((_, lane) =>
    rectangle("lane", { x: 0, y: lane * LANE.distance, width: WIDTH, height: LANE.height })
  );
  const sessions = plural(lanes.length, "session");
  const summary = `${plural(all.length, "attempt")} in ${sessions} over ${clock(end - begin)}`;
  const chart = drawing(lanes.length * LANE.distance, summary, [background, bars]);
  const names = lanes.map((name) => markup`<li>${name === "" ? "0" : name}</li>`);
  const limit = shown.length < all.length && `; the ${shown.length} longest are drawn`;
  const outcomes = [...new Set(shown.map(({ outcome }) => outcome))].sort();
  return markup`<figure>
<div class="lanes"><ol class="names" aria-hidden="true">${names}</ol>
${chart}</div>
${axis(end - begin)}
<figcaption>${summary}${limit}. Each lane is one pytest process. ${legend(outcomes)}</figcaption>
</figure>`;
}

function axis(seconds: number): Html {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    markup`<span>${clock(part * seconds)}</span>`
  );
  return markup`<div class="axis" aria-hidden="true">${marks}</div>`;
}

function legend(kinds: readonly string[]): Html {
  const entries = kinds.map((kind) => markup`<span><i class="dot ${kind}"></i>${kind}</span> `);
  return markup`<span class="legend">${entries}</span>`;
}

/** A bar for a share (0 to 1) of the whole width. */
export function meter(share: number, kind: string): Html {
  const width = share === 0 ? 0 : Math.max(4, share * WIDTH);
  const bar = rectangle(kind, { x: 0, y: 0, width, height: 6 });
  const size = markup`viewBox="0 0 ${WIDTH} 6" preserveAspectRatio="none"`;
  return markup`<svg class="meter" ${size} aria-hidden="true">${bar}</svg>`;
}

/** Upper ends of the classes of the histogram, in seconds. */
const CLASSES = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, Infinity] as const;

/** How many tests took how long; null for fewer than two tests. */
export function histogram(tests: readonly TestResult[]): Html | null {
  const ran = tests.filter((test) => test.finished && test.outcome !== "skipped");
  if (ran.length < 2) return null;
  const classes = CLASSES.map((to, index) => {
    const from = CLASSES[index - 1] ?? 0;
    const inside = ran.filter(({ seconds }) => seconds >= from && seconds < to);
    const name = to === Infinity
      ? `over ${from} s`
      : from > 0
      ? `${from} to ${to} s`
      : `under ${to} s`;
    return { name, count: inside.length, sum: inside.reduce((sum, test) => sum + test.seconds, 0) };
  });
  const first = classes.findIndex(({ count }) => count > 0);
  const last = classes.findLastIndex(({ count }) => count > 0);
  const most = Math.max(...classes.map(({ count }) => count));
  const rows = classes.slice(first, last + 1).map((
    { name, count, sum },
  ) => [name, meter(count / most, "passed"), count, clock(sum)]);
  const columns = [
    "duration",
    { title: "tests", kind: "wide" },
    number("count"),
    number("total"),
  ] as const;
  return table(columns, rows);
}

/** A run as a bar of a chart. Times in seconds, `started` since the epoch. */
export interface ChartedRun {
  readonly started: number;
  readonly seconds: number;
  readonly tests: number;
  readonly failed: number;
  readonly errors: number;
  readonly exitCode: number | null;
}

/** The colour of a run: green, red, or grey for one that did not end. */
export function colourOf(
  { exitCode, failed, errors }: ChartedRun,
): "passed" | "failed" | "skipped" {
  if (exitCode === null) return "skipped";
  return failed + errors > 0 || exitCode !== 0 ? "failed" : "passed";
}

const RUNS_HEIGHT = 120;

/** Each run as a bar as high as it was long, the oldest on the left. */
export function runsChart(runs: readonly ChartedRun[]): Html {
  const longest = Math.max(0.001, ...runs.map((run) => run.seconds));
  const step = WIDTH / runs.length;
  const bars = runs.map((run, index) => {
    const height = Math.max(2, run.seconds / longest * (RUNS_HEIGHT - 8));
    const box = { x: (index + 0.1) * step, y: RUNS_HEIGHT - height, width: step * 0.8, height };
    const failed = `${run.failed + run.errors} of ${run.tests} failed`;
    return rectangle(colourOf(run), box, `${stamp(run.started)}: ${clock(run.seconds)}, ${failed}`);
  });
  const background = rectangle("lane", { x: 0, y: 0, width: WIDTH, height: RUNS_HEIGHT });
  const red = runs.filter((run) => colourOf(run) === "failed").length;
  const count = plural(runs.length, "run");
  const summary = `Durations of ${count}, up to ${clock(longest)}; ${red} were red`;
  return markup`<figure>
${drawing(RUNS_HEIGHT, summary, [background, bars])}
<figcaption>${summary}. The oldest run is on the left.</figcaption>
</figure>`;
}

/** A time in seconds since the epoch, in UTC: readers may live in any time zone. */
export function stamp(time: number): string {
  return `${new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
