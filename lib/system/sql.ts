/** A value in one column of a row. */
export type SqlValue = string | number | null;

/** A row of a result, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A prepared statement. Both methods throw a DatabaseError. */
export interface Statement {
  /** Executes it and returns the number of changed rows. */
  run(...values: SqlValue[]): number;
  /** Executes it and returns all rows of its result. */
  all(...values: SqlValue[]): SqlRow[];
}

/** An open database file. Methods throw a DatabaseError unless they say otherwise. */
export interface Database {
  /** Executes one or more statements without values. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /**
   * Inside a transaction: syncs to disk in the background what the commit would otherwise wait
   * for. Never throws.
   */
  prepareCommit(): Promise<void>;
  close(): void;
}

/** How to open a database. */
export interface DatabaseOptions {
  /** Writes nothing, and does not create a missing file. */
  readonly readOnly: boolean;
  /** Milliseconds to wait while another process holds a lock on it. */
  readonly waitMs: number;
}
