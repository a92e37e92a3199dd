import { EventReader, EVENTS_SCHEMA, type PytestEvent } from "../pytest/events.ts";
import type { TestResult } from "../pytest/results.ts";
import { RunModel } from "../pytest/run_model.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { eventsOf } from "../background/read_events.ts";
import { FileTail } from "../background/file_tail.ts";

/** Receives whole lines of events as they arrive. */
export type EventSink = (lines: readonly string[]) => Promise<void> | void;
/** Receives an event, and the test whose result it changed; null if it changed none. */
export type EventListener = (event: PytestEvent, test: TestResult | null) => void;
/** An event of tractest, without its time. */
export type OwnEvent = PytestEvent extends infer Event
  ? Event extends PytestEvent ? Omit<Event, "time"> : never
  : never;

/**
 * The events of a run: its pytests and tractest itself add lines to one file, which is read back as
 * it grows.
 */
export class EventLog {
  /** The model of the run, from all events so far. */
  readonly run = new RunModel();
  readonly #tail: FileTail;
  readonly #reader = new EventReader();
  readonly #listeners = new Set<EventListener>();
  #isCut = false;
  /** The previous poll: two at once would read the same lines twice. */
  #polling: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly host: Host,
    readonly path: string,
    private readonly sink: EventSink | null,
  ) {
    this.#tail = new FileTail(host, path);
  }

  /** Makes the file of events in the directory of a run. */
  static async open(host: Host, directory: string, sink: EventSink | null): Promise<EventLog> {
    const path = eventsOf(directory);
    await host.files.createFile(path, "");
    return new EventLog(host, path, sink);
  }

  /** Calls the listener for every event from now on; the returned function stops that. */
  on(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Adds an event of tractest to the file; listeners receive it when it is read back, in order. If
   * it can't be written, the run continues: they receive it at once, and {@linkcode EventLog.isCut}
   * is set.
   */
  async append(event: OwnEvent): Promise<void> {
    const stamped = { time: Math.round(this.host.clock.now()) / 1000, ...event };
    try {
      const line = JSON.stringify({ schema: EVENTS_SCHEMA, ...stamped });
      await this.host.files.appendFile(this.path, `${line}\n`);
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      this.#isCut = true;
      // A missing end is no sign of a crash if the disk may not have taken the end.
      if (event.event !== "crash") this.#apply(stamped);
    }
  }

  /** Whether an event could not be written: pytest's events may be missing too. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Reads new events, up to a limit, and passes them on. Returns whether there were any. */
  poll(): Promise<boolean> {
    const poll = this.#polling.then(() => this.#read());
    this.#polling = poll.catch(() => false);
    return poll;
  }

  async #read(): Promise<boolean> {
    const bytes = await this.#tail.read();
    if (bytes.length === 0) return false;
    const { lines, events } = this.#reader.read(bytes);
    for (const event of events) this.#apply(event);
    if (lines.length > 0) await this.sink?.(lines);
    return true;
  }

  #apply(event: PytestEvent): void {
    const test = this.run.apply(event);
    for (const listener of this.#listeners) listener(event, test);
  }

  /** Passes on the events written so far: a leaked process may never stop writing. */
  async drain(): Promise<void> {
    await this.#polling;
    const size = await this.#tail.size();
    while (this.#tail.offset < size) if (!await this.poll()) break;
  }
}
