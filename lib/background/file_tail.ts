import type { Host } from "../system/host.ts";

/** Bytes that one look takes at most. */
const CHUNK = 256 * 1024;

/** Reads a file that grows, from where the last look ended. */
export class FileTail {
  /** The look before: two at once would read the same bytes. */
  #reading: Promise<unknown> = Promise.resolve();

  /** @param offset the byte at which the first look begins */
  constructor(private readonly host: Host, private readonly path: string, public offset = 0) {}

  /**
   * What has come since the last look, as much as one look takes; empty when there is nothing new.
   */
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

  /** Bytes that the file has now. */
  async size(): Promise<number> {
    return (await this.host.files.stat(this.path))?.size ?? 0;
  }
}
