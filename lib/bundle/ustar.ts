/** A file of an archive. */
export interface ArchivedFile {
  /** Relative, with `/`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Bytes of a header, and the unit of all sizes. */
const BLOCK = 512;
/** Bytes that a header has for a name. */
const NAME_BYTES = 100;

/**
 * A tar archive (POSIX ustar) of files that only their owner may read. No header names a user.
 *
 * @param time seconds since the epoch, of all files
 */
export function tarOf(files: readonly ArchivedFile[], time: number): Uint8Array<ArrayBuffer> {
  const parts = files.flatMap(({ name, bytes }) => [
    headerOf(name, bytes.length, time),
    bytes,
    new Uint8Array((BLOCK - bytes.length % BLOCK) % BLOCK),
  ]);
  parts.push(new Uint8Array(2 * BLOCK));
  const archive = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

function headerOf(name: string, size: number, time: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (offset: number, text: string) =>
    void header.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  if (new TextEncoder().encode(name).length > NAME_BYTES) {
    throw new RangeError(`the name of an archived file is too long: ${name}`);
  }
  put(0, name);
  put(100, `${octal(0o600, 7)}\0`);
  put(108, `${octal(0, 7)}\0`);
  put(116, `${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(Math.floor(time), 11)}\0`);
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return header;
}

/** Compresses as gzip, without a name. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
