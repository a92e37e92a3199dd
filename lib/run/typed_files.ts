import { dirname, resolve } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { PreflightError, UsageError } from "../errors.ts";
import type { Host, OpenPipe } from "../system/host.ts";
import { holdPipe } from "../system/programs/pipe_reader.ts";

/** What may be written over: a file of the same kind, told by how it begins. */
export interface Expected {
  /** As in `"notes.txt" is no XML`. */
  readonly kind: string;
  /** Whether this is how one begins. */
  readonly isOne: (head: string) => boolean;
  /** What to do where it would write over something else. */
  readonly otherwise?: string;
}

/** Bytes by which a file's kind is told. */
const HEAD = 64;

/**
 * The path of a file that was typed and is to be written: looked at before the work takes its time.
 * A pipe or a device is fine.
 *
 * @throws {UsageError} if nothing can be written there, or if something else would be written over
 */
export async function outputPath(
  host: Host,
  typed: string,
  { kind, isOne, otherwise }: Expected,
): Promise<string> {
  const path = resolve(host.cwd, typed);
  const status = await host.files.stat(path);
  const directory = dirname(path);
  // Deno may look at /dev/null and its like, not at /dev.
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
      `"${typed}" is no ${kind} and would be overwritten`,
      otherwise ?? "name another file, or remove it",
    );
  }
  return path;
}

/**
 * The content of a file that was typed and is to be read.
 *
 * @param hint what such a file is
 * @throws {UsageError} for a directory, or if there is none
 */
export async function readTyped(host: Host, typed: string, hint: string): Promise<Uint8Array> {
  const path = resolve(host.cwd, typed);
  const status = await host.files.stat(path);
  if (status?.kind === "directory") {
    throw new UsageError(`Cannot read "${typed}": it is a directory`, hint);
  }
  if (status !== null && status.kind !== "file") {
    throw new UsageError(`Cannot read "${typed}": it is no regular file`, hint);
  }
  const bytes = await host.files.readFile(path);
  if (bytes === null) throw new UsageError(`"${typed}" does not exist`, hint);
  return bytes;
}

/** Read by whoever collects the files of a CI job. */
const MODE = 0o644;

/**
 * Writes a file that was typed, in one step and readable for all. A pipe or a device is written to
 * as it is, and stays what it is.
 */
export async function writeTyped(host: Host, path: string, text: string): Promise<void> {
  if (await isReplaced(host, path)) return await host.files.writeFile(path, text, MODE);
  const pipe = await TypedPipe.open(host, path);
  await pipe.write(text);
  pipe.close();
}

/**
 * Whether what is written to a path that was typed takes the place of what is there: not where that
 * is a pipe or a device.
 */
export async function isReplaced(host: Host, path: string): Promise<boolean> {
  const status = await host.files.stat(path);
  return status === null || status.kind === "file";
}

/** Milliseconds that the reader of a pipe may take to come, and to make room. */
const READER_MS = 10_000;

/**
 * A pipe or a device that was typed. It stays open: its reader takes the first close for the end.
 */
export class TypedPipe {
  private constructor(
    private readonly host: Host,
    private readonly path: string,
    private readonly pipe: OpenPipe,
  ) {}

  /**
   * Opens it.
   *
   * @throws {PreflightError} if nobody reads it
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
      `Cannot write "${path}": nobody reads this pipe`,
      `start its reader first: ${shellCommand(["cat", path])}`,
    );
  }

  /**
   * Writes all of the text.
   *
   * @throws {PreflightError} if its reader does not read on
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
    throw new PreflightError(
      "no-reader",
      `Cannot write "${this.path}": its reader stopped reading`,
    );
  }

  close(): void {
    this.pipe.close();
  }
}
