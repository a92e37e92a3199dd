import { join } from "@std/path";
import { eventsOf, readEvents } from "../background/read_events.ts";
import { isRunning, runIdsIn } from "../background/run_directory.ts";
import { escapeText } from "../base/escape.ts";
import { DatabaseError } from "../errors.ts";
import { digest, runsDirectory } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import type { Database } from "../system/sql.ts";
import type { Printer } from "../terminal/printer.ts";
import { type Used, writeHistory } from "./database.ts";
import { insertContradictions, insertRows, insertRun, updateRun } from "./insert_run.ts";
import { removeOld } from "./remove_old.ts";
import { attemptRecords, runRecord } from "./rules_run_record.ts";

/**
 * Records a run, and earlier ones that were killed or could not be recorded. Only warns if that
 * fails: the next run records this one from its events.
 *
 * @param results null to record only the earlier ones
 */
export async function recordRun(
  host: Host,
  printer: Printer,
  project: Project,
  results: RunModel | null,
): Promise<void> {
  const own = results && runRecord(results);
  const { trouble, moved } = await writeHistory(host, async (database) => {
    await insertMissedRuns(host, database, own?.id ?? null);
    if (own !== null) insertRun(database, own, attemptRecords(results!), await digest(own.root));
    await enforceLimits(host, database, project);
  });
  if (moved !== null) warnOfMove(printer, moved);
  if (trouble !== null) printer.warn(`the history can't be written: ${escapeText(trouble)}`);
}

function warnOfMove(printer: Printer, moved: string): void {
  printer.warn(`the history was damaged and has been renamed: ${escapeText(moved)}`);
}

async function enforceLimits(
  host: Host,
  database: Database,
  { root, configuration }: Project,
): Promise<void> {
  removeOld(database, await digest(root), configuration.history, host.clock.now());
}

/** Inserts the runs that are over and not in the history, except the one that is under way. */
async function insertMissedRuns(host: Host, database: Database, own: string | null): Promise<void> {
  const known = database.prepare("select 1 from run where name = ?");
  const runs = await runsDirectory(host);
  const ids = runs === null ? [] : await runIdsIn(host, runs);
  for (const id of ids.reverse()) {
    if (id === own || known.all(id).length > 0) continue;
    const directory = join(runs!, id);
    const events = eventsOf(directory);
    if (await host.files.lstat(events) === null || await isRunning(host, directory)) continue;
    const results = new RunModel();
    await readEvents(host, events, (event) => results.apply(event));
    try {
      const run = runRecord(results);
      if (run !== null) insertRun(database, run, attemptRecords(results), await digest(run.root));
    } catch (error) {
      // Events that can't be inserted must not keep other runs from being recorded.
      if (error instanceof DatabaseError && error.trouble !== "other") throw error;
    }
  }
}

/** Milliseconds that a draft may lock the history: a pytest that takes longer to exit may hang. */
const DRAFT_MS = 1_000;
/** Attempts of a draft, at most: more would keep others from reading. */
const DRAFT_ATTEMPTS = 5_000;

/**
 * Records a run as {@linkcode recordRun} does, but writes most of it while pytest exits. The draft
 * is committed only if no more events of its tests have come when the run is over.
 */
export class RunDraft {
  readonly #over = Promise.withResolvers<RunModel>();
  readonly #end = new AbortController();
  #written: Promise<Used<boolean>> | null = null;

  constructor(private readonly host: Host, private readonly project: Project) {}

  /** Begins to write when the last test seems to be over; only the first call counts. */
  begin(results: RunModel): void {
    // Without waiting for other writers: the events of pytest have to be read meanwhile.
    this.#written ??= writeHistory(this.host, (database) => this.#write(database, results), 0);
  }

  /** Discards the draft. */
  async drop(): Promise<void> {
    this.#end.abort();
    await this.#written;
  }

  /** Records the run with all of its results. */
  async record(printer: Printer, results: RunModel): Promise<void> {
    this.#over.resolve(results);
    this.#end.abort();
    const drafted = await this.#written;
    if (drafted?.moved) warnOfMove(printer, drafted.moved);
    if (drafted?.value !== true) await recordRun(this.host, printer, this.project, results);
  }

  /** Writes the draft in a transaction, which stays open until the run is over. */
  async #write(database: Database, results: RunModel): Promise<boolean> {
    const run = runRecord(results);
    const { revision } = results;
    const attempts = attemptRecords(results);
    if (run === null || attempts.length > DRAFT_ATTEMPTS) return false;
    await insertMissedRuns(this.host, database, run.id);
    const name = await digest(run.root);
    database.exec("begin immediate");
    try {
      const id = insertRows(database, run, attempts, name);
      void database.prepareCommit();
      const tooLong = this.host.clock.sleep(DRAFT_MS, this.#end.signal).then(() => null);
      const all = await Promise.race([this.#over.promise, tooLong]);
      const final = all && runRecord(all);
      // In a run that was short of CPU no result counts as a trial.
      if (id === null || final === null || all?.revision !== revision || final.strained === true) {
        database.exec("rollback");
        return false;
      }
      updateRun(database, id, final);
      insertContradictions(database, id, final);
      database.exec("commit");
    } catch (error) {
      // The end of the connection rolls back.
      if (error instanceof DatabaseError) return false;
      throw error;
    }
    await enforceLimits(this.host, database, this.project);
    return true;
  }
}
