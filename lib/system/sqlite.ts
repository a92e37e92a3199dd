import type { Database, DatabaseOptions, SqlRow, Statement } from "./sql.ts";
import { DatabaseError, type DatabaseTrouble } from "../errors.ts";

// A static import would be loaded at each start where the program is one file (scripts/build.ts).
const { DatabaseSync } = await import("node:sqlite");

/** SQLite's primary result codes (sqlite.org/rescode.html) that are handled, not only reported. */
const TROUBLES: Readonly<Record<number, DatabaseTrouble>> = {
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  8: "read-only", // SQLITE_READONLY
  10: "disk", // SQLITE_IOERR
  11: "damaged", // SQLITE_CORRUPT
  13: "disk", // SQLITE_FULL
  14: "disk", // SQLITE_CANTOPEN
  26: "damaged", // SQLITE_NOTADB
};

/**
 * Opens a SQLite database.
 *
 * @throws {DatabaseError} if it can't be opened
 */
export function openSqlite(path: string, { readOnly, waitMs }: DatabaseOptions): Database {
  const database = guarded(path, () => new DatabaseSync(path, { readOnly, timeout: waitMs }));
  return {
    exec: (sql) => guarded(path, () => database.exec(sql)),
    prepare: (sql): Statement => {
      const statement = guarded(path, () => database.prepare(sql));
      return {
        run: (...values) => guarded(path, () => Number(statement.run(...values).changes)),
        all: (...values) => guarded(path, () => statement.all(...values) as SqlRow[]),
      };
    },
    prepareCommit: async () => {
      try {
        // The commit waits until the journal, the old content of all changed pages, is on disk.
        using journal = await Deno.open(`${path}-journal`);
        await journal.syncData();
      } catch {
        // Then the commit itself syncs.
      }
    },
    close: () => guarded(path, () => database.close()),
  };
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    // The lower byte of the extended result code is the primary one.
    const code = Number((error as { errcode?: unknown }).errcode ?? 0) & 0xff;
    const message = error instanceof Error ? error.message : String(error);
    // Our queries are fixed: a missing table or column was removed by another program.
    const trouble = /^no such (table|column)/.test(message) ? "damaged" : TROUBLES[code] ?? "other";
    throw new DatabaseError(trouble, `Cannot use the database "${path}": ${message}`);
  }
}
