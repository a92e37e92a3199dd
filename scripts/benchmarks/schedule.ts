/**
 * Simulates how tests are distributed to shards, compared with a bound that no schedule can beat.
 * Needs only the sources.
 */
import {
  expectation,
  type Expected,
  longestFirst,
  lowerBound,
  partition,
  predict,
} from "../../lib/run/schedule.ts";
import type { Group } from "../../lib/pytest/work.ts";

const COLUMNS = ["lower bound", "as collected", "longest first", "by older runs", "--shard 1/N…"];

const JOBS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const;

/** Prints the tables: a real suite's durations, then made-up ones with few long tests. */
export async function simulate(root: string): Promise<void> {
  const text = await Deno.readTextFile(`${root}/test/fixtures/suite/results-serial.tsv`);
  const rows = text.trim().split("\n").slice(1).map((line) => line.split("\t")).filter(([id]) =>
    id!.includes("::")
  );
  table(
    "tractor's suite",
    rows.map(([id]) => id!),
    (id) => Number(rows.find(([other]) => other === id)![2]),
  );
  const ids = Array.from(
    { length: 10_000 },
    (_, index) => `tests/test_${index % 200}.py::test_${index}`,
  );
  const chance = generator(42);
  // Log-normal, as durations of tests are: a median of 0.1 s, one in a hundred above 3 s.
  const seconds = new Map(ids.map((id) => [id, 0.1 * Math.exp(1.5 * normal(chance))]));
  table("made up", ids, (id) => seconds.get(id)!);
}

function table(name: string, ids: readonly string[], secondsOf: (id: string) => number): void {
  const seconds = new Map(ids.map((id) => [id, secondsOf(id)]));
  const groups: Group[] = ids.map((id) => [id]);
  const exact = expectation(ids, (id) => seconds.get(id));
  // The recorded durations are those of other runs: each is off by up to a third, and each tenth
  // test is new.
  const chance = generator(7);
  const recorded = new Map(
    ids.flatMap((id) =>
      chance() < 0.1 ? [] : [[id, seconds.get(id)! * (2 / 3 + chance() * 2 / 3)] as const]
    ),
  );
  const rough = expectation(ids, (id) => recorded.get(id));
  const total = predict(groups, 1, exact) / 1000;
  const serial = `${total.toFixed(0)} s one after another`;
  console.log(
    `schedule: ${name}, ${ids.length} tests, ${serial} (seconds; in brackets by the lower bound)`,
  );
  const columns = COLUMNS.map((word) => word.padStart(16)).join("");
  console.log(`  ${"jobs".padStart(4)} ${columns}`);
  for (const jobs of JOBS) {
    const bound = lowerBound(groups, jobs, exact);
    const ends = [
      predict(groups, jobs, exact),
      predict(longestFirst(groups, exact), jobs, exact),
      predict(longestFirst(groups, rough), jobs, exact),
      Math.max(...partition(groups, jobs, rough).map((shard) => predict(shard, 1, exact))),
    ];
    const cells = ends.map((ms) =>
      `${(ms / 1000).toFixed(1)} (${(ms / bound).toFixed(3)})`.padStart(16)
    );
    console.log(
      `  ${String(jobs).padStart(4)} ${(bound / 1000).toFixed(1).padStart(16)}${cells.join("")}`,
    );
  }
  const began = performance.now();
  order(groups, exact);
  console.log(`  ordered and cut into 64 in ${(performance.now() - began).toFixed(1)} ms`);
}

function order(groups: readonly Group[], expected: Expected): void {
  longestFirst(groups, expected);
  partition(groups, 64, expected);
}

/** Numbers from 0 to 1, the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(chance: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
}
