import { type KnownSeconds, readDurationsFrom } from "../history/durations_file.ts";
import { type BlockParts, blocksOf, singleBlock } from "./blocks.ts";
import { meansTest, type Parallel } from "./rules_parallel.ts";
import { settingsOfTests } from "./rules_overrides.ts";
import type { TestResult } from "../pytest/results.ts";
import { type Block, type Group, groupsOf, type Item, type Together } from "../pytest/work.ts";
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
import { contendedTests, expectedDurations } from "../history/project_history.ts";
import type { Host } from "../system/host.ts";
import { digest } from "../project/directories.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Project } from "../project/project.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { EventLog } from "./event_log.ts";
import type { Prepared } from "./prepared.ts";
import { readTyped } from "./output_file.ts";

/** The `--durations-from` that means the record of this machine. */
const HISTORY = "history";

/**
 * Reads the durations that `--durations-from` gives; null without it.
 *
 * @throws {UsageError} for a file that is missing or has no durations
 */
export async function givenSeconds(
  host: Host,
  project: Project,
  from: string | null,
): Promise<KnownSeconds | null> {
  if (from === null) return null;
  if (from === HISTORY) return await recordedSeconds(host, project, {});
  const bytes = await readTyped(host, from, "--durations-from takes a file, or history");
  const known = readDurationsFrom(new TextDecoder().decode(bytes));
  if (known !== null) return known;
  throw new UsageError(
    `"${from}" has no durations`,
    "give a JUnit report, or a file that --events or tractest merge --durations wrote",
  );
}

/** The recorded durations under a transport and a backend; null: pytest's defaults. */
async function recordedSeconds(
  host: Host,
  project: Project,
  cell: Parameters<typeof expectedDurations>[2],
): Promise<KnownSeconds> {
  const seconds = await expectedDurations(host, project, cell);
  return (id) => seconds.get(id);
}

/** How many pytests run at once, and the environment of each. */
export interface Jobs {
  readonly count: number;
  readonly environment: (shard: number, session: string) => Readonly<Record<string, string>>;
}

/**
 * Decides how many pytests run at once: one, if nothing isolates several from each other.
 *
 * @throws {TractestError} 83 if several were requested and nothing isolates them
 */
export function jobsOf(
  { host, printer }: Context,
  project: Project,
  { jobs }: Parallel,
  { isolation, preflight }: Prepared,
): Jobs {
  const { configuration: { jobRegistries }, profile } = project;
  const most = isolation === null ? Math.max(1, new Set(jobRegistries).size) : Infinity;
  const count = jobs === "auto" ? Math.min(host.processors, most) : jobs;
  if (count > most) {
    throw notIsolated(count, jobRegistries.length === 0 ? 0 : most, profile);
  }
  if (jobs === "auto" && count === 1 && host.processors > 1) {
    printer.warn("one pytest at a time: several would not be isolated from each other");
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

function notIsolated(count: number, addresses: number, profile: Profile): TractestError {
  const reason = addresses === 0
    ? '"job-registries" has no addresses for them'
    : `"job-registries" has only ${addresses} of ${count} addresses`;
  return new TractestError(
    "isolation",
    profile === "plain" && addresses === 0
      ? `${count} pytests at once would use the same ports: they are not isolated`
      : `${count} pytests at once would use one registry address: they are not isolated, and ` +
        reason,
    EXIT.isolationUnavailable,
    "leave out --no-isolate or --jobs; requirements without isolation: " +
      "docs/isolation-and-jobs.md, Faster",
  );
}

/** What a {@linkcode Plan} depends on. */
export interface PlanParts {
  readonly host: Host;
  readonly project: Project;
  readonly parallel: Parallel;
  readonly jobs: number;
  /** Durations given for the cut, see {@linkcode givenSeconds}. */
  readonly given: KnownSeconds | null;
  /** Moves the groups that run first to the front; null: none do. */
  readonly arrange: ((groups: readonly Group[]) => readonly Group[]) | null;
  readonly facts: Prepared["facts"];
  readonly log: EventLog;
  /** Which tests the project keeps in one process with pytest-xdist; null: none. */
  readonly together: Together | null;
}

/** The tests of a run and their order, decided when they are collected. */
export class Plan {
  /** Expected seconds of the tests; null if too few durations are known. */
  predicted: number | null = null;
  /** The share of the tests with known durations. */
  known = 0;
  tests = 0;

  /** Tests that failed with others and passed alone, by the record. */
  #contended: ReadonlySet<string> = new Set();
  #blockParts: BlockParts | null = null;

  readonly #settingsOf: ReturnType<typeof settingsOfTests>;

  /** What older runs say of the tests. */
  #history: Promise<[KnownSeconds, ReadonlySet<string>]> | null = null;

  constructor(private readonly parts: PlanParts) {
    this.#settingsOf = settingsOfTests(parts.project.configuration.overrides);
    // While pytest collects the tests: later they would wait for it.
    const off = parts.log.on(({ event }) => {
      if (event !== "session-start") return;
      off();
      this.#readHistory().catch(() => {});
    });
  }

  /** Whether a test runs while no others do; known once the plan is made. */
  readonly alone = (id: string): boolean =>
    this.#contended.has(id) ||
    (this.#settingsOf(id).alone ??
      this.parts.project.configuration.alone.some((text) => meansTest(text, id)));

  /** The blocks of groups to run, in order; known once the plan is made. */
  readonly blocks = (groups: readonly Group[]): readonly Block[] =>
    this.#blockParts === null ? groups.map(singleBlock) : blocksOf(groups, this.#blockParts);

  /** The groups to run, in order. */
  readonly make = async (items: readonly Item[]): Promise<readonly Group[]> => {
    const { parallel: { shard, keepsOrder }, jobs, given, arrange, log } = this.parts;
    const all = groupsOf(items, this.parts.together);
    const ids = items.map((item) => item.id);
    // Only what all machines know may change the cut: otherwise their cuts differ and lose tests.
    const agreed = expectation(ids, given ?? (() => undefined));
    const groups = shard === null ? all : partition(all, shard.count, agreed)[shard.index - 1]!;
    const [recorded, contended] = await this.#readHistory();
    this.#contended = contended;
    const expected = expectation(ids, recorded);
    const asCollected = !keepsOrder && arrange === null;
    this.#blockParts = { items, expected, jobs, asCollected, arrange };
    const ordered = arrange?.(groups) ?? groups;
    const together = jobs === 1
      ? ordered
      : ordered.map((group) => group.filter((id) => !this.alone(id)));
    const apart = jobs === 1 ? [] : ordered.flat().filter((id) => this.alone(id));
    const ms = predict(longestFirst(together, expected), jobs, expected) +
      predict([apart], 1, expected);
    this.known = knownShare(ordered.flat(), recorded);
    this.predicted = this.known >= LEAST_KNOWN ? ms / 1000 : null;
    this.tests = ordered.flat().length;
    const cut = shard === null ? null : await digest(cutText(all, shard.count, agreed));
    await log.append({ event: "planned", tests: this.tests, predicted: this.predicted, cut });
    return ordered;
  };

  #readHistory(): Promise<[KnownSeconds, ReadonlySet<string>]> {
    const { host, project, jobs, given, facts: { transport, backend } } = this.parts;
    return this.#history ??= Promise.all([
      given ?? recordedSeconds(host, project, { transport, backend }),
      jobs > 1 ? contendedTests(host, project) : new Set<string>(),
    ]);
  }
}

/** How evenly the work was shared. Times in seconds. */
export interface Balance {
  readonly predicted: number | null;
  /** The share of the tests with known durations. */
  readonly known: number;
  /** From the first test to the last, without retries. */
  readonly seconds: number;
  /** The longest shard's time in tests, divided by the mean of all shards. */
  readonly longest: number;
}

/**
 * How evenly the work of a run was shared; null if no tests ran at the same time, or if not all
 * ran.
 */
export function balanceOf(
  { run, shards, cut, verdict }: EngineOutcome,
  { predicted, known }: Pick<Balance, "predicted" | "known">,
): Balance | null {
  const isComplete = cut === null && verdict.reasons.every(({ kind }) => kind !== "incomplete");
  if (shards.length < 2 || !isComplete) return null;
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

/** `predicted 31 s (80% of the tests were timed before), took 33 s; …` */
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
