import { ensureDirSync } from "@std/fs";
import { dirname, resolve } from "@std/path";
import type {
  Clock,
  ConnectOutcome,
  Database,
  DatabaseOptions,
  DirectoryEntry,
  FileLock,
  Files,
  FileStatus,
  OpenPipe,
} from "./host.ts";
import { isNothingThere, orNull, orThrow, systemFailure } from "./failures.ts";
import { openLocked } from "./file_lock.ts";

/** Directories of a tree that are read before others get their turn. */
const WALKED_AT_ONCE = 4;

/** The one {@linkcode Files} that is the file system. */
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

  // Small reads are done at once: handing one to a thread and back takes several times as long as
  // the read itself.
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
      throw systemFailure("read", path, error);
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
        const kind = entry.isFile
          ? "file"
          : entry.isDirectory
          ? "directory"
          : entry.isSymlink
          ? "symlink"
          : "other";
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

  // Whole directories at once: an iterator that is asked for each entry takes several times as
  // long.
  async *walk(
    directory: string,
    extensions: readonly string[],
    skip: readonly string[],
  ): AsyncIterable<string> {
    const suffixes = extensions.map((extension) => `.${extension}`);
    const directories = [resolve(directory)];
    let count = 0;
    for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
      // Directories are read at once: what runs beside could not go on in a large tree, for nobody
      // would take what it says.
      if (++count % WALKED_AT_ONCE === 0) await Deno.lstat(below).catch(() => {});
      for (const entry of await this.readDirectory(below) ?? []) {
        const path = `${below}/${entry.name}`;
        if (entry.kind === "directory" && !skip.includes(entry.name)) directories.push(path);
        else if (
          entry.kind !== "directory" && suffixes.some((suffix) => entry.name.endsWith(suffix))
        ) yield path;
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
      const temporary = `${path}.${Deno.pid}.${this.#written++}.tmp`;
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
      for (let rest = bytes; rest.length > 0;) {
        rest = rest.subarray(plain ? file.writeSync(rest) : await file.write(rest));
      }
    });
  }

  async openPipe(path: string, waitMs: number): Promise<OpenPipe | null> {
    const opening = orThrow("write", path, () => Deno.open(path, { append: true }));
    const tooLong = new AbortController();
    const file = await Promise.race([
      opening,
      this.#clock.sleep(waitMs, tooLong.signal).then(() => null),
    ]).finally(() => tooLong.abort());
    if (file === null) {
      // A reader may come yet.
      opening.then((late) => late.close(), () => {});
      return null;
    }
    return {
      write: (text) =>
        orThrow("write", path, async () => {
          for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
            rest = rest.subarray(await file.write(rest));
          }
        }),
      close: () => file.close(),
    };
  }

  async makeTemporaryDirectory(): Promise<string> {
    const path = await orThrow(
      "make a directory in",
      "the directory for temporary files",
      () => Deno.makeTempDir({ prefix: "tractest-" }),
    );
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
    // Loaded only where there is something to be read or written: `node:` imports cost every start
    // that has one.
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

function statusOf(info: Deno.FileInfo): FileStatus {
  const kind = info.isSymlink
    ? "symlink"
    : info.isFile
    ? "file"
    : info.isDirectory
    ? "directory"
    : info.isSocket
    ? "socket"
    : "other";
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

/** The number of `/dev/null`, which somebody may put in the place of a file that is to be empty. */
const DEV_NULL = 0x103;

/** Throws for what would be read for ever, or waited for: a pipe, a device, a socket. */
function refuseSpecial(path: string): void {
  const { isFile, isDirectory, rdev } = Deno.statSync(path);
  if (!isFile && !isDirectory && rdev !== DEV_NULL) throw new Error("it is no regular file");
}

/**
 * Whether a path is that of a plain file, or of nothing yet: another kind may block whoever opens
 * it.
 */
function isPlain(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return isNothingThere(error);
  }
}
