import type { ProgramName } from "../tables/programs.ts";
import type { EnvironmentName } from "../tables/environment.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import type { Capability } from "./permission_flags.ts";

/** The signals that tractest sends or listens to. */
export type Signal =
  | "SIGINT"
  | "SIGTERM"
  | "SIGKILL"
  | "SIGCONT"
  | "SIGHUP"
  | "SIGQUIT"
  | "SIGTSTP"
  | "SIGSTOP";

/** How a program run by {@linkcode Programs.run} ended. */
export type ProgramOutcome =
  /** It ran and exited by itself; `code` is its exit code, 128 + n when a signal ended it. */
  | "exited"
  /** It stands at none of the standard places. */
  | "missing"
  /** It was ended because it took longer than its time limit. */
  | "timed-out";

/** What a finished program left. */
export interface ProgramResult {
  readonly outcome: ProgramOutcome;
  /** Exit code; -1 unless `outcome` is "exited". */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** How to run a program whose output is wanted. */
export interface RunOptions {
  /** Why it is run, as `-v` prints it beside the command. */
  readonly why: string;
  readonly cwd?: string;
  /**
   * The whole environment besides PATH (the standard places) and LC_ALL=C; nothing else is
   * inherited.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** `env` is the whole environment: no PATH and no LC_ALL are added. */
  readonly exactEnv?: boolean;
  /**
   * It inherits tractest's own environment instead. Fails where that holds an `LD_*`, which Deno
   * refuses to pass on.
   */
  readonly inherit?: boolean;
  /** Milliseconds until it is killed and counts as timed out; 5000 unless given. */
  readonly timeoutMs?: number;
}

/** How to start a program that is watched while it runs. */
export interface StartOptions {
  readonly why: string;
  readonly cwd: string;
  /**
   * The whole environment; nothing is inherited. No `LD_*` here: those pass as arguments of `env`.
   */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: "inherit" | "null";
  readonly stdout: "inherit" | "null";
  readonly stderr: "inherit" | "null";
  /** In a session of its own: the terminal's Ctrl-C does not reach it. */
  readonly detached: boolean;
}

/** A program that was started by {@linkcode Programs.start}. */
export interface StartedProgram {
  readonly pid: number;
  /** Resolves when the process ended, whoever still holds its output. */
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  /** Signals exactly this child; false if it is gone already. */
  kill(signal: Signal): boolean;
}

/** A program as `-v` shows it: what a person would have typed, and why. */
export interface ProgramNotice {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly why: string;
}

/**
 * What is at a path. Times in milliseconds since the epoch, sizes in bytes, `mode` as permission
 * bits.
 */
export interface FileStatus {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "other";
  readonly size: number;
  readonly modifiedMs: number;
  readonly device: number;
  readonly inode: number;
  readonly uid: number;
  readonly mode: number;
}

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
}

/**
 * One of the two output streams. Writing never throws: a reader that went away (`| head -1`) is not
 * an error of ours.
 */
export interface Output {
  write(text: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Whether its reader went away: nothing that is written arrives any more. */
  readonly isBroken: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Rows of the terminal; 24 where there is none. */
  readonly rows: number;
}

/**
 * What tractest was built as: by `deno compile`, self-contained with its runtime, a launcher over
 * an installed Deno, or run from source.
 */
export type BuildKind = "compiled" | "self-contained" | "launcher" | "source";

/** What a connect to a Unix socket found. */
export type ConnectOutcome = "accepted" | "refused" | "missing" | "failed";

/** A pipe or a device that stays open, see {@linkcode Files.openPipe}. */
export interface OpenPipe {
  /** Writes all of it: waits for the reader where there is no room. */
  write(text: string): Promise<void>;
  close(): void;
}

/** A lock on a file, see {@linkcode Files.tryLock}. */
export interface FileLock {
  /** Replaces what the file says; others can read it. */
  write(content: string): Promise<void>;
  release(): void;
}

/** What a database holds in one place of a row. */
export type SqlValue = string | number | null;
/** A row that was asked for, by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A statement that is prepared once and used often. Each throws a DatabaseError. */
export interface Statement {
  /** Does it, and returns how many rows were changed. */
  run(...values: SqlValue[]): number;
  /** Does it, and returns what was asked for. */
  all(...values: SqlValue[]): SqlRow[];
}

/** A database in a file, see {@linkcode Files.openDatabase}. Each throws a DatabaseError. */
export interface Database {
  /** Does one or several statements without values. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /**
   * Within a transaction: has the disk take what its commit would wait for, beside all else. Never
   * throws, and changes nothing.
   */
  prepareCommit(): Promise<void>;
  close(): void;
}

/** How to open a database. */
export interface DatabaseOptions {
  /** Nothing is written, and what is missing is not made. */
  readonly readOnly: boolean;
  /** Milliseconds to wait while another process holds it. */
  readonly waitMs: number;
}

/** Files, directories and sockets by their paths, and what is kept in them. */
export interface Files {
  /**
   * Each of the following returns null when nothing is at the path; other errors are thrown as
   * TractestError.
   */
  readFile(path: string): Promise<Uint8Array | null>;
  readText(path: string): Promise<string | null>;
  /** The same where a decision that is under way finds that it needs the text. */
  readTextAtOnce(path: string): string | null;
  /** Bytes of `path` from `offset`, at most `limit`; empty at its end. */
  readFrom(path: string, offset: number, limit: number): Promise<Uint8Array | null>;
  readDirectory(path: string): Promise<DirectoryEntry[] | null>;
  /** Follows symlinks. */
  stat(path: string): Promise<FileStatus | null>;
  /** Does not follow symlinks. */
  lstat(path: string): Promise<FileStatus | null>;
  realPath(path: string): Promise<string | null>;
  /**
   * Every file below `directory` whose name ends with one of `extensions`, paths absolute; `skip`
   * names directories to leave out.
   */
  walk(
    directory: string,
    extensions: readonly string[],
    skip: readonly string[],
  ): AsyncIterable<string>;
  /** Makes a directory and its parents, private (0700). */
  makeDirectory(path: string): Promise<void>;
  /**
   * Writes a file in one step: a reader sees the old one or the new one, never half of it. Mode
   * 0600 unless given.
   */
  writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Creates a file that must not exist yet; false if it does. Mode 0600. */
  createFile(path: string, content: string): Promise<boolean>;
  /** Adds to the end of a file; creates it (mode 0600) if it is missing. */
  appendFile(path: string, content: string | Uint8Array): Promise<void>;
  /**
   * Opens a pipe or a device to write to it, once it has a reader; null if that takes longer than
   * `waitMs`.
   */
  openPipe(path: string, waitMs: number): Promise<OpenPipe | null>;
  /**
   * Makes a fresh private directory where the system keeps temporary ones, and returns its path.
   */
  makeTemporaryDirectory(): Promise<string>;
  /**
   * Locks a file (made if it is missing) until {@linkcode FileLock.release} or the end of this
   * process, however that comes; null while another process holds it.
   */
  tryLock(path: string): Promise<FileLock | null>;
  /**
   * Gives a file another name in the same directory; false if it is gone. What has that name
   * already is replaced.
   */
  rename(from: string, to: string): Promise<boolean>;
  /**
   * Opens a SQLite database. Throws a DatabaseError if that can't be done; whether its content is
   * sound shows at its first use.
   */
  openDatabase(path: string, options: DatabaseOptions): Promise<Database>;
  /** Removes one file, socket or empty directory; false if nothing was there. Never recursive. */
  remove(path: string): Promise<boolean>;
  /**
   * Connects to a Unix stream socket and closes at once. Only after `ss` showed no listener: a
   * connect disturbs a live one.
   */
  connectUnix(path: string): Promise<ConnectOutcome>;
}

/** Other programs, each started from its standard place. */
export interface Programs {
  /** Where {@linkcode ProgramNotice}s go; nowhere until it is set. */
  onProgram: ((notice: ProgramNotice) => void) | null;
  /**
   * Runs a program from its standard place to its end and returns its output. Never throws for what
   * the program does.
   */
  run(program: ProgramName, args: readonly string[], options: RunOptions): Promise<ProgramResult>;
  /** Starts a program from its standard place. Throws a ToolMissingError if it is at none. */
  start(program: ProgramName, args: readonly string[], options: StartOptions): StartedProgram;
}

/** The standard streams, and the terminal that they may be. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /**
   * Calls `onKey` for each key that is typed at the terminal of standard input, without echo;
   * Ctrl-C and Ctrl-Z stay signals. The returned function puts the terminal back as it was; so does
   * the end of the program, unless a signal kills it. Null where there is no terminal.
   */
  readKeys(onKey: (key: string) => void): (() => void) | null;
}

/** What time it is, and waiting. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic(): number;
  /** Waits `ms` milliseconds, less if `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What this program may still do. */
export interface Permissions {
  /**
   * Drops every permission that the row does not name, then makes sure of it. Throws a
   * TractestError (70) if one is still granted.
   */
  restrict(row: PermissionRow): void;
  /** Uses a capability for real, harmlessly, and says whether that was refused. */
  isRefused(capability: Capability): boolean;
}

/**
 * The operating system, as the commands see it. {@linkcode RealHost} is the real one; tests pass an
 * object of their own.
 */
export interface Host {
  readonly files: Files;
  readonly programs: Programs;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly permissions: Permissions;
  readonly platform: "linux" | "darwin" | "other";
  readonly pid: number;
  /** Processors that this program may use. */
  readonly processors: number;
  /** The directory that relative paths start at: `-C DIR`, else the working directory. */
  readonly cwd: string;
  /** Makes `directory` the one that relative paths start at. Throws a UsageError if it is none. */
  changeDirectory(directory: string): void;
  /**
   * What this program was built as, the version of its runtime (`deno 2.9.8`), and the path of its
   * executable file where that is known.
   */
  build(): { readonly kind: BuildKind; readonly runtime: string; readonly executable?: string };
  env(name: EnvironmentName): string | undefined;
  /** The numeric user id; null where the system has none. */
  uid(): number | null;
  /** Calls `handler` on each `signal`; the returned function stops that. */
  onSignal(signal: Signal, handler: () => void): () => void;
  /**
   * For a command that is cut short: ends the programs that {@linkcode Programs.run} waits for, and
   * removes the temporary directories of this process.
   */
  abandon(): Promise<void>;
}
