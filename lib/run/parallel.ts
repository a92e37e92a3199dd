import { type KnownSeconds, readDurationsFrom } from "../history/durations_file.ts";
import { meansTest, type Parallel } from "./rules_parallel.ts";
import type { TestResult } from "../pytest/results.ts";
import { type Group, groupsOf, type Item } from "../pytest/work.ts";
import {
  cutText,
  expectation,
  knownShare,
  LEAST_KNOWN,
  longestFirst,
  partition,
  predict,
} from "./schedule.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Context } from "../command_line/context.ts";
import { contendedTests, durationsOf } from "../history/project_history.ts";
import type { Host } from "../system/host.ts";
import { digest } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { EventLog } from "./event_log.ts";
import type { Prepared } from "./prepared.ts";
import { readTyped } from "./typed_files.ts";

/** The `--durations-from` that means what is on record here. */
const HISTORY = "history";

/**
 * What `--durations-from` says of tests; null where nothing was given.
 *
 * @throws {UsageError} for a file that is missing or says nothing of durations
 */
export async function givenSeconds(
  host: Host,
  project: Project,
  from: string | null,
): Promise<KnownSeconds | null> {
  if (from === null) return null;
  if (from === HISTORY) return await recordedSeconds(host, project, {});
  const known = readDurationsFrom(
    new TextDecoder().decode(
      await readTyped(host, from, "--durations-from takes a file, or history"),
    ),
  );
  if (known === null) {
    throw new UsageError(
      `"${from}" says nothing of durations`,
      "a JUnit report does, and what --events or tractest merge --durations wrote",
    );
  }
  return known;
}

/** What is on record of tests under a transport and a backend; null: pytest's defaults. */
async function recordedSeconds(
  host: Host,
  project: Project,
  cell: Parameters<typeof durationsOf>[2],
): Promise<KnownSeconds> {
  const seconds = await durationsOf(host, project, cell);
  return (id) => seconds.get(id);
}

/** How many pytests there are at once, and what tells them apart. */
export interface Jobs {
  readonly count: number;
  readonly environment: (shard: number, session: string) => Readonly<Record<string, string>>;
}

/**
 * Decides how many pytests run at once. Those that nothing keeps apart would be in each other's
 * way, so there is only one then.
 *
 * @throws {TractestError} 83 when several were asked for and nothing keeps them apart
 */
export function jobsOf(
  { host, printer }: Context,
  project: Project,
  { jobs }: Parallel,
  { isolation, preflight }: Prepared,
): Jobs {
  const { jobRegistries } = project.configuration;
  const most = isolation === null ? Math.max(1, new Set(jobRegistries).size) : Infinity;
  const count = jobs === "auto" ? Math.min(host.processors, most) : jobs;
  if (count > most) {
    throw new TractestError(
      "isolation",
      `${count} pytests at once would fight for the registry's address: they are not isolated, and ` +
        (jobRegistries.length === 0
          ? '"job-registries" has no addresses for them'
          : `"job-registries" has only ${most} of ${count} addresses`),
      EXIT.isolationUnavailable,
      "leave --no-isolate out, or --jobs; README, Faster, says what a suite needs to run without isolation",
    );
  }
  if (jobs === "auto" && count === 1 && host.processors > 1) {
    printer.warn("one pytest at a time: nothing keeps several apart");
  }
  const coverage = preflight.inherited.get("COVERAGE_FILE") ?? ".coverage";
  return {
    count,
    environment: (shard, session) =>
      count === 1 ? {} : {
        TRACTEST_SHARD: String(shard),
        // Each would overwrite the other's; `coverage combine` finds these.
        COVERAGE_FILE: `${coverage}.shard-${session}`,
        ...(isolation === null ? { TRACTEST_REGISTRY: jobRegistries[shard - 1]! } : {}),
      },
  };
}

/** What {@linkcode Plan} is told. */
export interface PlanParts {
  readonly host: Host;
  readonly project: Project;
  readonly parallel: Parallel;
  readonly jobs: number;
  /** What was given for the cut, see {@linkcode givenSeconds}. */
  readonly given: KnownSeconds | null;
  /** Puts what is to run first in front; null: nothing is. */
  readonly arrange: ((groups: readonly Group[]) => readonly Group[]) | null;
  readonly facts: Prepared["facts"];
  readonly log: EventLog;
}

/** Which tests a run has and in which order, decided when they are collected. */
export class Plan {
  /** Seconds that the tests are expected to take; null where too few have ever been timed. */
  predicted: number | null = null;
  /** The share of the tests that have been timed before. */
  known = 0;
  tests = 0;

  /** Tests that don't bear company, by what is on record. */
  #contended: ReadonlySet<string> = new Set();

  constructor(private readonly parts: PlanParts) {}

  /** Whether a test runs when no others do; known once the plan is made. */
  readonly alone = (id: string): boolean =>
    this.#contended.has(id) ||
    this.parts.project.configuration.alone.some((text) => meansTest(text, id));

  /** The groups to run, in order. */
  readonly make = async (items: readonly Item[]): Promise<readonly Group[]> => {
    const { host, project, parallel: { shard, keepsOrder }, jobs, given, arrange, facts, log } =
      this.parts;
    const all = groupsOf(items);
    const ids = items.map((item) => item.id);
    // What other machines can't know must not change the cut: they would cut otherwise, and tests
    // be lost.
    const agreed = expectation(ids, given ?? (() => undefined));
    const groups = shard === null ? all : partition(all, shard.count, agreed)[shard.index - 1]!;
    const recorded = given ??
      await recordedSeconds(host, project, { transport: facts.transport, backend: facts.backend });
    const expected = expectation(ids, recorded);
    if (jobs > 1) this.#contended = await contendedTests(host, project);
    // One pytest has nothing to share out: then the order stays pytest's.
    const byLength = keepsOrder || jobs === 1 ? groups : longestFirst(groups, expected);
    const ordered = arrange?.(byLength) ?? byLength;
    const beside = jobs === 1
      ? ordered
      : ordered.map((group) => group.filter((id) => !this.alone(id)));
    const apart = jobs === 1 ? [] : ordered.flat().filter((id) => this.alone(id));
    const ms = predict(beside, jobs, expected) + predict([apart], 1, expected);
    this.known = knownShare(ordered.flat(), recorded);
    this.predicted = this.known >= LEAST_KNOWN ? ms / 1000 : null;
    this.tests = ordered.flat().length;
    const cut = shard === null ? null : await digest(cutText(all, shard.count, agreed));
    await log.append({ event: "planned", tests: this.tests, predicted: this.predicted, cut });
    return ordered;
  };
}

/** How well the work was shared out. Times in seconds. */
export interface Balance {
  readonly predicted: number | null;
  /** The share of the tests that had been timed before. */
  readonly known: number;
  /** From the first test to the last, without those that were tried again. */
  readonly seconds: number;
  /** What the longest shard spent in tests, by the mean of all. */
  readonly longest: number;
}

/**
 * How well the work of a run was shared out; null if no tests ran beside each other, or not all of
 * them ran.
 */
export function balanceOf(
  { run, shards, cut, missed }: EngineOutcome,
  { predicted, known }: Pick<Balance, "predicted" | "known">,
): Balance | null {
  if (shards.length < 2 || cut !== null || missed.length > 0) return null;
  const tests = [...run.tests.values()];
  const first = tests.flatMap(({ attempts }: TestResult) => attempts.slice(0, 1));
  if (first.length === 0) return null;
  const busy = shards.map((sessions) =>
    tests.flatMap(({ attempts }) => attempts).reduce(
      (sum, { session, seconds }) => sessions.includes(session) ? sum + seconds : sum,
      0,
    )
  );
  const [began, ended] = first.reduce(
    ([a, b], { began, seconds }) => [Math.min(a, began), Math.max(b, began + seconds)],
    [Infinity, 0],
  );
  const mean = busy.reduce((sum, seconds) => sum + seconds, 0) / busy.length;
  return {
    predicted,
    known,
    seconds: ended - began,
    longest: mean === 0 ? 1 : Math.max(...busy) / mean,
  };
}

/**
 * `predicted 31 s (80% of the tests were timed before), took 33 s; longest shard 1.04x of the mean`
 */
export function describeBalance({ predicted, known, seconds, longest }: Balance): string {
  const share = known === 0
    ? "no test was timed before"
    : `${Math.floor(known * 100)}% of the tests were timed before`;
  const said = predicted === null
    ? `${share},`
    : `predicted ${shown(predicted)}${known < 1 ? ` (${share})` : ""},`;
  return `${said} took ${shown(seconds)}; longest shard ${longest.toFixed(2)}x of the mean`;
}

function shown(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}
