import { join } from "@std/path";
import { TractestError } from "../../errors.ts";
import type { Group, Item } from "../../pytest/work.ts";
import type { Host } from "../../system/host.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { EngineRequest } from "./engine_request.ts";
import { singleBlock } from "../blocks.ts";
import { Queue } from "./queue.ts";
import type { RunProgress } from "./run_progress.ts";
import { say } from "./show.ts";

/** Ids in one event. */
const IDS_PER_EVENT = 500;

/** Distributes the tests of a run to its sessions, through one queue after another. */
export class Distributor {
  /** The queue that the sessions share now; null: pytest runs what it collects. */
  queue: Queue | null = null;
  /** The last session takes every remaining test, also those that run alone. */
  isLast = false;
  /** Hands out the tests that run isolated although others don't; else the others. */
  isIsolated = false;
  /** Whether the log names the tests that will run. */
  isAnnounced = false;
  /** The tests collected by the first session, from which the plan is made. */
  #offered: ReadonlySet<string> | null = null;
  #created = 0;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: EngineRequest,
    private readonly progress: RunProgress,
  ) {}

  /** Whether a test runs isolated although others don't. */
  runsIsolated(id: string): boolean {
    return this.request.plan.runsIsolated?.(id) ?? false;
  }

  /** Makes an empty queue, which is filled once a session has collected the tests. */
  async newQueue(): Promise<Queue> {
    const directory = join(this.request.scene.directory, `queue-${this.#created++}`);
    return await Queue.create(this.host, directory);
  }

  /** Makes an empty queue; null if the disk fails. */
  async emptyQueue(): Promise<Queue | null> {
    return await this.#unlessDiskFails(this.newQueue());
  }

  /** Makes a queue for the remaining tests the current one; null if the disk fails. */
  async renew(): Promise<Queue | null> {
    return this.queue = await this.emptyQueue();
  }

  /** Makes a queue of these groups; null if the disk fails. */
  async queueOf(groups: readonly Group[]): Promise<Queue | null> {
    const queue = await this.emptyQueue();
    return queue && await this.fillWith(queue, groups);
  }

  /** Fills a queue with these groups; null if the disk fails. */
  async fillWith(queue: Queue, groups: readonly Group[]): Promise<Queue | null> {
    return await this.#unlessDiskFails(queue.fill(groups.map(singleBlock)).then(() => queue));
  }

  /** Fills the current queue with the tests that a session has collected. */
  async fill(items: readonly Item[]): Promise<void> {
    const { queue, progress } = this;
    const { order, jobs, runsAlone, blocks } = this.request.plan;
    const isNow = (id: string) => this.runsIsolated(id) === this.isIsolated;
    if (queue === null || queue.isFilled) return;
    queue.isFilled = true;
    try {
      this.#offered ??= new Set(items.map((item) => item.id));
      progress.groups ??= await order?.(items) ?? [items.map((item) => item.id)];
      const isShared = jobs > 1 && !this.isLast;
      const rest = progress.groups.map((group) =>
        progress.run.restOf(group).filter((id) => isNow(id) && (!isShared || !runsAlone(id)))
      );
      await this.#announce(progress.planned);
      const left = rest.filter((group) => group.length > 0);
      await queue.fill(isShared ? blocks(left) : left.map(singleBlock));
    } catch (error) {
      progress.failure ??= { error };
      await queue.stop();
    }
  }

  /** Tests in the order in which pytest collected them. */
  asCollected(ids: readonly string[]): string[] {
    const wanted = new Set(ids);
    const collected = [...this.#offered ?? []].filter((id) => wanted.delete(id));
    return [...collected, ...wanted];
  }

  /** Puts the tests that a session claimed but did not run back into its queue. */
  async takeBack(queue: Queue, session: string): Promise<void> {
    const left = this.progress.run.leftoverOf(session, (index) => queue.group(index));
    await this.#unlessDiskFails(queue.add(left));
  }

  /** Tests that some of these sessions collected, but not the one used for the plan. */
  unplannedIn(sessions: readonly string[]): string[] {
    const { progress } = this;
    const offered = this.#offered;
    if (offered === null || progress.reachedMaxFail || !progress.mayContinue) return [];
    const items = sessions.flatMap((session) => progress.run.session(session).items ?? []);
    return [...new Set(items.map(({ id }) => id))].filter((id) => !offered.has(id));
  }

  /** Names the tests in the log: pytest does so only where it has no queue. */
  async #announce(ids: readonly string[]): Promise<void> {
    if (this.isAnnounced) return;
    this.isAnnounced = true;
    for (let start = 0; start < ids.length; start += IDS_PER_EVENT) {
      const event = { event: "tests", ids: ids.slice(start, start + IDS_PER_EVENT) } as const;
      await this.request.scene.log.append(event);
    }
  }

  /** If the disk fails, the run starts nothing more, and the results so far count. */
  async #unlessDiskFails<Made>(making: Promise<Made>): Promise<Made | null> {
    try {
      return await making;
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      if (!this.progress.diskFailed) this.printer.warn(say.diskFailed(error.message));
      this.progress.diskFailed = true;
      return null;
    }
  }
}
