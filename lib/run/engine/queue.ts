import { join } from "@std/path";
import type { Group } from "../../pytest/work.ts";
import type { Host } from "../../system/host.ts";

/**
 * The order of tests, handed out to the sessions that share it: a session claims one group after
 * another, so that an idle one takes from the rest. The embedded plugin is the other side of it.
 */
export class Queue {
  readonly #groups: Group[] = [];
  readonly #file: string;

  private constructor(
    private readonly host: Host,
    /** A private directory. */ readonly directory: string,
  ) {
    this.#file = join(directory, "groups.jsonl");
  }

  /**
   * Makes an empty queue: sessions that join it wait until it is {@linkcode fill}ed. The counter of
   * what was claimed is written at once: on a full disk a directory can still be made, and a
   * session in it would wait for ever.
   */
  static async create(host: Host, directory: string): Promise<Queue> {
    await host.files.makeDirectory(directory);
    await host.files.writeFile(join(directory, "claimed"), "0");
    return new Queue(host, directory);
  }

  /** Whether its sessions know which tests to run. */
  isFilled = false;

  /** Lets the waiting sessions begin. A queue without groups ends them. */
  async fill(groups: readonly Group[]): Promise<void> {
    this.isFilled = true;
    this.#groups.push(...groups);
    // In one step: a session that sees the file sees all of it.
    await this.host.files.writeFile(this.#file, lines(groups));
  }

  /** Adds groups that a session claimed but did not run. */
  async add(groups: readonly Group[]): Promise<void> {
    this.#groups.push(...groups);
    await this.host.files.appendFile(this.#file, lines(groups));
  }

  /** The group that a session claimed by its place in the queue. */
  group(index: number): Group {
    return this.#groups[index] ?? [];
  }

  /** Everything that was put into it. */
  get ids(): readonly string[] {
    return [...new Set(this.#groups.flat())];
  }

  /** Every session ends after the test that it is running. */
  async stop(): Promise<void> {
    await this.host.files.createFile(join(this.directory, "stop"), "");
  }
}

function lines(groups: readonly Group[]): string {
  return groups.map((group) => `${JSON.stringify(group)}\n`).join("");
}
