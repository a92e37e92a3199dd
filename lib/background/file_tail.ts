import type { Host } from "../system/host.ts";

/** Bytes of one read, at most. */
const CHUNK = 256 * 1024;

/** Reads a file that grows, each time from where the last read ended. */
export class FileTail {
  /** The last read: two at once would return the same bytes. */
  #reading: Promise<unknown> = Promise.resolve();

  /** @param offset the byte at which the first read begins */
  constructor(private readonly host: Host, private readonly path: string, public offset = 0) {}

  /** The next new bytes, up to a limit; empty if there are none. */
  read(): Promise<Uint8Array> {
    const read = this.#reading.then(() => this.#read());
    this.#reading = read.catch(() => null);
    return read;
  }

  async #read(): Promise<Uint8Array> {
    const bytes = await this.host.files.readFrom(this.path, this.offset, CHUNK) ?? new Uint8Array();
    this.offset += bytes.length;
    return bytes;
  }

  /** The size of the file now, in bytes. */
  async size(): Promise<number> {
    return (await this.host.files.stat(this.path))?.size ?? 0;
  }
}
