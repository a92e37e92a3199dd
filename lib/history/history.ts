import { median } from "../core/median.ts";
import type { TestRecord } from "../core/rate.ts";
import type { Database, Host } from "../host/host.ts";
import { digest } from "../project/directories.ts";
import type { ProjectRoot } from "../project/project.ts";
import { readHistory, type Used } from "./database.ts";
import { type Cell, projectOf, recentSeconds, recordsOf } from "./queries.ts";

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

/** Passes of a test of which a duration is the median. */
const PASSES = 9;

/**
 * Seconds that each test of a project takes: the median of its latest passes. Those under the same transport and backend come first
 * (null: the default); a test that never passed under these has what it takes elsewhere. Empty where there is no history.
 */
export async function durationsOf(host: Host, project: Pick<ProjectRoot, "root">, cell: Cell = {}): Promise<Map<string, number>> {
  const { value } = await readProject(host, project, (database, id) => {
    const anywhere = recentSeconds(database, id, {}, PASSES);
    const here = cell.transport === undefined && cell.backend === undefined ? anywhere : recentSeconds(database, id, cell, PASSES);
    return new Map([...anywhere, ...here].map(([test, seconds]) => [test, median(seconds)!]));
  });
  return value ?? new Map();
}

/** What is on record of some tests, by their ids; empty where there is no history. */
export async function testRecords(host: Host, project: Pick<ProjectRoot, "root">, ids: readonly string[]): Promise<Map<string, TestRecord>> {
  if (ids.length === 0) return new Map();
  const { value } = await readProject(host, project, (database, id) => recordsOf(database, id, ids));
  return new Map((value ?? []).map((record) => [record.id, record]));
}
