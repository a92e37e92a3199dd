import { descendantsOf } from "../core/leaks_judge.ts";
import type { LeftBehind, PytestEvent } from "../core/pytest_events.ts";
import type { Host } from "../host/host.ts";
import { type ProcessFiles, readProcessFiles } from "../programs/proc.ts";
import { listProcesses } from "../programs/ps.ts";
import { SHARED_HELPERS } from "../tables/actor_signatures.ts";
import type { EventLog } from "./event_log.ts";

/** Milliseconds after its end at which a child of a test that still lives counts as left behind: it may have been told to end. */
const SETTLE_MS = 500;

/**
 * Finds what tests leave behind. The plugin tells which children of pytest a test has left when it ended; those that are still there a
 * moment later, with all below them, are told as `leak` events. The test that runs meanwhile is not slowed.
 */
export class LeftBehindWatch {
  readonly #pending = new Set<Promise<void>>();
  readonly #over = new AbortController();

  constructor(private readonly host: Host, private readonly log: EventLog) {}

  /** Gets every event of a run. */
  on(event: PytestEvent): void {
    if (event.event !== "children") return;
    const work = this.#look(event.id, event.pids, event.session).finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  /** The run is over: what is still there now is left behind. Resolves when all has been told. */
  async finish(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#pending);
  }

  async #look(id: string, pids: readonly number[], session: string | undefined): Promise<void> {
    const began = this.host.monotonic();
    const first = await this.#tree(pids);
    if (first.length === 0) return;
    await this.host.sleep(SETTLE_MS, this.#over.signal);
    const { rows } = await readProcessFiles(this.host, first.map((row) => row.pid), { mapped: false, why: "what a test has left behind" });
    const seconds = Math.round(this.host.monotonic() - began) / 1000;
    const left = first.flatMap((row): LeftBehind[] => {
      const now = rows.get(row.pid);
      return now && now.startTicks === row.startTicks && now.state !== "Z"
        ? [{ pid: now.pid, startTicks: now.startTicks, title: titleOf(now), seconds }]
        : [];
    });
    if (left.length > 0) await this.log.append({ event: "leak", session, id, processes: left });
  }

  async #tree(pids: readonly number[]): Promise<ProcessFiles[]> {
    const { processes } = await listProcesses(this.host);
    const forest = new Map(processes.map((row) => [row.pid, row]));
    const all = [...new Set(pids.flatMap((pid) => [pid, ...descendantsOf(pid, forest)]))];
    const { rows } = await readProcessFiles(this.host, all, { mapped: false, why: "what a test may have left behind" });
    // Only a child of pytest's is such a helper; what a fork server made has the same command line.
    return [...rows.values()].filter((row) => row.state !== "Z" && !(pids.includes(row.pid) && SHARED_HELPERS.test(titleOf(row))));
  }
}

function titleOf({ argv, comm }: ProcessFiles): string {
  return argv?.join(" ") ?? comm;
}
