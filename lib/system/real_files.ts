import type { Database, DatabaseOptions } from "./sql.ts";
import { ensureDirSync } from "@std/fs";
import { dirname, resolve } from "@std/path";
import type {
  Clock,
  ConnectOutcome,
  DirectoryEntry,
  FileLock,
  Files,
  FileStatus,
  OpenPipe,
} from "./host.ts";
import { plural } from "../base/plural.ts";
import { TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import { isNothingThere, orNull, orThrow, reason, systemFailure } from "./failures.ts";
import { openLocked } from "./file_lock.ts";

/** Number of directories that a walk reads before it yields to other tasks. */
const WALKED_AT_ONCE = 4;

/** The {@linkcode Files} of the real file system. */
export class RealFiles implements Files {
  readonly #clock: Clock;
  #written = 0;
  readonly #temporary = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Removes the temporary directories of this process. */
  async removeTemporary(): Promise<void> {
    for (const path of this.#temporary) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }

  // Small reads are synchronous: handing one to a thread and back takes several times as long as
  // the read itself.
  readFile(path: string): Promise<Uint8Array | null> {
    return orNull("read", path, () => {
      refuseSpecial(path);
      return Deno.readFileSync(path);
    });
  }

  readText(path: string): Promise<string | null> {
    return orNull("read", path, () => readTextSync(path));
  }

  readTextSync(path: string): string | null {
    try {
      return readTextSync(path);
    } catch (error) {
      if (isNothingThere(error)) return null;
      throw systemFailure("read", path, error);
    }
  }

  readFrom(path: string, offset: number, limit: number): Promise<Uint8Array | null> {
    return orNull("read", path, () => {
      const { isFile, size } = refuseSpecial(path);
      // A growing file is read very often: mostly there is nothing new.
      if (isFile && size <= offset) return new Uint8Array();
      using file = Deno.openSync(path, { read: true });
      const buffer = new Uint8Array(Math.max(0, Math.min(limit, size - offset)));
      file.seekSync(offset, Deno.SeekMode.Start);
      return buffer.subarray(0, file.readSync(buffer) ?? 0);
    });
  }

  readDirectory(path: string): Promise<DirectoryEntry[] | null> {
    return orNull("list", path, () => {
      const entries = [...Deno.readDirSync(path)];
      return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    });
  }

  stat(path: string): Promise<FileStatus | null> {
    return orNull("stat", path, () => statusOf(Deno.statSync(path)));
  }

  lstat(path: string): Promise<FileStatus | null> {
    return orNull("stat", path, () => statusOf(Deno.lstatSync(path)));
  }

  realPath(path: string): Promise<string | null> {
    return orNull("resolve", path, () => Deno.realPathSync(path));
  }

  // Whole directories: an asynchronous iterator of entries takes several times as long.
  async *walk(
    directory: string,
    extensions: readonly string[],
    skip: readonly string[],
  ): AsyncIterable<string> {
    const suffixes = extensions.map((extension) => `.${extension}`);
    const directories = [resolve(directory)];
    let count = 0;
    for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
      // Reading is synchronous: without this, nothing else would run during a long walk.
      if (++count % WALKED_AT_ONCE === 0) await Deno.lstat(below).catch(() => {});
      for (const { name, kind } of await this.readDirectory(below) ?? []) {
        const path = `${below}/${name}`;
        if (kind !== "directory") {
          if (suffixes.some((suffix) => name.endsWith(suffix))) yield path;
        } else if (!skip.includes(name)) directories.push(path);
      }
    }
  }

  makeDirectory(path: string): Promise<void> {
    return orThrow("create the directory", path, () => {
      ensureDirSync(dirname(path));
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    });
  }

  async makeTemporaryDirectory(): Promise<string> {
    const path = await orThrow(
      "create a directory in",
      "the directory for temporary files",
      () => Deno.makeTempDir({ prefix: "tractest-" }),
    );
    this.#temporary.add(path);
    return path;
  }

  writeFile(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
    return orThrow("write", path, async () => {
      // Unique even among writers of the same file in this process.
      const temporary = `${path}.${Deno.pid}.${this.#written++}.tmp`;
      try {
        Deno.writeFileSync(temporary, bytesOf(content), { mode: 0o600 });
        if (mode !== 0o600) Deno.chmodSync(temporary, mode);
        Deno.renameSync(temporary, path);
      } catch (error) {
        await Deno.remove(temporary).catch(() => {});
        throw error;
      }
    });
  }

  createFile(path: string, content: string | Uint8Array): Promise<boolean> {
    return orThrow("create", path, () => {
      try {
        using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
        try {
          for (let rest = bytesOf(content); rest.length > 0;) {
            rest = rest.subarray(file.writeSync(rest));
          }
        } catch (error) {
          // The disk is full: half of it is of no use, and would be in the way.
          Deno.removeSync(path);
          throw error;
        }
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        throw error;
      }
    });
  }

  appendFile(path: string, content: string | Uint8Array): Promise<void> {
    return orThrow("write", path, async () => {
      // Deno.writeFile with a mode would also change the mode of an existing file, even /dev/null.
      const options = { append: true, create: true, mode: 0o600 };
      const plain = isPlain(path);
      using file = plain ? Deno.openSync(path, options) : await Deno.open(path, options);
      for (let rest = bytesOf(content); rest.length > 0;) {
        rest = rest.subarray(plain ? file.writeSync(rest) : await file.write(rest));
      }
    });
  }

  async rename(from: string, to: string): Promise<boolean> {
    const renamed = await orNull("rename", from, () => {
      Deno.renameSync(from, to);
      return true;
    });
    return renamed ?? false;
  }

  async remove(path: string): Promise<boolean> {
    const removed = await orNull("remove", path, () => {
      Deno.removeSync(path);
      return true;
    });
    return removed ?? false;
  }

  async openPipe(path: string, waitMs: number): Promise<OpenPipe | null> {
    const opening = orThrow("write", path, () => Deno.open(path, { append: true }));
    const tooLong = new AbortController();
    const file = await Promise.race([
      opening,
      this.#clock.sleep(waitMs, tooLong.signal).then(() => null),
    ]).finally(() => tooLong.abort());
    if (file === null) {
      // A late reader would complete it.
      opening.then((late) => late.close(), () => {});
      return null;
    }
    return {
      write: (text) => orThrow("write", path, () => writeAll(file, bytesOf(text))),
      close: () => file.close(),
    };
  }

  tryLock(path: string): Promise<FileLock | null> {
    return orThrow("lock", path, async () => {
      const file = await openLocked(path);
      return file && {
        write: (content: string) =>
          orThrow("write", path, async () => {
            const bytes = bytesOf(content);
            await file.seek(0, Deno.SeekMode.Start);
            await writeAll(file, bytes);
            await file.truncate(bytes.length);
          }),
        release: () => file.close(),
      };
    });
  }

  async openDatabase(path: string, options: DatabaseOptions): Promise<Database> {
    // Loaded on demand: a `node:` import slows down every start.
    return (await import("./sqlite.ts")).openSqlite(path, options);
  }

  watch(directories: readonly string[], onPath: (path: string | null) => void): () => void {
    try {
      const watcher = Deno.watchFs([...directories], { recursive: false });
      void reportPaths(watcher, onPath);
      return () => watcher.close();
    } catch (error) {
      // Deno adds a list of paths.
      const why = reason(error).replace(/\.? about \[.*$/s, "");
      const message = `Cannot watch ${plural(directories.length, "directory", "directories")}`;
      throw new TractestError("watch", `${message}: ${why}`, EXIT.preflight);
    }
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

async function reportPaths(
  watcher: Deno.FsWatcher,
  onPath: (path: string | null) => void,
): Promise<void> {
  try {
    for await (const { kind, paths, flag } of watcher) {
      if (kind === "access") continue;
      if (flag === "rescan" || paths.length === 0) onPath(null);
      for (const path of paths) onPath(path);
    }
  } catch {
    onPath(null);
  }
}

function kindOf(
  { isFile, isDirectory, isSymlink }: Pick<Deno.DirEntry, "isFile" | "isDirectory" | "isSymlink">,
): DirectoryEntry["kind"] {
  if (isSymlink) return "symlink";
  return isFile ? "file" : isDirectory ? "directory" : "other";
}

function statusOf(info: Deno.FileInfo): FileStatus {
  return {
    kind: info.isSocket ? "socket" : kindOf(info),
    size: info.size,
    modifiedMs: info.mtime?.getTime() ?? 0,
    device: info.dev,
    inode: info.ino ?? 0,
    uid: info.uid ?? -1,
    mode: (info.mode ?? 0) & 0o7777,
  };
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

function readTextSync(path: string): string {
  refuseSpecial(path);
  return Deno.readTextFileSync(path);
}

/** The device number of `/dev/null`, to which people link a file that is to stay empty. */
const DEV_NULL = 0x103;

/** Throws for a pipe, a device or a socket: reading one may block or never end. */
function refuseSpecial(path: string): Deno.FileInfo {
  const info = Deno.statSync(path);
  const { isFile, isDirectory, rdev } = info;
  if (!isFile && !isDirectory && rdev !== DEV_NULL) throw new Error("not a regular file");
  return info;
}

/** Whether there is a regular file or nothing at a path: opening anything else may block. */
function isPlain(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return isNothingThere(error);
  }
}
