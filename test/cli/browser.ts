/** A headless Chromium, controlled through its own protocol. */
export class Browser implements AsyncDisposable {
  readonly events: { readonly method: string; readonly params: Record<string, unknown> }[] = [];
  #next = 1;
  #waiting = new Map<
    number,
    { done: (value: Record<string, unknown>) => void; failed: (error: Error) => void }
  >();
  #session: string | undefined;

  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
  ) {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      const waiting = this.#waiting.get(message.id);
      if (!waiting) this.events.push(message);
      else if (message.error) waiting.failed(new Error(message.error.message));
      else waiting.done(message.result);
      this.#waiting.delete(message.id);
    };
  }

  /** Starts it with a page of its own. */
  static async start(program: string): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "tractest-browser-" });
    const quiet = [
      "quic",
      "gpu",
      "background-networking",
      "component-update",
      "sync",
      "dev-shm-usage",
    ].map((name) => `--disable-${name}`);
    const args = [
      "--headless",
      "--no-sandbox",
      "--no-first-run",
      ...quiet,
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ];
    const child = new Deno.Command(program, {
      args,
      env: { HOME: profile },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const socket = new WebSocket(await addressIn(child.stderr));
    await new Promise<void>((done, failed) => {
      socket.onopen = () => done();
      socket.onerror = () => failed(new Error("the browser does not answer"));
    });
    const browser = new Browser(child, socket, profile);
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    browser.#session = (await browser.send("Target.attachToTarget", { targetId, flatten: true }))
      .sessionId as string;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) {
      await browser.send(`${domain}.enable`);
    }
    return browser;
  }

  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#next++;
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    });
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    return (result as { value: T }).value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.socket.onclose = done);
    this.#session = undefined;
    await this.send("Browser.close").catch(() => {});
    await Promise.all([this.child.status, closed]);
    await Deno.remove(this.profile, { recursive: true }).catch(() => {});
  }
}

/** The address on which it listens, from its output; other output is dropped. */
async function addressIn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the browser did not start:\n${text}`);
    text += value;
    const [, address] = /DevTools listening on (ws:\S+)/.exec(text) ?? [];
    if (address === undefined) continue;
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return address;
  }
}
