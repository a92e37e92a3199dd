import type { Forest } from "../processes/forest.ts";
import { type DetailedProcess, processOf } from "../processes/process.ts";
import type { Host } from "../system/host.ts";
import {
  type ProcessFiles,
  type ProcessLinks,
  readProcessFiles,
  readProcessLinks,
  readWorkingDirectories,
} from "../system/programs/proc.ts";
import { FORK_SERVER } from "./actor_signatures.ts";
import { placeOf } from "./process_place.ts";
import { mayBePytest, pythonDirectory } from "./rules_actor.ts";

/** Milliseconds in which a process that is already exiting should be gone. */
const EXIT_MS = 100;

/** Reads details of processes that are listed, each once. */
export class DetailReader {
  /** Details by pid; a process without any has ended, or can't be read. */
  readonly details = new Map<number, DetailedProcess>();
  /** What could not be read, one sentence each. */
  readonly failures = new Set<string>();
  readonly #asked = new Set<number>();

  /** @param root of the project from which places are seen */
  constructor(
    private readonly host: Host,
    private readonly root: string,
    private readonly forest: Forest,
  ) {}

  /**
   * Reads details of these processes and of all above them. Another user's processes are left out
   * unless this is root; processes above them are read as far as possible.
   */
  async readOwn(pids: readonly number[]): Promise<void> {
    const uid = this.host.uid();
    const own = pids.filter((pid) => uid === 0 || this.forest.get(pid)?.uid === uid);
    await this.read(own);
    // A pytest that leads the session or process group of an orphan may have started it; any Python
    // may have used the fork server that forked it.
    const leaders = own.map((pid) => this.details.get(pid)).flatMap((one) => {
      const isForked = one?.isForkedCopy === true && FORK_SERVER.test(one.args);
      const args = (pid: number) => this.forest.get(pid)?.args ?? "";
      return [one?.session ?? 0, one?.group ?? 0].filter((pid) =>
        mayBePytest(args(pid)) || (isForked && pythonDirectory(args(pid)) !== null)
      );
    });
    await this.read(leaders);
  }

  /** Reads details of these processes and of all above them. */
  async read(pids: readonly number[]): Promise<void> {
    const wanted = this.forest.withAncestors(pids);
    const readable = wanted.filter((pid) => !this.#asked.has(pid) && this.forest.has(pid));
    if (readable.length === 0) return;
    for (const pid of readable) this.#asked.add(pid);
    const [files, links, directories] = await Promise.all([
      readProcessFiles(this.host, readable, {
        mapped: true,
        why: "identities, command lines and mapped files",
      }),
      readProcessLinks(this.host, readable),
      readWorkingDirectories(this.host, readable),
    ]);
    for (const failure of [files.failure, links.failure, directories.failure]) {
      if (failure) this.failures.add(failure);
    }
    const ended = await this.#endedMeanwhile([...files.rows.values()]);
    await Promise.all(
      [...files.rows.values()].filter((row) => !ended.has(row.pid)).map(async (row) => {
        const link = links.rows.get(row.pid) ?? { cwd: null, root: null, namespaces: null };
        this.details.set(
          row.pid,
          await this.#detailsOf(row, link, links.own, directories.rows.get(row.pid) ?? null),
        );
      }),
    );
  }

  /**
   * Of the processes without memory, those that are gone a moment later: they were about to end.
   */
  async #endedMeanwhile(rows: readonly ProcessFiles[]): Promise<ReadonlySet<number>> {
    const empty = rows.filter((row) =>
      row.argv === null && row.mapped === null && row.state !== "Z"
    ).map((row) => row.pid);
    if (empty.length === 0) return new Set();
    await this.host.clock.sleep(EXIT_MS);
    const again = await readProcessFiles(this.host, empty, {
      mapped: false,
      why: "whether these have ended",
    });
    if (again.failure !== null) return new Set();
    return new Set(empty.filter((pid) => /[ZX]/.test(again.rows.get(pid)?.state ?? "X")));
  }

  async #detailsOf(
    row: ProcessFiles,
    link: ProcessLinks,
    own: ProcessLinks["namespaces"],
    directory: { readonly device: number; readonly inode: number } | null,
  ): Promise<DetailedProcess> {
    const sameNamespaces = own && link.namespaces
      ? own.join() === link.namespaces.join() && link.root === "/"
      : null;
    const place = sameNamespaces === false
      ? "elsewhere"
      : await placeOf(this.host, this.root, link.cwd, directory);
    return { ...processOf(row), ...row, cwd: link.cwd, place, sameNamespaces };
  }
}
