import { join } from "@std/path";
import { timeStamp } from "../background/rules_run_file.ts";
import { DatabaseError, TractestError } from "../errors.ts";
import { stateDirectory, usable } from "../project/directories.ts";
import type { FileStatus, Host } from "../system/host.ts";
import type { Database } from "../system/sql.ts";
import { MIGRATIONS, VERSION } from "./schema.ts";

/** The result of a use of the history. */
export interface Used<T> {
  /** Null if there is no history, or if it can't be used. */
  readonly value: T | null;
  /** Why it can't be used; null if it could, or if there is none. */
  readonly trouble: string | null;
  /** Where a file that was not a history was moved to; null if there was none. */
  readonly moved: string | null;
}

const FILE = "history.sqlite";
/** Milliseconds to wait for another process, whose transactions are short. */
const WAIT_MS = { read: 1_000, write: 3_000 } as const;

/**
 * Reads from the history, and writes nothing: where a writer was killed in the middle it takes
 * {@linkcode writeHistory} to undo its changes.
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
      // Only changes that have to be undone make SQLite write when it reads.
      if (!(error instanceof DatabaseError) || error.trouble !== "read-only") throw error;
      const trouble = `a run was killed while it wrote "${file}"; tractest history repairs it`;
      return { ...nothing, trouble };
    } finally {
      database.close();
    }
  });
}

/**
 * Writes to the history, which is made if it is missing. A file that is not a database of ours is
 * moved aside first. Never throws for a problem with the file, the disk or the directory.
 *
 * @param waitMs milliseconds to wait for other writers
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
      const trouble = stateTrouble(state.path, state.problem ?? "it can't be made private");
      return { value: null, trouble, moved };
    }
    const file = join(directory, FILE);
    for (let isSecond = false;; isSecond = true) {
      let before = await host.files.lstat(file);
      if (before !== null && wrongKind(host, before) !== null) {
        moved = await moveAside(host, file, before) ?? moved;
        before = null;
      }
      // An empty file is an empty database; this one is private.
      if (before === null) await host.files.createFile(file, "");
      before = await host.files.lstat(file);
      try {
        const value = await writeTo(host, file, write, waitMs);
        return { value, trouble: null, moved };
      } catch (error) {
        const isDamaged = error instanceof DatabaseError && error.trouble === "damaged";
        if (!isDamaged || isSecond || before === null) throw error;
        moved = await moveAside(host, file, before) ?? moved;
      }
    }
  });
  return { ...used, moved };
}

async function writeTo<T>(
  host: Host,
  file: string,
  write: (database: Database) => T | Promise<T>,
  waitMs: number,
): Promise<T> {
  const database = await host.files.openDatabase(file, { readOnly: false, waitMs });
  try {
    migrate(database, file);
    // One wait for the disk instead of three; a power cut may damage it then, which is noticed.
    database.exec("pragma synchronous = normal");
    return await write(database);
  } finally {
    database.close();
  }
}

/** Does all of an action or nothing, while no other process writes. */
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
      // After a disk error SQLite has rolled back already.
      if (!(second instanceof DatabaseError)) throw second;
    }
    throw error;
  }
}

/**
 * Brings a database to the current version.
 *
 * @throws {DatabaseError} `damaged` if it is not a history of ours, `other` if it was made by a
 *   newer version
 */
function migrate(database: Database, file: string): void {
  const version = versionOf(database);
  if (version === VERSION) return;
  if (version > VERSION) throw new DatabaseError("other", otherVersion(file, version));
  // Only before the first table: it lets removed rows make the file smaller.
  if (version === 0) database.exec("pragma auto_vacuum = incremental");
  inTransaction(database, () => {
    // Another run may have migrated it meanwhile.
    const now = versionOf(database);
    if (now === 0 && database.prepare("select 1 from sqlite_schema").all().length > 0) {
      throw new DatabaseError("damaged", `"${file}" is a database of another program`);
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
    ? `"${file}" was written by a newer tractest (history version ${version}, not ${VERSION})`
    : `"${file}" was written by an older tractest; tractest history updates it`;
}

function stateTrouble(path: string | null, problem: string | null): string {
  return `"${path ?? "the state directory"}" can't be used: ${problem}`;
}

/** Why a file can't be our database, by its kind and owner; null if it can. */
function wrongKind(host: Host, status: FileStatus): string | null {
  if (status.kind !== "file") return `is a ${status.kind}, not a file`;
  const uid = host.uid();
  return uid !== null && status.uid !== uid ? `belongs to uid ${status.uid}, not to ${uid}` : null;
}

/** Renames a file that is not our database; null if another run has already moved it. */
async function moveAside(host: Host, file: string, seen: FileStatus): Promise<string | null> {
  const now = await host.files.lstat(file);
  if (now === null || now.inode !== seen.inode || now.device !== seen.device) return null;
  const aside = `${file}.damaged-${timeStamp(host.clock.now())}-${host.pid}`;
  if (!await host.files.rename(file, aside)) return null;
  // SQLite finds the journal of a database by its name.
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
