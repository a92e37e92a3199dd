import { clock } from "../base/durations.ts";
import type { PastResult } from "../history/queries.ts";
import { stamp } from "./charts.ts";
import { type Html, markup } from "./html.ts";

/** pytest's letters for outcomes, and two for what ended a test from outside. */
const LETTERS: Readonly<Record<string, string>> = {
  passed: ".",
  failed: "F",
  error: "E",
  skipped: "s",
  xfailed: "x",
  xpassed: "X",
  timeout: "T",
  crash: "C",
};

/** Results of a test as letters, in their order. */
export function lettersOf(past: readonly PastResult[]): string {
  return past.map(({ outcome }) => letterOf(outcome)).join("");
}

function letterOf(outcome: string): string {
  return LETTERS[outcome] ?? "?";
}

/**
 * Results of a test in their order: a column for each, as high as it took long, in the colour of
 * its outcome. Their letters are below unless all passed.
 */
export function pastStrip(past: readonly PastResult[]): Html | null {
  if (past.length === 0) return null;
  const longest = Math.max(...past.map(({ seconds }) => seconds), 0.001);
  const hasLetters = past.some(({ outcome }) => outcome !== "passed");
  const columns = past.map(({ outcome, seconds, started }, index) => {
    const height = Math.max(2, Math.round(seconds / longest * HEIGHT));
    const kind = Object.hasOwn(LETTERS, outcome) ? outcome : "";
    const title = `${outcome}, ${clock(seconds)}, ${stamp(started)}`;
    const place = markup`x="${index * STEP}" y="${HEIGHT - height}" width="${STEP - 2}"`;
    const bar = markup`<rect class="${kind}" ${place} height="${height}"/>`;
    const letter = hasLetters &&
      markup`<text x="${index * STEP}" y="${HEIGHT + 11}">${letterOf(outcome)}</text>`;
    return markup`<g><title>${title}</title>${bar}${letter}</g>`;
  });
  const label = `Latest results, newest last: ${past.map(({ outcome }) => outcome).join(", ")}`;
  const size = markup`width="${past.length * STEP}" height="${HEIGHT + (hasLetters ? 14 : 0)}"`;
  return markup`<svg class="past" ${size} role="img" aria-label="${label}">${columns}</svg>`;
}

/** Pixels from one column to the next, and of the highest. */
const STEP = 11;
const HEIGHT = 18;
