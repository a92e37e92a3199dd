import { dirname, resolve } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { PreflightError, UsageError } from "../errors.ts";
import type { Host, OpenPipe } from "../system/host.ts";
import { holdPipe } from "../system/programs/pipe_reader.ts";

/** The kind of file that may be overwritten, recognized by its beginning. */
export interface Expected {
  /** As in `"notes.txt": not a file of events`. */
  readonly kind: string;
  /** Whether a file that begins so is of this kind. */
  readonly isOne: (head: string) => boolean;
  /** The hint if the file is of another kind. */
  readonly otherwise?: string;
}

/** Bytes read to recognize a file's kind. */
const HEAD = 64;

/**
 * Resolves a typed output path and checks it before the run starts. A pipe or a device is fine.
 *
 * @throws {UsageError} if it can't be written, or if a file of another kind would be overwritten
 */
export async function outputPath(
  host: Host,
  typed: string,
  { kind, isOne, otherwise }: Expected,
): Promise<string> {
  const path = resolve(host.cwd, typed);
  const status = await host.files.stat(path);
  const directory = dirname(path);
  // Deno's permissions allow stat of /dev/null and the like, but not of /dev.
  if (status === null && (await host.files.stat(directory))?.kind !== "directory") {
    throw new UsageError(
      `Cannot write "${typed}": there is no directory "${directory}"`,
      shellCommand(["mkdir", "-p", directory]),
    );
  }
  if (status?.kind === "directory") {
    throw new UsageError(`Cannot write "${typed}": it is a directory`, "name a file in it");
  }
  const head = status?.kind === "file" ? await host.files.readFrom(path, 0, HEAD) : null;
  if (head && head.length > 0 && !isOne(new TextDecoder().decode(head))) {
    throw new UsageError(
      `Refusing to overwrite "${typed}": not ${kind}`,
      otherwise ?? "name another file, or remove it",
    );
  }
  return path;
}

/**
 * Reads a typed input file.
 *
 * @param hint which file the option takes
 * @throws {UsageError} if there is no such regular file
 */
export async function readTyped(host: Host, typed: string, hint: string): Promise<Uint8Array> {
  const path = resolve(host.cwd, typed);
  const status = await host.files.stat(path);
  if (status?.kind === "directory") {
    throw new UsageError(`Cannot read "${typed}": it is a directory`, hint);
  }
  if (status !== null && status.kind !== "file") {
    throw new UsageError(`Cannot read "${typed}": it is not a regular file`, hint);
  }
  const bytes = await host.files.readFile(path);
  if (bytes === null) throw new UsageError(`"${typed}" does not exist`, hint);
  return bytes;
}

/** Readable by the collector of a CI job's files, which may be another user. */
const MODE = 0o644;

/**
 * Writes a typed output file, in one step and readable by all. A pipe or a device is written to,
 * not replaced.
 */
export async function writeTyped(host: Host, path: string, text: string): Promise<void> {
  if (await isReplaced(host, path)) return await host.files.writeFile(path, text, MODE);
  const pipe = await TypedPipe.open(host, path);
  await pipe.write(text);
  pipe.close();
}

/**
 * Writes what `--output -` asks for. A reader that went away wanted no more.
 *
 * @throws {PreflightError} if it got lost, as on a full disk
 */
export function writeToStdout({ terminal: { stdout } }: Host, data: string | Uint8Array): void {
  stdout.write(data);
  if (stdout.failure === null) return;
  const message = `Cannot write to standard output: ${stdout.failure}`;
  throw new PreflightError("stdout", message, "send it to another place");
}

/** Whether writing replaces what is there: it does not for a pipe or a device. */
export async function isReplaced(host: Host, path: string): Promise<boolean> {
  const status = await host.files.stat(path);
  return status === null || status.kind === "file";
}

/** Milliseconds to wait for the reader of a pipe, to open it and to make room. */
const READER_MS = 10_000;

/** A typed pipe or device. It stays open: for its reader the first close is the end. */
export class TypedPipe {
  private constructor(
    private readonly host: Host,
    private readonly path: string,
    private readonly pipe: OpenPipe,
  ) {}

  /**
   * Opens it.
   *
   * @throws {PreflightError} if it has no reader
   */
  static async open(host: Host, path: string): Promise<TypedPipe> {
    const isPipe = (await host.files.stat(path))?.kind === "other";
    const held = isPipe && host.build().kind === "compiled"
      ? await holdPipe(host, path, READER_MS)
      : undefined;
    const pipe = held === null ? null : await host.files.openPipe(path, READER_MS);
    await held?.release();
    if (pipe !== null) return new TypedPipe(host, path, pipe);
    throw new PreflightError(
      "no-reader",
      `Cannot write "${path}": this pipe has no reader`,
      `start its reader first: ${shellCommand(["cat", path])}`,
    );
  }

  /**
   * Writes all of the text.
   *
   * @throws {PreflightError} if its reader stopped reading
   */
  async write(text: string): Promise<void> {
    const tooLong = new AbortController();
    const writing = this.pipe.write(text).then(() => true);
    const isWritten = await Promise.race([
      writing,
      this.host.clock.sleep(READER_MS, tooLong.signal).then(() => false),
    ]).finally(() => tooLong.abort());
    if (isWritten) return;
    writing.catch(() => {});
    const message = `Cannot write "${this.path}": its reader stopped reading`;
    throw new PreflightError("no-reader", message);
  }

  close(): void {
    this.pipe.close();
  }
}
