import type { Output, Terminal } from "./host.ts";

/** The one {@linkcode Terminal} that is real. */
export class RealTerminal implements Terminal {
  readonly stdout: Output = new StreamOutput(Deno.stdout);
  readonly stderr: Output = new StreamOutput(Deno.stderr);
  /** Who gets the keys; null while nobody does. */
  #onKey: ((key: string) => void) | null = null;
  #keysAreRead = false;

  get stdinIsTerminal(): boolean {
    return Deno.stdin.isTerminal();
  }

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
      for (
        let count = await Deno.stdin.read(buffer);
        count !== null && this.#onKey;
        count = await Deno.stdin.read(buffer)
      ) {
        for (const key of new TextDecoder().decode(buffer.subarray(0, count))) this.#onKey(key);
      }
    } catch {
      // The terminal went away.
    }
    this.#keysAreRead = false;
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
      // A pipe that nobody fills up for (non-blocking, EAGAIN) is tried again; any other failure
      // means that nobody listens.
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
