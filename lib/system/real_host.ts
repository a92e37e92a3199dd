import { ensureDirSync } from "@std/fs";
import { dirname, resolve } from "@std/path";
import { type Capability, placesOf } from "./permission_flags.ts";
import { ToolMissingError, TractestError, UsageError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { EnvironmentName } from "../tables/environment.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import { type ProgramName, PROGRAMS, STANDARD_DIRECTORIES } from "../tables/programs.ts";
import type {
  BuildKind,
  ConnectOutcome,
  Database,
  DatabaseOptions,
  DirectoryEntry,
  FileLock,
  FileStatus,
  Host,
  OpenPipe,
  Output,
  ProgramNotice,
  ProgramResult,
  RunOptions,
  Signal,
  StartedProgram,
  StartOptions,
} from "./host.ts";
import { buildKind } from "./build_kind.ts";
import { openLocked } from "./file_lock.ts";
import { isRefused, restrictPermissions } from "./restrict.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
/** Milliseconds that a program gets between SIGTERM and SIGKILL when what it was run for is cut short. */
const ABANDON_MS = 1_000;
/** Milliseconds to wait for the end of a program's output once it exited: something else may hold the pipe. */
const DRAIN_MS = 500;
/** Directories of a tree that are read before others get their turn. */
const WALKED_AT_ONCE = 4;
const NOTHING = new Uint8Array();

/** The one {@linkcode Host} that is the operating system. */
export class RealHost implements Host {
  readonly platform: Host["platform"] = Deno.build.os === "linux" || Deno.build.os === "darwin" ? Deno.build.os : "other";
  readonly pid: number = Deno.pid;
  readonly processors: number = navigator.hardwareConcurrency;
  #written = 0;
  readonly stdout: Output = new StreamOutput(Deno.stdout);
  readonly stderr: Output = new StreamOutput(Deno.stderr);
  onProgram: ((notice: ProgramNotice) => void) | null = null;
  /** What a person typed after the program's name. */
  readonly words: readonly string[];
  readonly #executable: string | undefined;
  /** What {@linkcode run} waits for. */
  readonly #awaited = new Set<Deno.ChildProcess>();
  readonly #temporary = new Set<string>();

  /** @param args what the program was started with; the scripts that start a bundle put `--self=` and their own path in front */
  constructor(args: readonly string[] = []) {
    const self = ["self-contained", "launcher"].includes(buildKind()) && args[0]?.startsWith("--self=") ? args[0].slice("--self=".length) : undefined;
    this.words = self === undefined ? args : args.slice(1);
    // Now: `-C DIR` changes what a relative path is relative to.
    this.#executable = self?.includes("/") ? resolve(self) : undefined;
  }

  get cwd(): string {
    try {
      return Deno.cwd();
    } catch (error) {
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
      const what = "The path of the working directory is not UTF-8, and tractest can't work below such a name";
      throw new TractestError("directory", what, EXIT.preflight, "rename the directory whose name has other bytes, or use a checkout elsewhere");
    }
  }

  get stdinIsTerminal(): boolean {
    return Deno.stdin.isTerminal();
  }

  /** Who gets the keys; null while nobody does. */
  #onKey: ((key: string) => void) | null = null;
  #keysAreRead = false;

  readKeys(onKey: (key: string) => void): (() => void) | null {
    try {
      Deno.stdin.setRaw(true, { cbreak: true });
    } catch {
      return null;
    }
    this.#onKey = onKey;
    const restore = () => {
      if (this.#onKey !== onKey) return;
      this.#onKey = null;
      globalThis.removeEventListener("unload", restore);
      try {
        Deno.stdin.setRaw(false);
      } catch {
        // The terminal is gone: there is nothing to restore, and a run to be ended in good order.
      }
    };
    globalThis.addEventListener("unload", restore);
    if (!this.#keysAreRead) void this.#readKeys();
    return restore;
  }

  async #readKeys(): Promise<void> {
    this.#keysAreRead = true;
    const buffer = new Uint8Array(64);
    try {
      // A read can't be taken back: it may end when nobody wants its key any more.
      for (let count = await Deno.stdin.read(buffer); count !== null && this.#onKey; count = await Deno.stdin.read(buffer)) {
        for (const key of new TextDecoder().decode(buffer.subarray(0, count))) this.#onKey(key);
      }
    } catch {
      // The terminal went away.
    }
    this.#keysAreRead = false;
  }

  changeDirectory(directory: string): void {
    try {
      Deno.chdir(directory);
    } catch (error) {
      throw new UsageError(`Cannot enter "${directory}": ${reason(error)}`, "-C takes an existing directory");
    }
  }

  restrict(row: PermissionRow): void {
    restrictPermissions(row);
  }

  isRefused(capability: Capability): boolean {
    return isRefused(capability);
  }

  build(): { kind: BuildKind; runtime: string; executable?: string } {
    const kind = buildKind();
    return { kind, runtime: `deno ${Deno.version.deno}`, executable: kind === "compiled" ? Deno.execPath() : this.#executable };
  }

  env(name: EnvironmentName): string | undefined {
    return Deno.env.get(name);
  }

  uid(): number | null {
    return Deno.uid();
  }

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((done) => {
      if (signal?.aborted) return done();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        done();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener("abort", finish);
    });
  }

  onSignal(signal: Signal, handler: () => void): () => void {
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  }

  async run(program: ProgramName, args: readonly string[], options: RunOptions): Promise<ProgramResult> {
    this.onProgram?.({ argv: [program, ...args], cwd: options.cwd, why: options.why });
    const child = this.#spawn(program, {
      args: [...args],
      cwd: options.cwd,
      clearEnv: !options.inherit,
      env: options.inherit ? {} : options.exactEnv ? { ...options.env } : { PATH: STANDARD_DIRECTORIES.join(":"), LC_ALL: "C", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    if (!child) return { outcome: "missing", code: -1, stdout: NOTHING, stderr: NOTHING };
    this.#awaited.add(child);
    void child.status.finally(() => this.#awaited.delete(child));
    const stdout = new Drain(child.stdout);
    const stderr = new Drain(child.stderr);
    // Not setTimeout: the first call of it costs more than a probe does.
    const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const timedOut = new Promise<null>((done) => timeout.addEventListener("abort", () => done(null)));
    // One that hangs in the kernel doesn't end by SIGKILL either, so its end is not waited for.
    const status = await Promise.race([child.status, timedOut]);
    if (!status) killChild(child, "SIGKILL");
    // A grandchild may hold the pipe for as long as it lives, so the end of the output is waited for only so long.
    const deadline = AbortSignal.timeout(DRAIN_MS);
    const [out, error] = await Promise.all([stdout.take(deadline), stderr.take(deadline)]);
    return { outcome: status ? "exited" : "timed-out", code: status?.code ?? -1, stdout: out, stderr: error };
  }

  async abandon(): Promise<void> {
    const children = [...this.#awaited];
    for (const child of children) killChild(child, "SIGTERM");
    const ended = Promise.all(children.map((child) => child.status));
    const late = new AbortController();
    await Promise.race([ended, this.sleep(ABANDON_MS, late.signal)]).finally(() => late.abort());
    for (const child of this.#awaited) killChild(child, "SIGKILL");
    for (const path of this.#temporary) await Deno.remove(path, { recursive: true }).catch(() => {});
  }

  start(program: ProgramName, args: readonly string[], options: StartOptions): StartedProgram {
    this.onProgram?.({ argv: [program, ...args], cwd: options.cwd, why: options.why });
    const child = this.#spawn(program, {
      args: [...args],
      cwd: options.cwd,
      clearEnv: true,
      env: { ...options.env },
      stdin: options.stdin,
      stdout: options.stdout,
      stderr: options.stderr,
      detached: options.detached,
    });
    if (!child) {
      const row = PROGRAMS.find((candidate) => candidate.name === program);
      throw new ToolMissingError(program, `install the package "${row?.packages ?? program}"`);
    }
    return { pid: child.pid, status: child.status, kill: (signal) => killChild(child, signal) };
  }

  /** The child, or null if the program is at none of its places. */
  #spawn(program: ProgramName, options: Deno.CommandOptions): Deno.ChildProcess | null {
    for (const place of placesOf(program)) {
      try {
        return new Deno.Command(place, options).spawn();
      } catch (error) {
        // A cwd that is gone is reported as NotFound too; then no other place helps, but trying them is harmless.
        if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) continue;
        throw new TractestError("cannot-start", `Cannot start "${place}": ${reason(error)}`, EXIT.bug);
      }
    }
    return null;
  }

  // Small reads are done at once: handing one to a thread and back takes several times as long as the read itself.
  async readFile(path: string): Promise<Uint8Array | null> {
    return await orNull("read", path, () => {
      refuseSpecial(path);
      return Deno.readFileSync(path);
    });
  }

  async readText(path: string): Promise<string | null> {
    return await orNull("read", path, () => {
      refuseSpecial(path);
      return Deno.readTextFileSync(path);
    });
  }

  readTextAtOnce(path: string): string | null {
    try {
      refuseSpecial(path);
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (isNothingThere(error)) return null;
      throw failed("read", path, error);
    }
  }

  async readFrom(path: string, offset: number, limit: number): Promise<Uint8Array | null> {
    return await orNull("read", path, () => {
      refuseSpecial(path);
      using file = Deno.openSync(path, { read: true });
      // No more than there is: a file that grows is looked at very often.
      const buffer = new Uint8Array(Math.max(0, Math.min(limit, file.statSync().size - offset)));
      if (buffer.length === 0) return buffer;
      file.seekSync(offset, Deno.SeekMode.Start);
      return buffer.subarray(0, file.readSync(buffer) ?? 0);
    });
  }

  async readDirectory(path: string): Promise<DirectoryEntry[] | null> {
    return await orNull("list", path, () => {
      const entries: DirectoryEntry[] = [];
      for (const entry of Deno.readDirSync(path)) {
        const kind = entry.isFile ? "file" : entry.isDirectory ? "directory" : entry.isSymlink ? "symlink" : "other";
        entries.push({ name: entry.name, kind });
      }
      return entries;
    });
  }

  async stat(path: string): Promise<FileStatus | null> {
    return await orNull("stat", path, () => statusOf(Deno.statSync(path)));
  }

  async lstat(path: string): Promise<FileStatus | null> {
    return await orNull("stat", path, () => statusOf(Deno.lstatSync(path)));
  }

  async realPath(path: string): Promise<string | null> {
    return await orNull("resolve", path, () => Deno.realPathSync(path));
  }

  // Whole directories at once: an iterator that is asked for each entry takes several times as long.
  async *walk(directory: string, extensions: readonly string[], skip: readonly string[]): AsyncIterable<string> {
    const suffixes = extensions.map((extension) => `.${extension}`);
    const directories = [resolve(directory)];
    let count = 0;
    for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
      // Directories are read at once: what runs beside could not go on in a large tree, for nobody would take what it says.
      if (++count % WALKED_AT_ONCE === 0) await Deno.lstat(below).catch(() => {});
      for (const entry of await this.readDirectory(below) ?? []) {
        const path = `${below}/${entry.name}`;
        if (entry.kind === "directory" && !skip.includes(entry.name)) directories.push(path);
        else if (entry.kind !== "directory" && suffixes.some((suffix) => entry.name.endsWith(suffix))) yield path;
      }
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await orThrow("make the directory", path, () => {
      ensureDirSync(dirname(path));
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    });
  }

  async writeFile(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
    await orThrow("write", path, async () => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      // Its own even among writers of the same file in this process.
      const temporary = `${path}.${this.pid}.${this.#written++}.tmp`;
      try {
        Deno.writeFileSync(temporary, bytes, { mode: 0o600 });
        if (mode !== 0o600) Deno.chmodSync(temporary, mode);
        Deno.renameSync(temporary, path);
      } catch (error) {
        await Deno.remove(temporary).catch(() => {});
        throw error;
      }
    });
  }

  async createFile(path: string, content: string): Promise<boolean> {
    return await orThrow("create", path, () => {
      try {
        Deno.writeTextFileSync(path, content, { createNew: true, mode: 0o600 });
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        throw error;
      }
    });
  }

  async appendFile(path: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await orThrow("write", path, async () => {
      // Deno.writeFile with a mode would change that of what is there already: of /dev/null, say.
      const options = { append: true, create: true, mode: 0o600 };
      const plain = isPlain(path);
      using file = plain ? Deno.openSync(path, options) : await Deno.open(path, options);
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(plain ? file.writeSync(rest) : await file.write(rest));
    });
  }

  async openPipe(path: string, waitMs: number): Promise<OpenPipe | null> {
    const opening = orThrow("write", path, () => Deno.open(path, { append: true }));
    const tooLong = new AbortController();
    const file = await Promise.race([opening, this.sleep(waitMs, tooLong.signal).then(() => null)]).finally(() => tooLong.abort());
    if (file === null) {
      // A reader may come yet.
      opening.then((late) => late.close(), () => {});
      return null;
    }
    return {
      write: (text) =>
        orThrow("write", path, async () => {
          for (let rest = new TextEncoder().encode(text); rest.length > 0;) rest = rest.subarray(await file.write(rest));
        }),
      close: () => file.close(),
    };
  }

  async makeTemporaryDirectory(): Promise<string> {
    const path = await orThrow("make a directory in", "the directory for temporary files", () => Deno.makeTempDir({ prefix: "tractest-" }));
    this.#temporary.add(path);
    return path;
  }

  async tryLock(path: string): Promise<FileLock | null> {
    return await orThrow("lock", path, async () => {
      const file = await openLocked(path);
      return file && {
        write: (content: string) =>
          orThrow("write", path, async () => {
            const bytes = new TextEncoder().encode(content);
            await file.seek(0, Deno.SeekMode.Start);
            for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
            await file.truncate(bytes.length);
          }),
        release: () => file.close(),
      };
    });
  }

  async rename(from: string, to: string): Promise<boolean> {
    const renamed = await orNull("rename", from, () => {
      Deno.renameSync(from, to);
      return true;
    });
    return renamed ?? false;
  }

  async openDatabase(path: string, options: DatabaseOptions): Promise<Database> {
    // Loaded only where there is something to be read or written: `node:` imports cost every start that has one.
    return (await import("./sqlite.ts")).openSqlite(path, options);
  }

  async remove(path: string): Promise<boolean> {
    const removed = await orNull("remove", path, () => {
      Deno.removeSync(path);
      return true;
    });
    return removed ?? false;
  }

  async connectUnix(path: string): Promise<ConnectOutcome> {
    try {
      const connection = await Deno.connect({ transport: "unix", path });
      connection.close();
      return "accepted";
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return "refused";
      if (error instanceof Deno.errors.NotFound) return "missing";
      return "failed";
    }
  }
}

/** A standard stream; writes are whole and never throw. */
class StreamOutput implements Output {
  #stream: typeof Deno.stdout;
  #broken = false;

  constructor(stream: typeof Deno.stdout) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTerminal();
  }

  get isBroken(): boolean {
    return this.#broken;
  }

  get columns(): number {
    return size()?.columns || 80;
  }

  get rows(): number {
    return size()?.rows || 24;
  }

  write(text: string | Uint8Array): void {
    if (this.#broken) return;
    let rest = typeof text === "string" ? new TextEncoder().encode(text) : text;
    try {
      while (rest.length > 0) rest = rest.subarray(this.#stream.writeSync(rest));
    } catch (error) {
      // A pipe that nobody fills up for (non-blocking, EAGAIN) is tried again; any other failure means that nobody listens.
      if (error instanceof Deno.errors.WouldBlock) return this.write(rest);
      this.#broken = true;
    }
  }
}

/** Size of the terminal; a terminal that was given none says 0. */
function size(): { columns: number; rows: number } | null {
  try {
    return Deno.consoleSize();
  } catch {
    return null;
  }
}

/** Collects a stream as it comes, so that what came before a deadline is never lost. */
class Drain {
  #chunks: Uint8Array[] = [];
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #ended: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#ended = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) this.#chunks.push(part.value);
    } catch {
      // Cancelled at the deadline: what has come is what there is.
    }
  }

  /** All that has come until the stream's end or until `deadline` aborts. */
  async take(deadline: AbortSignal): Promise<Uint8Array> {
    const cancel = () => void this.#reader.cancel().catch(() => {});
    deadline.addEventListener("abort", cancel);
    await this.#ended;
    deadline.removeEventListener("abort", cancel);
    const whole = new Uint8Array(this.#chunks.reduce((size, chunk) => size + chunk.length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }
}

function killChild(child: Deno.ChildProcess, signal: Signal): boolean {
  try {
    child.kill(signal);
    return true;
  } catch {
    return false;
  }
}

function statusOf(info: Deno.FileInfo): FileStatus {
  const kind = info.isSymlink ? "symlink" : info.isFile ? "file" : info.isDirectory ? "directory" : info.isSocket ? "socket" : "other";
  return {
    kind,
    size: info.size,
    modifiedMs: info.mtime?.getTime() ?? 0,
    device: info.dev,
    inode: info.ino ?? 0,
    uid: info.uid ?? -1,
    mode: (info.mode ?? 0) & 0o7777,
  };
}

/** Whether a path is that of a plain file, or of nothing yet: what is asked of another kind may take any time, and must keep nobody waiting. */
/** The number of `/dev/null`, which somebody may put in the place of a file that is to be empty. */
const DEV_NULL = 0x103;

/** Throws for what would be read for ever, or waited for: a pipe, a device, a socket. */
function refuseSpecial(path: string): void {
  const { isFile, isDirectory, rdev } = Deno.statSync(path);
  if (!isFile && !isDirectory && rdev !== DEV_NULL) throw new Error("it is no regular file");
}

function isPlain(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return isNothingThere(error);
  }
}

async function orNull<T>(verb: string, path: string, action: () => T | Promise<T>): Promise<T | null> {
  return await orThrow(verb, path, async () => {
    try {
      return await action();
    } catch (error) {
      if (isNothingThere(error)) return null;
      throw error;
    }
  });
}

async function orThrow<T>(verb: string, path: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw failed(verb, path, error);
  }
}

function isNothingThere(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function failed(verb: string, path: string, error: unknown): TractestError {
  return new TractestError("file", `Cannot ${verb} "${path}": ${reason(error)}`, EXIT.preflight);
}

/** Deno adds the number of the error, and its call with the path again: `Is a directory (os error 21): readfile '/tmp'`. */
function reason(error: unknown): string {
  // Deno would have people run it again with --allow-all.
  if (error instanceof Deno.errors.NotCapable) return "tractest has no permission for it";
  return error instanceof Error ? error.message.replace(/ \(os error \d+\)(: \w+ '.*')?$/s, "") : String(error);
}
