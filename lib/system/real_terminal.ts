import { reason } from "./failures.ts";
import type { Output, Terminal } from "./host.ts";

/** The {@linkcode Terminal} of this process. */
export class RealTerminal implements Terminal {
  readonly stdout: Output = new StreamOutput(Deno.stdout);
  readonly stderr: Output = new StreamOutput(Deno.stderr);
  /** Receives the keys; null while they are not wanted. */
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
        // The terminal is gone, so there is nothing to restore.
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
      // A pending read can't be cancelled: it may return when keys are no longer wanted.
      for (;;) {
        const count = await Deno.stdin.read(buffer);
        if (count === null || !this.#onKey) break;
        for (const key of new TextDecoder().decode(buffer.subarray(0, count))) this.#onKey(key);
      }
    } catch {
      // The terminal went away.
    }
    this.#keysAreRead = false;
  }
}

/** A standard stream. */
class StreamOutput implements Output {
  #stream: typeof Deno.stdout;
  #broken = false;
  failure: string | null = null;

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
      // A full non-blocking pipe (EAGAIN) is tried again; any other failure means that the reader
      // is gone.
      if (error instanceof Deno.errors.WouldBlock) return this.write(rest);
      this.#broken = true;
      if (!(error instanceof Deno.errors.BrokenPipe)) this.failure = reason(error);
    }
  }
}

/** Size of the terminal, 0 where it was never set; null without a terminal. */
function size(): { columns: number; rows: number } | null {
  try {
    return Deno.consoleSize();
  } catch {
    return null;
  }
}
