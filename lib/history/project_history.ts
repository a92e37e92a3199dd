import type { Database } from "../system/sql.ts";
import { join } from "@std/path";
import type { RecentFailures } from "../affected/rules.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { median } from "../base/median.ts";
import type { TestRecord } from "../base/rates.ts";
import type { Pass } from "./rules_regression.ts";
import type { Host } from "../system/host.ts";
import { digest } from "../project/directories.ts";
import type { ProjectRoot } from "../project/project.ts";
import { readHistory, type Used } from "./database.ts";
import { type Cell, contendedOf, projectOf, recentPasses, recordsOf } from "./queries.ts";

/** Reads what is on record of a project; the value is null if that is nothing. */
export async function readProject<T>(
  host: Host,
  project: Pick<ProjectRoot, "root">,
  read: (database: Database, project: number) => T,
): Promise<Used<T>> {
  const name = await digest(project.root);
  return await readHistory(host, (database) => {
    const id = projectOf(database, name);
    return id === null ? null : read(database, id);
  }) as Used<T>;
}

/** How many passes of a test a duration is the median of. */
export const PASSES = 9;

/** The median of the latest passes; there has to be one. */
export function typicalSeconds(passes: readonly Pass[]): number {
  return median(passes.slice(0, PASSES).map((pass) => pass.seconds))!;
}

/**
 * Seconds that each test of a project takes: the median of its latest passes. Those under the same
 * transport and backend come first (null: the default); a test that never passed under these has
 * what it takes elsewhere. Empty where there is no history.
 */
export async function durationsOf(
  host: Host,
  project: Pick<ProjectRoot, "root">,
  cell: Cell = {},
): Promise<Map<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    const anywhere = recentPasses(database, id, {}, PASSES);
    const here = cell.transport === undefined && cell.backend === undefined
      ? anywhere
      : recentPasses(database, id, cell, PASSES);
    return new Map([...anywhere, ...here].map(([test, passes]) => [test, typicalSeconds(passes)]));
  });
  return value ?? new Map();
}

/**
 * How many of the latest runs are asked which tests don't bear company, and in how many of these a
 * test has to show it.
 */
const COMPANY = { runs: 20, times: 2 } as const;

/**
 * Tests that, more than once lately, failed beside others and passed alone in the same run. One
 * that is left alone gets another chance in time.
 */
export async function contendedTests(
  host: Host,
  project: Pick<ProjectRoot, "root">,
): Promise<ReadonlySet<string>> {
  const { value } = await readProject(
    host,
    project,
    (database, id) => contendedOf(database, id, COMPANY),
  );
  return new Set(value ?? []);
}

/**
 * Seconds that each test of a project took when it passed last: less to read than {@linkcode
 * durationsOf}, for what has to be small and soon.
 */
export async function latestDurations(
  host: Host,
  project: Pick<ProjectRoot, "root">,
): Promise<ReadonlyMap<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    return new Map(
      [...recentPasses(database, id, {}, 1)].map(([test, [pass]]) => [test, pass!.seconds]),
    );
  });
  return value ?? new Map();
}

/** What is on record of some tests, by their ids; empty where there is no history. */
export async function testRecords(
  host: Host,
  project: Pick<ProjectRoot, "root">,
  ids: readonly string[],
): Promise<Map<string, TestRecord>> {
  if (ids.length === 0) return new Map();
  const { value } = await readProject(
    host,
    project,
    (database, id) => recordsOf(database, id, ids),
  );
  return new Map((value ?? []).map((record) => [record.id, record]));
}

/**
 * Tests that failed in the last runs on record that had them, as far as their files are still
 * there.
 */
export async function recentFailures(
  host: Host,
  project: Pick<ProjectRoot, "root">,
): Promise<RecentFailures[]> {
  const { value } = await readProject(
    host,
    project,
    (database, id) => recordsOf(database, id, "failed"),
  );
  const failing = (value ?? []).filter((record) => record.streak > 0);
  const gone = new Set<string>();
  for (const file of new Set(failing.map(({ id }) => fileOf(id)))) {
    if (await host.files.stat(join(project.root, file)) === null) gone.add(file);
  }
  return failing.filter(({ id }) => !gone.has(fileOf(id))).map(({ id, streak }) => ({
    test: id,
    runs: streak,
    failed: streak,
  }));
}
