import type { Outcome } from "./tractest.ts";

/** How to start a program that is watched while it runs. */
export interface StartOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds within which a program must print what a test waits for. */
const PATIENCE_MS = 60_000;

/** A program that runs: read its output while it does. */
export class Running {
  stdout = "";
  stderr = "";
  readonly child: Deno.ChildProcess;
  /** Resolves when it ended and all of its output has come. */
  readonly ended: Promise<Outcome>;
  #waiting: (() => void)[] = [];

  constructor([program, ...args]: readonly string[], { cwd, env }: StartOptions) {
    const child = new Deno.Command(program!, {
      args,
      cwd,
      env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.child = child;
    const reading = Promise.all([
      this.#read(child.stdout, (text) => this.stdout += text),
      this.#read(child.stderr, (text) => this.stderr += text),
    ]);
    this.ended = (async () => {
      const { code } = await child.status;
      await reading;
      return { code, stdout: this.stdout, stderr: this.stderr };
    })();
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      add(decoder.decode(bytes, { stream: true }));
      for (const wake of this.#waiting) wake();
    }
    for (const wake of this.#waiting) wake();
  }

  /** Writes to its standard input and leaves that open. */
  async type(text: string): Promise<void> {
    const writer = this.child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  /**
   * Resolves once its output contains the text; throws if it ends without that, or takes too long.
   */
  async until(text: string): Promise<void> {
    let over: string | null = null;
    const timer = setTimeout(() => {
      over = "it took too long to say";
      for (const wake of this.#waiting) wake();
    }, PATIENCE_MS);
    void this.ended.then(() => over = "it ended without");
    while (!(this.stdout + this.stderr).includes(text)) {
      if (over !== null) {
        clearTimeout(timer);
        throw new Error(`${over} ${JSON.stringify(text)}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((done) => {
        this.#waiting.push(done);
        void this.ended.then(() => done());
      });
      this.#waiting = [];
    }
    clearTimeout(timer);
  }

  /** Resolves when more of its output has come; throws if it has ended. */
  async more(): Promise<void> {
    let over = false;
    const next = new Promise<void>((done) => this.#waiting.push(done));
    await Promise.race([next, this.ended.then(() => over = true)]);
    if (over) throw new Error(`it ended:\n${this.stdout}\n${this.stderr}`);
  }

  /**
   * Types a line repeatedly until its output contains the text: a terminal drops keys that come
   * around a signal.
   */
  async typeUntil(line: string, text: string): Promise<void> {
    for (
      const deadline = performance.now() + PATIENCE_MS;
      !(this.stdout + this.stderr).includes(text);
    ) {
      if (performance.now() > deadline) {
        throw new Error(`it never said ${JSON.stringify(text)}:\n${this.stdout}\n${this.stderr}`);
      }
      await this.type(line);
      await new Promise((done) => setTimeout(done, 200));
    }
  }

  /** Ends it if it is still running, as after a failed test. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended;
    await this.child.stdin.close().catch(() => {});
  }
}
