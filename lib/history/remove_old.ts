import type { Configuration } from "../project/configuration.ts";
import type { Database } from "../system/sql.ts";
import { inTransaction } from "./database.ts";

/** Results after which a removal stops and is left to the next run, so that no run waits long. */
const BATCH_RESULTS = 5_000;
/** Runs that are removed at once, at most. */
const BATCH_RUNS = 100;
/** Pages that are given back to the disk at once, at most. */
const BATCH_PAGES = 2_000;

const DAY_SECONDS = 86_400;

/** Removes the oldest runs that are beyond the limits of a project, a limited number at a time. */
export function removeOld(
  database: Database,
  digest: string,
  limits: Configuration["history"],
  nowMs: number,
): void {
  const removed = inTransaction(database, () => {
    let results = 0;
    for (const id of expiredRuns(database, digest, limits, nowMs)) {
      if (results > BATCH_RESULTS) break;
      database.prepare("delete from contradiction where run = ?").run(id);
      results += database.prepare("delete from result where run = ?").run(id);
      database.prepare("delete from run where id = ?").run(id);
    }
    return results;
  });
  if (removed > 0) database.prepare(`pragma incremental_vacuum(${BATCH_PAGES})`).all();
}

/**
 * Runs to remove, the oldest first: by count and age those of this project, by size those of all
 * projects. The newest run is kept.
 */
function expiredRuns(
  database: Database,
  digest: string,
  limits: Configuration["history"],
  nowMs: number,
): number[] {
  const ofProject = "from run where project = (select id from project where digest = ?)";
  const [count] = database.prepare(`select count(*) as runs ${ofProject}`).all(digest);
  const runs = Number(count!.runs);
  const oldest = database.prepare(`select id, started ${ofProject} order by id limit ?`)
    .all(digest, Math.min(BATCH_RUNS, Math.max(0, runs - 1)));
  const tooOld = nowMs / 1000 - limits.days * DAY_SECONDS;
  const expired = oldest.filter((run, index) =>
    index < runs - limits.runs || Number(run.started) < tooOld
  );
  if (bytesUsed(database) > limits.megabytes * 1e6) {
    expired.push(
      ...database.prepare(`
      select id from run where id < (select max(id) from run) order by id limit ?
    `).all(BATCH_RUNS),
    );
  }
  return expired.map((run) => Number(run.id));
}

function bytesUsed(database: Database): number {
  const [size] = database.prepare(`
    select (page_count - freelist_count) * page_size as bytes
    from pragma_page_count(), pragma_freelist_count(), pragma_page_size()
  `).all();
  return Number(size!.bytes);
}
