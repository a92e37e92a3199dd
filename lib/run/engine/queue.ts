import { join } from "@std/path";
import type { Block, Group } from "../../pytest/work.ts";
import { singleBlock } from "../blocks.ts";
import type { Host } from "../../system/host.ts";

/**
 * The order of tests, handed out to the sessions that share it: a session claims one group of its
 * block after another, then a new block; when all are taken, a part of another session's block.
 * The embedded plugin is the other side of it.
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
   * Makes an empty queue: sessions that join it wait until it is {@linkcode fill}ed. The record of
   * what was claimed is written at once: on a full disk a directory can still be made, and a
   * session in it would wait for ever.
   */
  static async create(host: Host, directory: string): Promise<Queue> {
    await host.files.makeDirectory(directory);
    await host.files.writeFile(join(directory, "claimed"), "[0, {}]");
    return new Queue(host, directory);
  }

  /** Whether its sessions know which tests to run. */
  isFilled = false;

  /** Lets the waiting sessions begin. A queue without blocks ends them. */
  async fill(blocks: readonly Block[]): Promise<void> {
    this.isFilled = true;
    this.#keep(blocks);
    // In one step: a session that sees the file sees all of it.
    await this.host.files.writeFile(this.#file, lines(blocks));
  }

  /** Adds groups that a session claimed but did not run. */
  async add(groups: readonly Group[]): Promise<void> {
    const blocks = groups.map(singleBlock);
    this.#keep(blocks);
    await this.host.files.appendFile(this.#file, lines(blocks));
  }

  /** The group that a session claimed by its place in the queue. */
  group(index: number): Group {
    return this.#groups[index] ?? [];
  }

  #keep(blocks: readonly Block[]): void {
    for (const { groups } of blocks) for (const group of groups) this.#groups.push(group);
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

function lines(blocks: readonly Block[]): string {
  return blocks.map((block) => `${JSON.stringify(block)}\n`).join("");
}
