import type { ProgramName } from "../tables/programs.ts";
import type { EnvironmentName } from "../tables/environment.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import type { Capability } from "./permission_flags.ts";
import type { Database, DatabaseOptions } from "./sql.ts";

/**
 * The operating system as the commands see it. {@linkcode RealHost} is the real one; tests pass
 * an object of their own.
 */
export interface Host {
  readonly files: Files;
  readonly programs: Programs;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly permissions: Permissions;
  readonly platform: "linux" | "darwin" | "other";
  readonly pid: number;
  /** Number of processors that this program may use. */
  readonly processors: number;
  /** The directory that relative paths start at: `-C DIR`, otherwise the working directory. */
  readonly cwd: string;
  /** Changes {@linkcode cwd}. Throws a UsageError if `directory` is not a directory. */
  changeDirectory(directory: string): void;
  build(): Build;
  env(name: EnvironmentName): string | undefined;
  /** The numeric user id; null on systems without one. */
  uid(): number | null;
  /** Calls `handler` on each `signal`; the returned function stops that. */
  onSignal(signal: Signal, handler: () => void): () => void;
  /**
   * Cleans up after an interrupted command: ends the programs that {@linkcode Programs.run} is
   * waiting for and removes the temporary directories of this process.
   */
  abandon(): Promise<void>;
}

/** The signals that tractest sends or handles. */
export type Signal =
  | "SIGINT"
  | "SIGTERM"
  | "SIGKILL"
  | "SIGCONT"
  | "SIGHUP"
  | "SIGQUIT"
  | "SIGTSTP"
  | "SIGSTOP";

/** What this program was built as. */
export interface Build {
  readonly kind: BuildKind;
  /** `deno 2.9.8` */
  readonly runtime: string;
  /** Path of the executable, where it is known. */
  readonly executable?: string;
}

/** By `deno compile`, with its runtime, as a launcher for an installed Deno, or run from source. */
export type BuildKind = "compiled" | "self-contained" | "launcher" | "source";

/** Files, directories, sockets and databases, by their paths. */
export interface Files {
  // Those that may return null do so when nothing is at the path. Any other failure throws a
  // TractestError.
  readFile(path: string): Promise<Uint8Array | null>;
  readText(path: string): Promise<string | null>;
  readTextSync(path: string): string | null;
  /** Bytes of `path` from `offset`, at most `limit`; empty at its end. */
  readFrom(path: string, offset: number, limit: number): Promise<Uint8Array | null>;
  readDirectory(path: string): Promise<DirectoryEntry[] | null>;
  /** Follows symlinks. */
  stat(path: string): Promise<FileStatus | null>;
  /** Does not follow symlinks. */
  lstat(path: string): Promise<FileStatus | null>;
  realPath(path: string): Promise<string | null>;
  /**
   * Absolute paths of all files below `directory` with one of `extensions`. Does not enter
   * directories named in `skip`.
   */
  walk(
    directory: string,
    extensions: readonly string[],
    skip: readonly string[],
  ): AsyncIterable<string>;
  /** Creates a private directory (0700) and its parents. */
  makeDirectory(path: string): Promise<void>;
  /** Creates a private directory where the system keeps temporary ones; returns its path. */
  makeTemporaryDirectory(): Promise<string>;
  /** Writes atomically: readers see the old file or the new one. Mode 0600 by default. */
  writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Creates a file (mode 0600); false if it exists already. */
  createFile(path: string, content: string | Uint8Array): Promise<boolean>;
  /** Appends to a file; creates it (mode 0600) if it is missing. */
  appendFile(path: string, content: string | Uint8Array): Promise<void>;
  /** Renames within one directory, replacing `to`; false if `from` is gone. */
  rename(from: string, to: string): Promise<boolean>;
  /** Removes one file, socket or empty directory; false if there was none. Never recursive. */
  remove(path: string): Promise<boolean>;
  /** Opens a pipe or device for writing; null if it has no reader within `waitMs`. */
  openPipe(path: string, waitMs: number): Promise<OpenPipe | null>;
  /**
   * Locks a file, created if it is missing, until {@linkcode FileLock.release} or the end of this
   * process, even by SIGKILL; null while another process holds the lock.
   */
  tryLock(path: string): Promise<FileLock | null>;
  /** Opens a SQLite database. Throws a DatabaseError; damage may show only at the first use. */
  openDatabase(path: string, options: DatabaseOptions): Promise<Database>;
  /**
   * Connects to a Unix stream socket and closes at once. Disturbs a live listener, so only for
   * sockets where `ss` shows none.
   */
  connectUnix(path: string): Promise<ConnectOutcome>;
  /**
   * Calls `onPath` with each path directly in one of `directories` that is created, changed,
   * renamed or removed, and with null when some may be missed. The returned function ends it.
   * Throws a TractestError if the system can't watch so many, or one is missing.
   */
  watch(directories: readonly string[], onPath: (path: string | null) => void): () => void;
}

/** What is at a path. */
export interface FileStatus {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "other";
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
  readonly device: number;
  readonly inode: number;
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
}

/** An open pipe or device, see {@linkcode Files.openPipe}. */
export interface OpenPipe {
  /** Writes all of `text`, waiting for the reader when the pipe is full. */
  write(text: string): Promise<void>;
  close(): void;
}

/** A lock on a file, see {@linkcode Files.tryLock}. */
export interface FileLock {
  /** Replaces the content of the file, which others can read. */
  write(content: string): Promise<void>;
  release(): void;
}

/** How connecting to a Unix socket ended. */
export type ConnectOutcome = "accepted" | "refused" | "missing" | "failed";

/** Other programs, each started from a standard directory, never from PATH. */
export interface Programs {
  /** Called for every program that is started. */
  onProgram: ((notice: ProgramNotice) => void) | null;
  /** Runs a program to its end and returns its output. Never throws for how it ends. */
  run(program: ProgramName, args: readonly string[], options: RunOptions): Promise<ProgramResult>;
  /** Starts a program. Throws a ToolMissingError if it is not installed. */
  start(program: ProgramName, args: readonly string[], options: StartOptions): StartedProgram;
}

/** A program as `-v` prints it: what a person would type, and why. */
export interface ProgramNotice {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly why: string;
}

/** How to run a program for its output. */
export interface RunOptions {
  /** Printed after the command with `-v`. */
  readonly why: string;
  readonly cwd?: string;
  /** The environment, in addition to PATH (the standard directories) and LC_ALL=C. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether `env` is the whole environment, without PATH and LC_ALL. */
  readonly exactEnv?: boolean;
  /**
   * Whether it inherits tractest's own environment instead. Fails if that contains an `LD_*`
   * variable, which Deno refuses to pass on.
   */
  readonly inherit?: boolean;
  /** Milliseconds until it is killed; 5000 by default. */
  readonly timeoutMs?: number;
}

/** The result of a program that was run for its output. */
export interface ProgramResult {
  /** "missing": it is in none of the standard directories. */
  readonly outcome: "exited" | "missing" | "timed-out";
  /** Exit code, 128 + n after signal n; -1 unless `outcome` is "exited". */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** How to start a program that is watched while it runs. */
export interface StartOptions {
  readonly why: string;
  readonly cwd: string;
  /** The whole environment. `LD_*` variables are not allowed: pass them as arguments of `env`. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: "inherit" | "null";
  /** Written to its standard input, instead of `stdin`. */
  readonly input?: string;
  readonly stdout: "inherit" | "null";
  readonly stderr: "inherit" | "null";
  /** In a session of its own, which Ctrl-C at the terminal does not reach. */
  readonly detached: boolean;
}

/** A program started by {@linkcode Programs.start}. */
export interface StartedProgram {
  readonly pid: number;
  /** Resolves when the process has ended, even if others still hold its output. */
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  /** Signals exactly this child; false if it is gone. */
  kill(signal: Signal): boolean;
}

/** The standard streams, and the terminal that they may be connected to. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /**
   * Calls `onKey` for each key typed on standard input, without echo; Ctrl-C and Ctrl-Z remain
   * signals. The returned function restores the terminal, and so does the end of the program
   * unless it is killed. Null without a terminal.
   */
  readKeys(onKey: (key: string) => void): (() => void) | null;
}

/** An output stream. Writing never throws, even when the reader went away (`| head -1`). */
export interface Output {
  write(text: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Whether the reader went away, so that nothing written arrives any more. */
  readonly isBroken: boolean;
  /** Why what was written got lost, as on a full disk; null if the reader just went away. */
  readonly failure: string | null;
  /** Columns of the terminal; 80 without one. */
  readonly columns: number;
  /** Rows of the terminal; 24 without one. */
  readonly rows: number;
}

/** The time, and waiting. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic(): number;
  /** Waits `ms` milliseconds, or until `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The permissions of this program. */
export interface Permissions {
  /** Drops every permission outside the row. Throws a TractestError (70) if one is left. */
  restrict(row: PermissionRow): void;
  /** Whether using a capability, in a harmless way, is refused. */
  isRefused(capability: Capability): boolean;
}
