import type { Bare } from "./bare.ts";
import type { Mode } from "./modes.ts";
import { COUNTED, type FailedPhase, type Junit, type Observed, type View } from "./observed.ts";
import { has, piecesOf, type RandomSuite } from "./suite.ts";

/** One difference between a run and pytest's. */
export interface Deviation {
  /** In a word or two; it stays the same while the suite is shrunk. */
  readonly kind: string;
  readonly detail: string;
}

/** tractest's own exit codes for suites that it refuses to run in a mode, with the reason. */
const REFUSALS = [64];

/**
 * The name of the test that fails because of what another test left behind: the only one that can
 * pass in a retry.
 */
const ALONE_NAME = "test_alone";

/** All differences between a run and bare pytest. */
export function deviations(
  suite: RandomSuite,
  bare: Bare,
  mode: Mode,
  seen: Observed,
): Deviation[] {
  const found: Deviation[] = [];
  const add = (kind: string, detail: string) => found.push({ kind, detail });
  if (seen.code === null) add("does not end", "after 120 s");
  if (seen.code === 70 || /this is a bug in tractest|\n {4}at .*\.[jt]s:\d/.test(seen.text)) {
    add("a bug", `exit code ${seen.code}`);
  }
  if (seen.code !== null && REFUSALS.includes(seen.code)) return found;
  addExit(suite, bare, mode, seen, add);
  addLost(bare, mode, seen, add);
  const forgiven = seen.forgiven.filter((id) => !id.includes(ALONE_NAME));
  if (forgiven.length > 0) add("forgiven", words(forgiven));
  if (mode.kind === "some") return found;
  for (const view of seen.views) addLies(view, bare, mode, seen, add);
  const isExact = !has(suite, "loose", "wide", "ends", "hangs", "alone") &&
    !(mode.kind === "parts" && has(suite, "whole"));
  if (isExact) {
    if (seen.views.length === 0) add("no verdict", seen.text.slice(-400));
    for (const view of seen.views) addDifferences(suite, view, bare, mode, add);
  }
  return found;
}

type Add = (kind: string, detail: string) => void;

function addExit(suite: RandomSuite, bare: Bare, mode: Mode, { code }: Observed, add: Add): void {
  const both = `bare pytest ${bare.code} (${bare.verdict}), ${mode.name} ${code}`;
  const forgivable =
    has(suite, "alone") && ["jobs", "shard", "retries", "failed"].includes(mode.name) ||
    // The test that is blamed for the fixture of another one passes when it alone is run, as with
    // --lf.
    has(suite, "wide") && mode.name === "failed";
  const partly = mode.name === "affected" || (mode.name === "failed" && bare.failures.length === 0);
  if (code === 0 && bare.verdict === "red" && !forgivable && !partly) add("greener", both);
  const redder = code !== 0 && code !== null && bare.verdict === "green";
  // The verdict on a part of a session, or on a reordered one, is undefined.
  const mayBe = mode.kind !== "one" && has(suite, "whole", "wide", "ends", "alone");
  // pytest takes no argument with a bracket in its path.
  const isRefused = mode.kind === "some" && suite.files.some(({ path }) => path.includes("["));
  // A part may have no test: where its files are skipped as a whole, say, which the checks before a
  // run find.
  const isEmpty = mode.kind === "some" && (code === 5 || code === 80);
  if (redder && !mayBe && !isRefused && !isEmpty) add("redder", both);
  const isExact = mode.kind === "one" && mode.name !== "hook" && !has(suite, "ends", "hangs");
  const passes = code === 0 && (forgivable || bare.verdict !== "red");
  // A red session that a process ends with 0 is red with any code.
  if (isExact && !passes && code !== bare.code && bare.code !== 0 && (bare.code ?? 9) < 6) {
    add("another code", both);
  }
}

/** What a session or bare pytest reported, but the verdict does not. */
function addLost(bare: Bare, mode: Mode, seen: Observed, add: Add): void {
  if (mode.kind === "some") return;
  for (const view of seen.views) {
    if (view.failures === null) continue;
    const ids = new Set([...view.failures.map(({ id }) => id), ...seen.forgiven]);
    const lost = seen.reported.filter(({ id }) => !ids.has(id));
    if (lost.length > 0) add("failure lost", `${view.name}: ${words(lost)}`);
  }
  // If one pytest runs all in the same order it reports what bare pytest did, however it ends.
  if (mode.kind !== "one" || seen.views.every((view) => view.failures === null)) return;
  const all = new Set([
    ...seen.views.flatMap((view) => view.failures ?? []).map(({ id }) => id),
    ...seen.forgiven,
  ]);
  const missing = bare.failures.filter(({ id, phase }) => phase !== "teardown" && !all.has(id));
  if (missing.length > 0) add("failure missing", words(missing));
}

/** Tests that failed or never ran, but passed in the report. */
function addLies(view: View, bare: Bare, mode: Mode, seen: Observed, add: Add): void {
  if (view.junit === null) return;
  const failed = new Set(seen.reported.filter(({ id }) => !seen.forgiven.includes(id)).map(nameOf));
  const passed = new Set([...seen.passed].map((id) => nameOf({ id })));
  for (const [name, tags] of Object.entries(view.junit)) {
    const green = tags.every((tag) => tag === "passed");
    if (green && failed.has(name)) add("passed in JUnit", `${view.name}: ${name} failed`);
    else if (green && passed.size > 0 && !passed.has(name) && bare.verdict === "red") {
      const known = bare.junit?.[name]?.includes("passed");
      if (!known) add("passed in JUnit", `${view.name}: ${name} never ran, ${mode.name}`);
    }
  }
}

/** `tests/a.py::TestA::test_b[x]` as JUnit says it: `tests.a.TestA test_b[x]`. */
function nameOf({ id }: { readonly id: string }): string {
  const [path = "", ...rest] = id.split("::");
  const [names, parameter] = parted(rest.join("::"), "[");
  const classes = names.split("::");
  const file = path.replace(/\.py$/, "").replaceAll("/", ".");
  const last = classes.pop() ?? "";
  return `${[file, ...classes].join(".")} ${last}${parameter}`.replace(/\]$/, "");
}

/** The text before a word, and the rest from that word on. */
function parted(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index)];
}

/** Everything that must be the same. */
function addDifferences(suite: RandomSuite, view: View, bare: Bare, mode: Mode, add: Add): void {
  const counts = view.counts;
  const subtests = piecesOf(suite).some((piece) => /subtests?/i.test(piece.feature));
  if (counts !== null) {
    // In the background pytest gets -q, and with it pytest counts skipped subtests.
    const compared = COUNTED.filter((word) =>
      !(subtests && mode.name === "bg" && /^(skip|xf)/.test(word))
    );
    const differing = compared.filter((word) => counts[word] !== bare.counts[word]);
    if (differing.length > 0) {
      const detail = differing.map((word) => `${word} ${bare.counts[word]} → ${counts[word]}`);
      add("counts", `${view.name}: ${detail.join(", ")}`);
    }
  }
  if (view.failures !== null) {
    const { less, more } = difference(bare.failures.map(phrase), view.failures.map(phrase));
    if (less.length + more.length > 0) {
      add("failing ids", `${view.name}: missing ${words(less)}; more ${words(more)}`);
    }
  }
  if (view.junit === null) return;
  if (bare.junit === null) return;
  const { less, more } = difference(cases(bare.junit, subtests), cases(view.junit, subtests));
  if (less.length + more.length > 0) {
    add("JUnit", `${view.name}: missing ${words(less)}; more ${words(more)}`);
  }
}

/**
 * Every test case with its tags. A skip of a red test, or of one of its subtests, is ignored.
 */
function cases(junit: Junit, subtests: boolean): string[] {
  return Object.entries(junit).map(([name, tags]) => {
    const red = tags.filter((tag) => tag === "failure" || tag === "error").sort();
    if (subtests) return `${name}: ${red[0] ?? "not red"}`;
    const skipped = tags.every((tag) => tag === "skipped");
    return `${name}: ${skipped ? "skipped" : (red.length > 0 ? red : [...tags].sort()).join(" ")}`;
  });
}

function phrase({ id, phase }: FailedPhase): string {
  return `${id} (${phase})`;
}

function difference(from: readonly string[], to: readonly string[]) {
  const more = [...to];
  const less = from.filter((one) => {
    const at = more.indexOf(one);
    if (at >= 0) more.splice(at, 1);
    return at < 0;
  });
  return { less, more };
}

function words(all: readonly (string | FailedPhase)[]): string {
  const said = all.map((one) => typeof one === "string" ? one : phrase(one));
  return said.length === 0 ? "none" : said.slice(0, 5).map((one) => JSON.stringify(one)).join(", ");
}
