import type { Outcome } from "./tractest.ts";

/** How to start a program that is watched while it runs. */
export interface StartOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A program that runs: read its output while it does. */
export class Running {
  stdout = "";
  stderr = "";
  readonly child: Deno.ChildProcess;
  /** Resolves when it ended and all of its output has come. */
  readonly ended: Promise<Outcome>;
  #waiting: (() => void)[] = [];

  constructor([program, ...args]: readonly string[], { cwd, env }: StartOptions) {
    const child = new Deno.Command(program!, { args, cwd, env, clearEnv: true, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
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
      for (const look of this.#waiting) look();
    }
    for (const look of this.#waiting) look();
  }

  /** Writes to its standard input and leaves that open. */
  async type(text: string): Promise<void> {
    const writer = this.child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  /** Resolves as soon as the text stands in its output; throws if it ends without. */
  async until(text: string, times = 1): Promise<void> {
    let over = false;
    void this.ended.then(() => over = true);
    const count = () => (this.stdout + this.stderr).split(text).length - 1;
    while (count() < times) {
      if (over) throw new Error(`it ended without ${JSON.stringify(text)}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((done) => {
        this.#waiting.push(done);
        void this.ended.then(() => done());
      });
      this.#waiting = [];
    }
  }
}
