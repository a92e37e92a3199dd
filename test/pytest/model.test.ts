import fc from "fast-check";
import { runFacts } from "../../lib/background/show.ts";
import { attemptRecords, runRecord } from "../../lib/history/rules_run_record.ts";
import { merge } from "../../lib/merge/rules.ts";
import { type Counts, countsLine } from "../../lib/pytest/counts.ts";
import { EVENTS_SCHEMA, parseEvent, type PytestEvent } from "../../lib/pytest/events.ts";
import { junit } from "../../lib/pytest/junit.ts";
import { RED } from "../../lib/pytest/results.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { reportPage } from "../../lib/report/page.ts";
import { Live } from "../../lib/run/live.ts";
import { assertEquals } from "../assert.ts";

/** How many runs are tried; different ones each time, unless TRACTEST_SEED selects them. */
const RUNS = 400;

type Timeless = PytestEvent extends infer Event
  ? Event extends PytestEvent ? Omit<Event, "time"> : never
  : never;

/** How the call of a test ends: outcome and category. */
const CALLS = [
  ["passed", "passed"],
  ["passed", "xpassed"],
  ["failed", "failed"],
  ["skipped", "skipped"],
  ["skipped", "xfailed"],
] as const;

/** One attempt at a test: which phases fail, its subtests, and what ends it from outside. */
const attempt = fc.record({
  id: fc.constantFrom("a.py::x", "a.py::y[p::q]", "b.py::T::z"),
  call: fc.constantFrom(...CALLS),
  setupFails: fc.boolean(),
  teardownFails: fc.boolean(),
  subtests: fc.array(fc.constantFrom("passed", "failed"), { maxLength: 2 }),
  end: fc.constantFrom("teardown", "teardown", "teardown", "timeout", "crash", "cut", "nothing"),
  leaks: fc.boolean(),
});
type Attempted = typeof attempt extends fc.Arbitrary<infer Value> ? Value : never;

const session = fc.record({
  purpose: fc.constantFrom("tests", "shard", "retry"),
  attempts: fc.array(attempt, { maxLength: 4 }),
  others: fc.subarray(["collection-error", "collection-skip", "internal-error", "tests"] as const),
});

/** The events of a run in their usual order, which of them come, and in which order they do. */
const run = fc.record({
  sessions: fc.array(session, { minLength: 1, maxLength: 3 }),
  dropped: fc.array(fc.nat(60), { maxLength: 12 }),
  moved: fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 12 }),
  ending: fc.constantFrom(null, "interrupted", "killed"),
});
type Run = typeof run extends fc.Arbitrary<infer Value> ? Value : never;

function eventsOfAttempt(session: string, one: Attempted): Timeless[] {
  const { id } = one;
  const about = { session, id };
  const failure = { message: "no", where: null, traceback: "", errors: [] };
  const report = (
    phase: "setup" | "call" | "teardown",
    outcome: "passed" | "failed" | "skipped",
    category: string,
  ) => {
    const why = outcome === "failed" ? failure : {};
    return { event: "report", ...about, phase, outcome, category, seconds: 0.1, ...why } as const;
  };
  const subtests = one.subtests.map((outcome, index): Timeless => (
    { ...report("call", outcome, outcome === "failed" ? "failed" : ""), subtest: `${index}` }
  ));
  const phases = one.setupFails
    ? [report("setup", "failed", "error")]
    : [report("setup", "passed", ""), ...subtests, report("call", one.call[0], one.call[1])];
  const last = { ...about, seconds: 1, message: "it ended" };
  const ends: Record<Attempted["end"], Timeless[]> = {
    teardown: [
      one.teardownFails ? report("teardown", "failed", "error") : report("teardown", "passed", ""),
    ],
    timeout: [{ event: "timeout", ...last, limit: 1 }],
    crash: [{ event: "crash", ...last }],
    cut: [{ event: "cut", ...last }],
    nothing: [],
  };
  const processes = [{ pid: 1, startTicks: 2, title: "sleep", seconds: 1 }];
  return [
    { event: "test-start", ...about, file: "a.py", line: 1 },
    ...phases,
    ...ends[one.end],
    ...(one.leaks ? [{ event: "leak", ...about, processes } as const] : []),
  ];
}

function eventsOf({ sessions, dropped, moved, ending }: Run): PytestEvent[] {
  const events = sessions.flatMap(({ purpose, attempts, others }, index): Timeless[] => {
    const session = String(index);
    const failure = { message: "no module", where: null, traceback: "", errors: [] };
    const facts: Record<typeof others[number], Timeless> = {
      "collection-error": { event: "collection-error", session, id: "c.py", ...failure },
      "collection-skip": { event: "collection-skip", session, id: "d.py", message: "not here" },
      "internal-error": { event: "internal-error", session, message: "no" },
      tests: { event: "tests", session, ids: attempts.map(({ id }) => id) },
    };
    return [
      { event: "session-begin", session, pid: 1, purpose },
      { event: "session-start", session, pid: 2, rootdir: "/", pytest: "9" },
      { event: "collected", session, count: attempts.length, deselected: 0 },
      ...others.map((name) => facts[name]),
      ...attempts.flatMap((one) => eventsOfAttempt(session, one)),
      { event: "session-finish", session, exitStatus: 0, warnings: 0 },
    ];
  });
  // Which of several tests of one id an event is about, its place alone says.
  const ids = sessions.map(({ attempts }) => attempts.map(({ id }) => id));
  const isRepeated = (session: string, id: string) =>
    ids[Number(session)]!.filter((one) => one === id).length > 1;
  const isFree = (event: Timeless | undefined) =>
    event !== undefined && !("id" in event && isRepeated(event.session!, event.id!));
  for (const index of dropped) if (isFree(events[index])) events.splice(index, 1);
  for (const [from, to] of moved) {
    if (isFree(events[from])) events.splice(to, 0, ...events.splice(from, 1));
  }
  const unknown = { commit: null, dirty: null, transport: null, backend: null, python: null };
  const start = { event: "run-start", runId: "r", root: "/", command: [], pid: 1, ...unknown };
  const finish = { event: "run-finish", exitCode: 0, ending, seconds: 1 };
  const all = [start, ...events, ...(ending === "killed" ? [] : [finish])];
  return all.map((event, index) => ({ time: 100 + index, ...event })) as PytestEvent[];
}

function modelOf(events: readonly PytestEvent[]): RunModel {
  const model = new RunModel();
  for (const event of events) model.apply(event);
  return model;
}

/** The counts on a line of the verdict, by pytest's words. */
function countsIn(line: string): Counts {
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}\\b`).exec(line)?.[1] ?? 0);
  return {
    passed: Number(/(?<!subtests )\b(\d+) passed/.exec(line)?.[1] ?? 0),
    failed: number("failed"),
    skipped: number("skipped"),
    errors: number("errors?"),
    xfailed: number("xfailed"),
    xpassed: number("xpassed"),
    subtestsPassed: number("subtests passed"),
    notRun: number("not run"),
  };
}

/** The counts of the page of a report, as its tiles show them. */
function countsOn(page: string): Counts {
  const tile = (name: string) => Number(new RegExp(`<b>(\\d+)</b> ${name}<`).exec(page)?.[1] ?? 0);
  return {
    passed: tile("passed"),
    failed: tile("failed"),
    skipped: tile("skipped"),
    errors: tile("errors?"),
    xfailed: tile("xfailed"),
    xpassed: tile("xpassed"),
    subtestsPassed: tile("subtests passed"),
    notRun: tile("not run"),
  };
}

/** The totals of the suite in a JUnit report. */
function totalsOf(report: string): Record<"errors" | "failures" | "skipped" | "tests", number> {
  const suite = /<testsuite [^>]*>/.exec(report)![0];
  const total = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)![1]);
  return {
    errors: total("errors"),
    failures: total("failures"),
    skipped: total("skipped"),
    tests: total("tests"),
  };
}

/** The same counts, one by one over the tests, as pytest's summary would. */
function countedOneByOne(model: RunModel): Omit<Counts, "notRun"> {
  const words = model.begun.flatMap(({ attempts }) => attempts.at(-1)!.counted);
  const number = (wanted: string) => words.filter((word) => word === wanted).length;
  return {
    passed: number("passed"),
    failed: number("failed"),
    skipped: number("skipped") + model.collectionSkips.length,
    errors: number("error") + model.collectionErrors.length,
    xfailed: number("xfailed"),
    xpassed: number("xpassed"),
    subtestsPassed: number("subtests passed"),
  };
}

/** The events of some sessions, as the file of one machine has them. */
function part(name: string, events: readonly PytestEvent[], isIn: (session: string) => boolean) {
  return {
    name,
    async *events() {
      yield events.filter(({ session }) => session === undefined || isIn(session));
    },
  };
}

async function check(plan: Run): Promise<void> {
  const events = eventsOf(plan);
  const model = modelOf(events);
  const { notRun, ...rest } = model.counts;
  assertEquals(rest, countedOneByOne(model), "counted one by one");
  assertEquals(notRun, model.notRun.length, "not run");
  assertEquals(countsIn(countsLine(model.counts)), model.counts, "counts line");
  checkJson(model);
  checkHistory(model);
  await checkPage(model);
  checkJunit(model);
  checkFile(model, events);
  checkLive(model, events);
  await checkMerge(model, events);
}

function checkJson(model: RunModel): void {
  const record = { runId: "r", end: { exitCode: 0, ending: null, seconds: 1, counts: null } };
  const shown = { record, state: "finished", directory: "/", model } as unknown;
  const facts = runFacts(shown as Parameters<typeof runFacts>[0], 0);
  assertEquals(facts.counts, model.began ? model.counts : null, "JSON");
  assertEquals((facts.failures as unknown[]).length, model.failures.length, "failures in JSON");
}

function checkHistory(model: RunModel): void {
  const { tests, flaky, ...counts } = runRecord(model)!.counts;
  assertEquals(counts, model.counts, "history");
  assertEquals([tests, flaky], [model.begun.length, model.flaky], "tests in the history");
  const attempts = model.begun.flatMap((test) => test.attempts);
  const reds = attempts.filter(({ outcome }) => RED.has(outcome)).length;
  const recorded = attemptRecords(model).filter(({ red }) => red).length;
  assertEquals(recorded, reds, "red attempts in the history");
}

async function checkPage(model: RunModel): Promise<void> {
  const none = new Map();
  const trends = { runs: [], failed: [], slower: [], usualSeconds: none, past: none };
  const nothing = { hangs: [], explanations: [], compared: null, trends };
  const links = { root: "/", template: "file://{path}" };
  const page = await reportPage({ results: model, ...nothing, links, now: 0 });
  assertEquals(countsOn(page), model.counts, "report");
}

function checkJunit(model: RunModel): void {
  const { counts, ended, internalErrors } = model;
  const totals = totalsOf(junit(model));
  const isStopped = ended === null || ended.ending !== null;
  // Where pytest stopped by itself, only tests that had begun count as errors.
  const open = isStopped ? counts.notRun : model.begun.filter((test) => !test.hasResult).length;
  assertEquals(totals.failures, counts.failed, "JUnit failures");
  assertEquals(totals.errors, counts.errors + open + internalErrors.length, "JUnit errors");
  assertEquals(totals.skipped, counts.skipped + counts.xfailed, "JUnit skipped");
}

async function checkMerge(model: RunModel, events: readonly PytestEvent[]): Promise<void> {
  const one = await merge([part("all", events, () => true)]);
  const two = await merge([
    part("one", events, (name) => name !== "1"),
    part("two", events, (name) => name === "1"),
  ]);
  assertEquals(one.run.counts, model.counts, "merge of one");
  assertEquals(two.run.counts, model.counts, "merge of two");
  assertEquals(one.run.failures, model.failures, "failures of a merge");
}

function checkFile(model: RunModel, events: readonly PytestEvent[]): void {
  const lines = events.map((event) => JSON.stringify({ schema: EVENTS_SCHEMA, ...event }));
  const read = modelOf(lines.map((line) => parseEvent(line)!));
  assertEquals(read.counts, model.counts, "read from a file");
}

function checkLive(model: RunModel, events: readonly PytestEvent[]): void {
  const live = new Live(new RunModel(), { tries: 2, durations: new Map() });
  const notes = events.flatMap((event) => live.take(event, live.run.apply(event)));
  const fails = (event: PytestEvent) =>
    event.event === "timeout" || event.event === "crash" ||
    (event.event === "report" && event.outcome === "failed");
  const failing = events.filter(fails).length + model.collectionErrors.length;
  assertEquals(notes.filter(({ kind }) => kind === "failed").length, failing, "live failures");
  const { running, countsSoFar, flaky } = live.run;
  if (running.length === 0) assertEquals(countsSoFar, { ...model.counts, notRun: 0 }, "live");
  assertEquals(flaky, model.begun.filter((test) => test.flaky).length, "flaky");
}

Deno.test("all outputs of a run have the same counts, for any events in any order", async () => {
  const seed = Number(Deno.env.get("TRACTEST_SEED") ?? Date.now() % 2 ** 31);
  await fc.assert(fc.asyncProperty(run, check), {
    seed,
    numRuns: RUNS,
    reporter(result) {
      if (!result.failed) return;
      const events = eventsOf(result.counterexample![0]);
      const shown = events.map((event) => JSON.stringify(event)).join("\n");
      throw new Error(`TRACTEST_SEED=${seed}, the smallest:\n${shown}`, {
        cause: result.errorInstance,
      });
    },
  });
});
