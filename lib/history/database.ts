import type { Database } from "../system/sql.ts";
import { join } from "@std/path";
import { DatabaseError, TractestError } from "../errors.ts";
import type { FileStatus, Host } from "../system/host.ts";
import { stateDirectory, usable } from "../project/directories.ts";
import { MIGRATIONS, VERSION } from "./schema.ts";

/** What came of a use of the history: a value, or why there is none. */
export interface Used<T> {
  /** Null if there is no history, or if it can't be used. */
  readonly value: T | null;
  /** Why it can't be used; null when it could, or when there is none. */
  readonly trouble: string | null;
  /** Where a file that was no history was moved to; null when none was in the way. */
  readonly moved: string | null;
}

const FILE = "history.sqlite";
/** Milliseconds to wait for another process: its transactions are short. */
const WAIT_MS = { read: 1_000, write: 3_000 } as const;

/**
 * Reads from the history. Nothing is written, not even what a killed writer left half done: that
 * takes {@linkcode writeHistory}.
 */
export async function readHistory<T>(
  host: Host,
  read: (database: Database) => T,
): Promise<Used<T>> {
  const { path, problem, exists } = await stateDirectory(host);
  const nothing = { value: null, trouble: null, moved: null };
  if (path === null || problem !== null) {
    return { ...nothing, trouble: stateTrouble(path, problem) };
  }
  const file = join(path, FILE);
  return await orTrouble(async () => {
    const status = exists ? await host.files.lstat(file) : null;
    if (status === null || status.size === 0) return nothing;
    const wrong = wrongKind(host, status);
    if (wrong !== null) return { ...nothing, trouble: `"${file}" ${wrong}` };
    const database = await host.files.openDatabase(file, { readOnly: true, waitMs: WAIT_MS.read });
    try {
      const version = versionOf(database);
      if (version === 0) return nothing;
      if (version !== VERSION) return { ...nothing, trouble: otherVersion(file, version) };
      return { ...nothing, value: read(database) };
    } catch (error) {
      // Reading has to write only where the last writer left something to undo.
      if (!(error instanceof DatabaseError) || error.trouble !== "read-only") throw error;
      return {
        ...nothing,
        trouble: `a run was killed as it wrote "${file}": \`tractest history\` mends that`,
      };
    } finally {
      database.close();
    }
  });
}

/**
 * Writes to the history, which is made if it is missing. A file that is no database of ours is
 * moved aside first; what another run writes meanwhile is waited for, `waitMs` milliseconds. Never
 * throws for what is wrong with the file, the disk or the directory.
 */
export async function writeHistory<T>(
  host: Host,
  write: (database: Database) => T | Promise<T>,
  waitMs: number = WAIT_MS.write,
): Promise<Used<T>> {
  let moved: string | null = null;
  const used = await orTrouble(async (): Promise<Used<T>> => {
    const state = await stateDirectory(host);
    const directory = await usable(host, state);
    if (directory === null) {
      return {
        value: null,
        trouble: stateTrouble(state.path, state.problem ?? "it can't be made private"),
        moved,
      };
    }
    const file = join(directory, FILE);
    for (let isSecond = false;; isSecond = true) {
      let before = await host.files.lstat(file);
      if (before !== null && wrongKind(host, before) !== null) {
        moved = await moveAside(host, file, before) ?? moved;
        before = null;
      }
      // So that nobody else may read it. An empty file is an empty database.
      if (before === null) await host.files.createFile(file, "");
      before = await host.files.lstat(file);
      try {
        const database = await host.files.openDatabase(file, { readOnly: false, waitMs });
        try {
          migrate(database, file);
          return { value: await write(database), trouble: null, moved };
        } finally {
          database.close();
        }
      } catch (error) {
        if (
          !(error instanceof DatabaseError) || error.trouble !== "damaged" || isSecond ||
          before === null
        ) throw error;
        moved = await moveAside(host, file, before) ?? moved;
      }
    }
  });
  return { ...used, moved };
}

/** Does something whole or not at all, while nobody else writes. */
export function inTransaction<T>(database: Database, action: () => T): T {
  database.exec("begin immediate");
  try {
    const value = action();
    database.exec("commit");
    return value;
  } catch (error) {
    try {
      database.exec("rollback");
    } catch (second) {
      // SQLite itself has rolled back where the disk was full or failed.
      if (!(second instanceof DatabaseError)) throw second;
    }
    throw error;
  }
}

/**
 * Brings a database to the present version.
 *
 * @throws {DatabaseError} `damaged` if it is no history of ours, `other` if a newer version of
 *   this program made it
 */
function migrate(database: Database, file: string): void {
  const version = versionOf(database);
  if (version === VERSION) return;
  if (version > VERSION) throw new DatabaseError("other", otherVersion(file, version));
  // Has to be said before the first table is made: then what is removed makes the file smaller.
  if (version === 0) database.exec("pragma auto_vacuum = incremental");
  inTransaction(database, () => {
    // Another run may have done it meanwhile.
    const now = versionOf(database);
    if (now === 0 && database.prepare("select 1 from sqlite_schema").all().length > 0) {
      throw new DatabaseError("damaged", `"${file}" is a database of something else`);
    }
    for (let step = now; step < VERSION; step++) {
      database.exec(`${MIGRATIONS[step]}; pragma user_version = ${step + 1}`);
    }
  });
}

function versionOf(database: Database): number {
  return Number(database.prepare("pragma user_version").all()[0]?.user_version ?? 0);
}

function otherVersion(file: string, version: number): string {
  return version > VERSION
    ? `"${file}" was written by a newer tractest (version ${version} of the history, this one knows ${VERSION})`
    : `"${file}" was written by an older tractest: \`tractest history\` brings it up to date`;
}

function stateTrouble(path: string | null, problem: string | null): string {
  return `"${path ?? "the state directory"}" can't be used: ${problem}`;
}

/**
 * What keeps a file from being our database, by what the directory says of it; null if nothing
 * does.
 */
function wrongKind(host: Host, status: FileStatus): string | null {
  if (status.kind !== "file") return `is a ${status.kind}, not a file`;
  const uid = host.uid();
  return uid !== null && status.uid !== uid ? `belongs to uid ${status.uid}, not to ${uid}` : null;
}

/**
 * Gives what stands in the database's place another name beside it; null if it is gone or another
 * already. Nothing is removed.
 */
async function moveAside(host: Host, file: string, seen: FileStatus): Promise<string | null> {
  const now = await host.files.lstat(file);
  // Another run was quicker, and what is there now is its new database.
  if (now === null || now.inode !== seen.inode || now.device !== seen.device) return null;
  const stamp = new Date(host.clock.now()).toISOString().replace(/\..*$/, "").replace(/[-:]/g, "")
    .replace("T", "-");
  const aside = `${file}.damaged-${stamp}-${host.pid}`;
  if (!await host.files.rename(file, aside)) return null;
  // SQLite looks for what belongs to a database by its name.
  await host.files.rename(`${file}-journal`, `${aside}-journal`);
  return aside;
}

async function orTrouble<T>(action: () => Promise<Used<T>>): Promise<Used<T>> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    return { value: null, trouble: error.message, moved: null };
  }
}
