import type { Change } from "../affected/affected_targets.ts";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { wordsOf } from "../command_line/parse.ts";
import type { CommandLine } from "../command_line/parsed_line.ts";
import { TractestError } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { testTree } from "../project/targets.ts";
import { Keyboard } from "../run/keyboard.ts";
import { onEndingSignal } from "../system/ending_signals.ts";
import { ENDING_SIGNALS, type EndingSignal, EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { FileChanges } from "./file_changes.ts";
import { isTarget, planOf } from "./plan.ts";
import { isAnswer, joined, WrittenByTests } from "./rules.ts";
import { type Moment, say, showBeginning, showPlan, showTitle, showWaiting } from "./show.ts";
import { OWN_OPTIONS, type WatchOptions } from "./watch_options.ts";
import { atTerminal } from "../terminal/at_terminal.ts";
import { WatchedRun } from "./watched_run.ts";
import type { Plan, Wish } from "./wish.ts";

/** Something that `watch` reacts to. */
type Event =
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "signal" }
  | { readonly kind: "ended"; readonly code: ExitCode };

/** Milliseconds after a run in which what its tests started may still write. */
const JUST_OVER_MS = 2_000;

/** What runs first. */
const AT_START: Wish = { kind: "affected", changes: "uncommitted" };

/** What a key asks for. */
const WISHES: Readonly<Record<string, Wish>> = {
  "\n": { kind: "all" },
  "\r": { kind: "all" },
  f: { kind: "failed" },
  a: { kind: "affected", changes: "branch" },
};

/** Runs tests when files change or keys ask for it, until a key or a signal ends it. */
export class WatchLoop {
  readonly #events: Event[] = [];
  #wake: () => void = () => {};
  readonly #written = new WrittenByTests();
  /** What changed and was not tested yet. */
  #pending: readonly Change[] = [];
  /** What had changed when the last run started. */
  #tested: readonly Change[] = [];
  /** Files that changed during the run, and may start another one after it. */
  #afterwards: readonly Change[] = [];
  #running: WatchedRun | null = null;
  #last: Wish = AT_START;
  /** What to run when the current run has ended. */
  #next: Wish | null = null;
  /** The exit code with which to end. */
  #end: ExitCode | null = null;
  #files: FileChanges | null = null;
  #keyboard: Keyboard | null = null;
  #wasRun = false;
  #endedAt = -Infinity;

  constructor(
    private readonly context: Context<WatchOptions>,
    private readonly project: Project,
  ) {}

  /** Watches until the end; returns the exit code. */
  async run(): Promise<ExitCode> {
    const { host, printer, line } = this.context;
    const stopTaking = onEndingSignal(host, (signal) => this.#onSignal(signal));
    try {
      this.#files = await FileChanges.begin(host, this.project.root, {
        poll: line.options.poll,
        onChanges: (changes) => this.#send({ kind: "changes", changes }),
        onPolling: (why) => this.#warn(why),
      });
      this.#openKeyboard();
      const { root } = this.project;
      showBeginning(printer, root, this.#files.count);
      if (this.#end !== null) return this.#end;
      if (this.project.top !== null) await this.#start(this.#last);
      else showWaiting(printer, null, this.#now());
      while (this.#end === null || this.#running !== null) await this.#handle(await this.#event());
      return this.#end;
    } finally {
      stopTaking();
      this.#keyboard?.close();
      this.#files?.close();
      await host.abandon();
    }
  }

  #warn(why: TractestError): void {
    const { host, printer } = this.context;
    printer.warn(escapeText(`${why.message}: ${say.polling}`));
    if (host.platform !== "linux") return;
    printer.hint(
      "sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512",
    );
  }

  get #hasKeys(): boolean {
    return this.context.host.terminal.stdinIsTerminal;
  }

  #openKeyboard(): void {
    if (!this.#hasKeys) return;
    this.#keyboard = new Keyboard(this.context.host, {
      onKey: (key) => this.#send({ kind: "key", key }),
      onStop: () => {},
      onContinue: () => {
        if (this.#running === null) showWaiting(this.context.printer, null, this.#now());
      },
    });
  }

  #send(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }

  async #event(): Promise<Event> {
    while (this.#events.length === 0) {
      await new Promise<void>((done) => this.#wake = done);
    }
    return this.#events.shift()!;
  }

  async #handle(event: Event): Promise<void> {
    if (event.kind === "ended") return await this.#onEnd(event.code);
    if (this.#end !== null || event.kind === "signal") return;
    if (event.kind === "key") return await this.#onKey(event.key);
    if (this.#running !== null) return await this.#onChangesDuring(event.changes);
    const changes = this.#isJustOver ? this.#notIgnored(event.changes) : event.changes;
    if (!this.#isJustOver) { for (const { path } of changes) this.#written.apart(path); }
    if (changes.length === 0) return;
    this.#pending = joined(this.#pending, changes);
    await this.#start({ kind: "changes" });
  }

  #onSignal(signal: EndingSignal): void {
    this.#end ??= ENDING_SIGNALS[signal];
    // Ctrl-C, Ctrl-\ and the end of a terminal reach the run without us. One that `kill` sends to
    // us alone does not, and is sent again.
    const isOfTerminal = signal !== "SIGTERM" && atTerminal(this.context.host.terminal);
    if (isOfTerminal && !this.#running?.isStopped) this.#running?.stoppedByTerminal();
    else this.#running?.stop();
    this.#send({ kind: "signal" });
  }

  async #onKey(key: string): Promise<void> {
    if (key === "q") {
      this.#end = EXIT.ok;
      this.#running?.stop();
      return;
    }
    const wish = key === "r" ? this.#last : WISHES[key];
    if (wish === undefined) return;
    if (key === "r") this.#pending = joined(this.#tested, this.#pending);
    if (this.#running === null) return await this.#start(wish);
    this.#next = wish;
    this.#running.stop();
  }

  /** Whether what changes now may have been written by something that tests started. */
  get #isJustOver(): boolean {
    return this.context.host.clock.monotonic() - this.#endedAt < JUST_OVER_MS;
  }

  /** The changes without those of files that tests write, which are named once. */
  #notIgnored(changes: readonly Change[]): Change[] {
    const isIgnored = ({ path }: Change) => this.#written.during(path) === "ignore";
    const ignored = changes.filter(isIgnored);
    const news = ignored.map(({ path }) => path).filter((path) => this.#written.isNews(path));
    if (news.length > 0) this.#aside(say.written(news));
    return changes.filter((change) => !ignored.includes(change));
  }

  /** Files changed during a run: those that tests write must not restart it forever. */
  async #onChangesDuring(changes: readonly Change[]): Promise<void> {
    const kept = this.#notIgnored(changes);
    this.#afterwards = joined(this.#afterwards, kept);
    const restart = kept.filter(({ path }) => this.#written.during(path) === "restart");
    if (this.#running === null || restart.length === 0 || this.#running.isStopped) return;
    const wish = { kind: "changes" } as const;
    const plan = await this.#plan(wish, restart);
    // Without affected tests the run is as good as before.
    if (plan instanceof TractestError || plan.targets?.length === 0) return;
    this.#aside(say.restarts(say.title(wish, restart)));
    // Neither delays what a person just changed, and the failed tests are part of that run.
    const givesWay = this.#last === AT_START || this.#last.kind === "failed";
    this.#next = givesWay ? wish : this.#last;
    this.#running.stop();
  }

  /** Says something while tests run: pytest may be in the middle of a line. */
  #aside(text: string): void {
    const { printer } = this.context;
    printer.note();
    printer.note(`── ${this.#now().time}  ${escapeText(text)}`);
  }

  async #onEnd(code: ExitCode): Promise<void> {
    const { printer } = this.context;
    const wasStopped = this.#running!.isStopped;
    this.#running = null;
    this.#endedAt = this.context.host.clock.monotonic();
    // Everything that tests wrote is read before what a person writes next.
    await this.#files!.settle();
    await this.#takeLateChanges();
    if (this.#end !== null) return;
    if (code === EXIT.usage && !this.#wasRun) return void (this.#end = code);
    this.#wasRun = true;
    if (!wasStopped && isAnswer(code) && this.#last.kind !== "failed") this.#pending = [];
    const late = this.#afterwards;
    this.#pending = joined(this.#pending, late);
    this.#afterwards = [];
    const next = this.#next ??
      (late.length > 0 && !wasStopped ? { kind: "changes" } as const : null);
    this.#next = null;
    if (next !== null) await this.#start(next, wasStopped ? null : code);
    else showWaiting(printer, code, this.#now());
  }

  /** The changes that were reported when the run ended are still those of the run. */
  async #takeLateChanges(): Promise<void> {
    const isLate = (event: Event) => event.kind === "changes";
    const late = this.#events.filter(isLate);
    const others = this.#events.filter((event) => !isLate(event));
    this.#events.splice(0, this.#events.length, ...others);
    for (const event of late) {
      if (event.kind === "changes") await this.#onChangesDuring(event.changes);
    }
  }

  #now(): Moment {
    const { host } = this.context;
    const time = new Date(host.clock.now()).toTimeString().slice(0, 8);
    return { time, hasKeys: this.#hasKeys, width: host.terminal.stderr.columns };
  }

  /** Plans a run, or returns why that failed. */
  async #plan(wish: Wish, changes: readonly Change[]): Promise<Plan | TractestError> {
    try {
      return await planOf(this.context, wish, changes);
    } catch (error) {
      if (error instanceof TractestError) return error;
      throw error;
    }
  }

  /** Starts a run, if there is something to run. */
  async #start(wish: Wish, before: ExitCode | null = null): Promise<void> {
    const { host, printer, line } = this.context;
    const { stdout } = host.terminal;
    const clears = line.options.clear && stdout.isTerminal;
    const showStart = () => showTitle(printer, say.title(wish, this.#pending), this.#now());
    if (!clears) showStart();
    const plan = await this.#plan(wish, this.#pending);
    const isRun = !(plan instanceof TractestError) && plan.targets?.length !== 0;
    // The last result stays as long as there is no other.
    if (clears && isRun) stdout.write("\x1b[2J\x1b[3J\x1b[H");
    if (clears) showStart();
    showPlan(printer, plan);
    // It does not come back: a directory that is made again is another one.
    if (plan instanceof TractestError && plan.code === "directory-gone") {
      this.#end = plan.exitCode;
      return;
    }
    if (!isRun) {
      if (wish.kind === "changes" && !(plan instanceof TractestError)) this.#pending = [];
      return showWaiting(printer, before, this.#now());
    }
    [this.#last, this.#tested] = [wish, this.#pending];
    this.#written.begin();
    const begin = await WatchedRun.prepare(host, await this.#words(plan));
    // A signal of the terminal that came before would not reach it.
    if (this.#end !== null) return;
    const run = this.#running = begin();
    void run.ended.then((code) => this.#send({ kind: "ended", code }));
  }

  /** The words of a run: the typed ones, with the planned targets instead of the typed. */
  async #words({ targets, words: more }: Plan): Promise<string[]> {
    const { host, line } = this.context;
    const { isolate: configured, notify } = this.project.configuration;
    const isOpen = configured === null && !line.has("isolate") && !line.has("no-isolate");
    // Whoever watches needs no announcement of each run.
    const isQuiet = notify &&
      !(line.words ?? []).some((item) => item.kind === "pytest" && item.words[0] === "--notify");
    const first = [...isOpen ? ["--isolate=auto"] : [], ...isQuiet ? ["--no-notify"] : []];
    if (targets === null) return wordsOf(line, OWN_OPTIONS, first);
    const tree = await testTree(host, this.project);
    const rest = (line.words ?? []).filter((item) => !isTarget(item, tree));
    // In front, where none can be read as the value of an option.
    const words = [
      ...targets.map((word) => ({ kind: "target", word }) as const),
      ...more.map((word) => ({ kind: "pytest", words: [word], settled: true }) as const),
      ...rest,
    ];
    return wordsOf({ ...line, words } as CommandLine, OWN_OPTIONS, first);
  }
}
