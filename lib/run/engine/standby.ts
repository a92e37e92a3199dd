import type { Control } from "./control.ts";
import type { Distributor } from "./distributor.ts";
import type { Queue } from "./queue.ts";
import type { SessionRunner } from "./session_runner.ts";

/** The parts of the engine that a {@linkcode Standby} needs. */
export interface StandbyParts {
  readonly control: Control;
  readonly distributor: Distributor;
  readonly sessions: SessionRunner;
}

/**
 * A pytest for retries that starts and collects while other sessions still run their last tests. It
 * waits at an empty queue, and so runs no test before it is given some.
 */
export class Standby {
  readonly #tests: ReadonlySet<string>;
  readonly #queue: Promise<Queue | null>;
  readonly #ended: Promise<unknown>;

  /**
   * @param shard the number of the shard whose place it takes
   * @param tests those that it may be given
   */
  constructor(private readonly parts: StandbyParts, shard: number, tests: readonly string[]) {
    const { distributor, sessions } = parts;
    this.#tests = new Set(tests);
    this.#queue = distributor.emptyQueue();
    this.#ended = this.#queue.then(async (queue) => {
      if (queue !== null) await sessions.run({ purpose: "retry", tests }, queue, shard);
    });
    // It may fail long before it is awaited.
    this.#ended.catch(() => {});
  }

  /** Whether it has collected a test. */
  knows(id: string): boolean {
    return this.#tests.has(id);
  }

  /** Runs these tests, and ends. */
  async run(ids: readonly string[]): Promise<void> {
    const queue = await this.#queue;
    if (queue === null) return;
    const isFilled = await this.parts.distributor.fillWith(queue, ids.map((id) => [id])) !== null;
    await (isFilled ? this.#ended : this.end());
  }

  /** Ends it without a test. */
  async end(): Promise<void> {
    const queue = await this.#queue;
    // Where not even an empty file can be made, its process is ended; no other runs by now.
    const kill = () => Promise.all([...this.parts.control.sessions].map((one) => one.end()));
    await queue?.stop().catch(kill);
    await this.#ended;
  }
}
