import { UsageError } from "../errors.ts";
import { NOT_PARALLEL } from "../tables/pytest_options.ts";
import type { RunOptions } from "./run_options.ts";
import { globExpression } from "../base/glob.ts";
import { optionNames } from "../command_line/run_words.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";

/** One of the parts into which a suite is cut for several machines. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** How many pytests a run has at once, and which part of the suite it is for. */
export interface Parallel {
  /** `auto`: as many as there are processors, where they can be kept apart. */
  readonly jobs: number | "auto";
  /** Null: all of it. */
  readonly shard: Shard | null;
  /** Where it says how long tests take: a file, or `history`; null when nothing is said. */
  readonly durations: string | null;
  /** The tests keep the order in which pytest collected them. */
  readonly keepsOrder: boolean;
}

/** More shards than this are a mistake. */
const MOST_SHARDS = 10_000;

/**
 * How many pytests run at once, and which part of the suite.
 *
 * @param configured the configuration's `jobs`: it gives way to what doesn't go with it
 * @param unseen an option that nobody typed and that excludes several pytests
 * @throws {UsageError} for values that are none, and where something excludes the several pytests
 *   that were typed
 */
export function parallelOf(
  options: Pick<RunOptions, "jobs" | "shard" | "durationsFrom">,
  intent: RunIntent,
  configured: number | "auto" | null,
  unseen: Conflict | null = null,
): Parallel {
  const names = optionNames(intent.passed);
  const { jobs: typed, durationsFrom: durations } = options;
  const shard = options.shard === null ? null : parseShard(options.shard);
  if (durations !== null && shard === null && typed === null && configured === null) {
    throw new UsageError(
      '"--durations-from" needs "--jobs" or "--shard"',
      "by itself pytest takes the tests as they come",
    );
  }
  let jobs = typed ?? configured ?? 1;
  const conflict = intent.debugging
    ? {
      option: "a debugger",
      because: "it needs the terminal for itself",
      instead: "leave one of the two out",
    }
    : conflictOf(names) ?? unseen;
  if (conflict !== null && jobs !== 1) {
    if (typed !== null) {
      throw new UsageError(
        `"--jobs" does not go with ${conflict.option}: ${conflict.because}`,
        conflict.instead,
      );
    }
    jobs = 1;
  }
  if (intent.printsOnly) jobs = 1;
  const ordered = ["--ff", "--failed-first", "--nf", "--new-first"].some((name) => names.has(name));
  return {
    jobs,
    shard,
    durations,
    keepsOrder: jobs === 1 || ordered,
  };
}

/** An option that does not go with several pytests, why, and what does. */
export interface Conflict {
  readonly option: string;
  readonly because: string;
  readonly instead: string;
}

function conflictOf(names: ReadonlySet<string>): Conflict | null {
  for (const { names: options, because, instead } of NOT_PARALLEL) {
    const option = options.find((name) => names.has(name));
    if (option !== undefined) return { option: `"${option}"`, because, instead };
  }
  return null;
}

/**
 * `2/3`: the second of three shards.
 *
 * @throws {UsageError} for anything else
 */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count && count <= MOST_SHARDS) return { index, count };
  throw new UsageError(
    `Option "--shard" does not take "${text}"`,
    "it takes K/N, from 1/N to N/N: --shard 1/3 on the first of three machines",
  );
}

/**
 * Whether a configured text means a test: its id, its file, class or name without parameters, or a
 * glob over any of these.
 */
export function meansTest(text: string, id: string): boolean {
  const bracket = id.indexOf("[");
  const plain = bracket < 0 ? id : id.slice(0, bracket);
  const parts = plain.split("::");
  const names = [id, plain, ...parts.map((_, index) => parts.slice(0, index + 1).join("::"))];
  if (names.includes(text)) return true;
  const glob = /[*?[]/.test(text) ? globExpression(text) : null;
  return glob !== null && names.some((name) => glob.test(name));
}
