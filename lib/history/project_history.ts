import type { ProjectRoot } from "../project/rules_root.ts";
import { join } from "@std/path";
import type { RecentFailures } from "../affected/affected_targets.ts";
import { median } from "../base/median.ts";
import type { TestRecord } from "../base/rates.ts";
import { digest } from "../project/directories.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { Host } from "../system/host.ts";
import type { Database } from "../system/sql.ts";
import { readHistory, type Used } from "./database.ts";
import {
  type Cell,
  contendedOf,
  latestResults,
  projectOf,
  recentPasses,
  recordsOf,
} from "./queries.ts";
import type { Pass } from "./rules_regression.ts";

/** A project, by its root. */
export type AtRoot = Pick<ProjectRoot, "root">;

/** Reads the history of a project; the value is null if it has none. */
export async function readProject<T>(
  host: Host,
  { root }: AtRoot,
  read: (database: Database, project: number) => T,
): Promise<Used<T>> {
  const name = await digest(root);
  return await readHistory(host, (database) => {
    const id = projectOf(database, name);
    return id === null ? null : read(database, id);
  }) as Used<T>;
}

/** Passes of a test whose median is its duration. */
export const PASSES = 9;

/** The median of the latest passes; there has to be one. */
export function typicalSeconds(passes: readonly Pass[]): number {
  return median(passes.slice(0, PASSES).map((pass) => pass.seconds))!;
}

/**
 * Seconds that each test of a project takes: the median of its latest passes under the same
 * transport and backend, else of those under any. Empty without a history.
 */
export async function durationsOf(
  host: Host,
  project: AtRoot,
  cell: Cell = {},
): Promise<Map<string, number>> {
  const read = (database: Database, id: number) => mediansOf(database, id, cell);
  return (await readProject(host, project, read)).value ?? new Map();
}

/**
 * The same, to plan a run: a test without a pass takes as long as its latest result took, since
 * most tests that were skipped or failed last will be, or do so, again.
 */
export async function expectedDurations(
  host: Host,
  project: AtRoot,
  cell: Cell,
): Promise<ReadonlyMap<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    const latest = [...latestResults(database, id, 1)].flatMap(([test, [last]]) =>
      last === undefined || last.outcome === "unfinished" ? [] : [[test, last.seconds] as const]
    );
    return new Map([...latest, ...mediansOf(database, id, cell)]);
  });
  return value ?? new Map();
}

function mediansOf(database: Database, id: number, cell: Cell): Map<string, number> {
  const anywhere = recentPasses(database, id, {}, PASSES);
  const isAny = cell.transport === undefined && cell.backend === undefined;
  const here = isAny ? [] : recentPasses(database, id, cell, PASSES);
  return new Map([...anywhere, ...here].map(([test, passes]) => [test, typicalSeconds(passes)]));
}

/** The longest of the latest passes of each test, in seconds. Empty without a history. */
export async function longestDurations(
  host: Host,
  project: AtRoot,
): Promise<ReadonlyMap<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    const passes = [...recentPasses(database, id, {}, PASSES)];
    return new Map(passes.map(([test, all]) => [test, Math.max(...all.map((one) => one.seconds))]));
  });
  return value ?? new Map();
}

/** Seconds of each test's last pass: cheaper than {@linkcode durationsOf}. */
export async function latestDurations(
  host: Host,
  project: AtRoot,
): Promise<ReadonlyMap<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    const latest = recentPasses(database, id, {}, 1);
    return new Map([...latest].map(([test, [pass]]) => [test, pass!.seconds]));
  });
  return value ?? new Map();
}

/** The latest runs that are searched for contention, and how many have to show it. */
const CONTENTION = { runs: 20, times: 2 } as const;

/**
 * Tests that lately failed in a shard and passed alone in the same run, more than once. One that is
 * run alone from then on gets another chance once those runs are no longer among the latest.
 */
export async function contendedTests(host: Host, project: AtRoot): Promise<ReadonlySet<string>> {
  const read = (database: Database, id: number) => contendedOf(database, id, CONTENTION);
  return new Set((await readProject(host, project, read)).value ?? []);
}

/** The records of some tests, by their ids; empty without a history. */
export async function testRecords(
  host: Host,
  project: AtRoot,
  ids: readonly string[],
): Promise<Map<string, TestRecord>> {
  if (ids.length === 0) return new Map();
  const read = (database: Database, id: number) => recordsOf(database, id, ids);
  const { value } = await readProject(host, project, read);
  return new Map((value ?? []).map((record) => [record.id, record]));
}

/** Tests that failed in the last recorded runs that had them, and whose files still exist. */
export async function recentFailures(host: Host, project: AtRoot): Promise<RecentFailures[]> {
  const read = (database: Database, id: number) => recordsOf(database, id, "failed");
  const { value } = await readProject(host, project, read);
  const failing = (value ?? []).filter(({ streak }) => streak > 0);
  const gone = new Set<string>();
  for (const file of new Set(failing.map(({ id }) => fileOf(id)))) {
    if (await host.files.stat(join(project.root, file)) === null) gone.add(file);
  }
  return failing.filter(({ id }) => !gone.has(fileOf(id)))
    .map(({ id, streak }) => ({ test: id, runs: streak, failed: streak }));
}
