import { descendantsOf } from "../core/leaks/judge.ts";
import type { LeftBehind, PytestEvent } from "../core/results/pytest_events.ts";
import type { Host } from "../host/host.ts";
import { type ProcessFiles, readProcessFiles } from "../programs/proc.ts";
import { listProcesses } from "../programs/ps.ts";
import { SHARED_HELPERS } from "../tables/actor_signatures.ts";
import type { EventLog } from "./event_log.ts";

/** Milliseconds after its end at which a child of a test that still lives counts as left behind: it may have been told to end. */
const SETTLE_MS = 500;

/** Pids as we see them of those that a session's pytest calls by these; the same where they share a pid namespace. */
export type Translate = (session: string | undefined, pids: readonly number[]) => Promise<readonly number[]>;

/**
 * Finds what tests leave behind. The plugin tells which children of pytest a test has left when it ended; those that are still there a
 * moment later, with all below them, are told as `leak` events. The test that runs meanwhile is not slowed. What outlives an isolated
 * session is told when that is over.
 */
export class LeftBehindWatch {
  readonly #pending = new Set<Promise<void>>();
  readonly #over = new AbortController();
  /** The test that runs and the children that earlier ones left, by session. */
  readonly #sessions = new Map<string, { running: string | null; readonly left: Map<number, string> }>();
  /** Processes that were told, by session, start and title. */
  readonly #told = new Set<string>();

  constructor(private readonly host: Host, private readonly log: EventLog, private readonly translate: Translate) {}

  /** Gets every event of a run. */
  on(event: PytestEvent): void {
    if (event.event === "test-start") this.#of(event.session).running = event.id;
    if (event.event === "report" && event.phase === "teardown") this.#of(event.session).running = null;
    if (event.event !== "children") return;
    for (const pid of event.pids) this.#of(event.session).left.set(pid, event.id);
    const work = this.#look(event.id, event.pids, event.session).then(() => void this.#pending.delete(work));
    // What fails stays there for `finish` to tell.
    work.catch(() => {});
    this.#pending.add(work);
  }

  /** The run is over: what is still there now is left behind. Resolves when all has been told. */
  async finish(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#pending);
  }

  /** Tells what outlived an isolated session, each process as the leak of the test that it comes from where that is known. */
  async outlived(session: string, processes: readonly ProcessFiles[]): Promise<void> {
    const { running, left } = this.#of(session);
    const parents = new Map(processes.map((row) => [row.pid, row.ppid]));
    const from = (row: ProcessFiles): string | null => {
      for (let pid: number | undefined = row.pid; pid !== undefined; pid = parents.get(pid)) if (left.has(pid)) return left.get(pid)!;
      // Where pytest ended in the middle of a test, nobody has said what that one started.
      return running;
    };
    for (const [id, rows] of Map.groupBy(processes.filter((row) => !this.#told.has(keyOf(session, row))), from)) {
      const told = rows.map((row): LeftBehind => ({ pid: row.pid, startTicks: row.startTicks, title: titleOf(row), seconds: null, ended: true }));
      await this.log.append({ event: "leak", session, id, processes: told });
    }
  }

  #of(session = "") {
    let known = this.#sessions.get(session);
    if (!known) this.#sessions.set(session, known = { running: null, left: new Map() });
    return known;
  }

  async #look(id: string, told: readonly number[], session: string | undefined): Promise<void> {
    const began = this.host.monotonic();
    const pids = await this.translate(session, told);
    const first = await this.#tree(pids);
    if (first.length === 0) return;
    await this.host.sleep(SETTLE_MS, this.#over.signal);
    const { rows } = await readProcessFiles(this.host, first.map((row) => row.pid), { mapped: false, why: "what a test has left behind" });
    const seconds = Math.round(this.host.monotonic() - began) / 1000;
    const left = first.flatMap((row) => {
      const now = rows.get(row.pid);
      return now && now.startTicks === row.startTicks && now.state !== "Z" ? [now] : [];
    });
    if (left.length === 0) return;
    for (const row of left) this.#told.add(keyOf(session, row));
    const processes = left.map((row): LeftBehind => ({ pid: row.pid, startTicks: row.startTicks, title: titleOf(row), seconds }));
    await this.log.append({ event: "leak", session, id, processes });
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

/** What a process is known by inside and outside of an isolation: pids differ, these don't. */
function keyOf(session: string | undefined, { innerPid, startTicks }: ProcessFiles): string {
  return `${session ?? ""} ${innerPid} ${startTicks}`;
}
