import type { Group } from "../../pytest/work.ts";
import type { Control } from "./control.ts";
import type { Distributor } from "./distributor.ts";
import type { EndedTest } from "./ended_test.ts";
import type { Queue } from "./queue.ts";
import type { SessionRunner } from "./session_runner.ts";

/** The parts of the engine that a {@linkcode Standby} needs. */
export interface StandbyParts {
  readonly control: Control;
  readonly distributor: Distributor;
  readonly sessions: SessionRunner;
}

/** What a {@linkcode Standby} is started for. */
export interface StandbyKind {
  readonly purpose: "alone" | "retry";
  /** The tests that it may be given. */
  readonly tests: readonly string[];
}

/**
 * A pytest that starts and collects while other sessions still run their last tests. It waits at an
 * empty queue, and so runs no test before it is given some.
 */
export class Standby {
  /** Resolves when it is over, with the test in which it ended, if any. */
  readonly ended: Promise<EndedTest | null>;
  readonly #tests: ReadonlySet<string>;
  readonly #queue: Promise<Queue | null>;

  /** @param shard the number of the shard whose place it takes */
  constructor(private readonly parts: StandbyParts, kind: StandbyKind, shard: number) {
    const { distributor, sessions } = parts;
    this.#tests = new Set(kind.tests);
    this.#queue = distributor.emptyQueue();
    this.ended = this.#queue.then((queue) => queue && sessions.run(kind, queue, shard));
    // It may fail long before it is awaited.
    this.ended.catch(() => {});
  }

  /** Whether it has collected a test. */
  knows(id: string): boolean {
    return this.#tests.has(id);
  }

  /** Gives it these tests, after which it ends. Returns its queue; null if the disk fails. */
  async give(groups: readonly Group[]): Promise<Queue | null> {
    const queue = await this.#queue;
    const filled = queue && await this.parts.distributor.fillWith(queue, groups);
    if (filled === null) await this.end();
    return filled;
  }

  /** Ends it without a test. */
  async end(): Promise<void> {
    const queue = await this.#queue;
    // Where not even an empty file can be made, its process is ended; no other runs by now.
    const kill = () => Promise.all([...this.parts.control.sessions].map((one) => one.end()));
    await queue?.stop().catch(kill);
    await this.ended;
  }
}
