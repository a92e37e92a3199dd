import { UsageError } from "../errors.ts";
import { LEAVING_OUT, NOT_PARALLEL } from "../tables/pytest_options.ts";
import type { RunOptions } from "./run_options.ts";
import { globExpression } from "../base/glob.ts";
import { optionNames } from "../command_line/run_words.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";

/** One part of a suite that several machines share. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** How many pytests run at once, and which part of the suite. */
export interface Parallel {
  /** `auto`: one per processor, if they can be isolated from each other. */
  readonly jobs: number | "auto";
  /** Null: the whole suite. */
  readonly shard: Shard | null;
  /** The source of known durations: a file, or `history`; null if not given. */
  readonly durations: string | null;
  /** Whether the tests run in pytest's order. */
  readonly keepsOrder: boolean;
}

/** More shards than this are an error. */
const MOST_SHARDS = 10_000;

/**
 * Decides how many pytests run at once, and which part of the suite.
 *
 * @param configured the configuration's `jobs`: ignored if an option excludes several pytests
 * @param unseen an option from a file or the environment that excludes several pytests
 * @throws {UsageError} for invalid values, and if an option excludes a typed `--jobs`
 */
export function parallelOf(
  options: Pick<RunOptions, "jobs" | "shard" | "durationsFrom">,
  intent: RunIntent,
  configured: number | "auto" | null,
  unseen: Conflict | null = null,
): Parallel {
  const names = optionNames(intent.passed);
  const { jobs: typed, durationsFrom: durations } = options;
  const asked = options.shard === null ? null : parseShard(options.shard);
  // pytest lists what it collects: all tests.
  const shard = intent.printsOnly ? null : asked;
  if (durations !== null && asked === null && typed === null && configured === null) {
    throw new UsageError(
      '"--durations-from" needs "--jobs" or "--shard"',
      "without them pytest runs the tests in its own order",
    );
  }
  let jobs = typed ?? configured ?? 1;
  const conflict = excludesSeveral(intent, unseen);
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
  const rerun = LEAVING_OUT.find((name) => names.has(name));
  if (shard !== null && rerun !== undefined) {
    throw new UsageError(
      `"--shard" does not go with "${rerun}": each shard would choose from another record`,
      "leave one of the two out",
    );
  }
  const ordered = ["--ff", "--failed-first", "--nf", "--new-first"].some((name) => names.has(name));
  return { jobs, shard, durations, keepsOrder: jobs === 1 || ordered };
}

/** What keeps a run in one pytest; null: nothing does. */
export function excludesSeveral(intent: RunIntent, unseen: Conflict | null): Conflict | null {
  return intent.debugging ? DEBUGGER : conflictOf(optionNames(intent.passed)) ?? unseen;
}

/** An option that excludes several pytests, the reason, and the alternative. */
export interface Conflict {
  readonly option: string;
  readonly because: string;
  readonly instead: string;
}

const DEBUGGER: Conflict = {
  option: "a debugger",
  because: "it needs the terminal for itself",
  instead: "leave one of the two out",
};

function conflictOf(names: ReadonlySet<string>): Conflict | null {
  for (const { names: options, because, instead } of NOT_PARALLEL) {
    const option = options.find((name) => names.has(name));
    if (option !== undefined) return { option: `"${option}"`, because, instead };
  }
  return null;
}

/**
 * Parses `2/3`, the second of three shards.
 *
 * @throws {UsageError} for anything else
 */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count && count <= MOST_SHARDS) return { index, count };
  throw new UsageError(
    `Option "--shard" does not take "${text}"`,
    "it takes K/N, from 1/N to N/N: --shard 1/3 on the first of three machines; or auto in CI",
  );
}

/**
 * Whether a configured text names a test: by its id, file or class, its id without parameters, or
 * a glob of any of these.
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
