import { Forest } from "../../processes/forest.ts";
import { titleOf } from "../../processes/process.ts";
import { kindOf } from "../../leaks/rules_actor.ts";
import { type Mark, startedBy } from "../../base/cookie.ts";
import { sharedDaemon } from "../../leaks/rules_started.ts";
import type { LeftBehind, PytestEvent } from "../../pytest/events.ts";
import type { Host } from "../../system/host.ts";
import type { Outlived } from "../../isolation/isolate.ts";
import { type FirstScan, startFirstScan } from "../../leaks/first_scan.ts";
import { type ProcessFiles, readProcessFiles } from "../../system/programs/proc.ts";
import { listProcesses, type ProcessList } from "../../system/programs/ps.ts";
import { listSocketsOf } from "../../system/programs/net_tables.ts";
import { type HeldSocket, listensOf } from "../../system/programs/ss.ts";
import { SHARED_HELPERS } from "../../leaks/actor_signatures.ts";
import type { EventLog } from "../event_log.ts";

/** Milliseconds after a test that its children have to end before they count as outliving it. */
const SETTLE_MS = 500;
/** Milliseconds between checks, after pytest, of processes that may be ending; 500 in total. */
const CHECKS_MS = [50, 100, 150, 200];

/** The facts about a run that {@linkcode LeftBehindWatch} needs. */
export interface LeftBehindScene {
  readonly runId: string;
  /** Pids as seen from outside, for pids as a session's pytest sees them. */
  readonly translate: (
    session: string | undefined,
    pids: readonly number[],
  ) => Promise<readonly number[]>;
  /** Whether everything that the tests of a session start ends with it; undefined: of any. */
  readonly isIsolated: (session: string | undefined) => boolean;
}

/** What is known of the processes of a session when it is over. */
export interface EndedProcesses {
  /** Those that ended with its isolation; null without one. */
  readonly outlived: Outlived | null;
  /** Pids of those that had to be ended by force with it. */
  readonly ended: readonly number[];
  /** Those that its ledger names, alive or not. */
  readonly recorded: readonly { readonly pid: number; readonly startTicks: number }[];
}

/** What is known of processes besides their files. */
interface Origin {
  readonly marks?: ReadonlyMap<number, Mark>;
  /** All sockets that are listened on; missing: not asked. */
  readonly sockets?: readonly HeldSocket[];
  /** They have ended since, with their isolation. */
  readonly ended?: true;
}

/** A process that has outlived its test. */
interface Outliving {
  readonly row: ProcessFiles;
  readonly session: string | undefined;
  readonly id: string;
  readonly seconds: number;
}

/**
 * Finds the processes that tests leave behind. The plugin reports which children of pytest a test
 * has left; those alive a moment later have outlived it, with their descendants. Processes of tests
 * that are alive after pytest are logged as `leak`, and those that only outlived their test as
 * `left`. An actor that outlives its test is a `leak` at once. Tests are not slowed by this.
 */
export class LeftBehindWatch {
  readonly #pending = new Set<Promise<void>>();
  readonly #over = new AbortController();
  /** Processes that outlived their test and are not yet logged, by {@linkcode keyOf}. */
  readonly #outliving = new Map<string, Outliving>();
  /** Start ticks, by pid, of what the ledgers of ended sessions recorded. */
  readonly #recorded = new Map<number, number>();
  /** The keys of processes that have been logged. */
  readonly #reported = new Set<string>();

  constructor(
    private readonly host: Host,
    private readonly log: EventLog,
    private readonly scene: LeftBehindScene,
  ) {}

  /** Gets every event of a run. */
  on(event: PytestEvent): void {
    if (event.event !== "children") return;
    const work = this.#watchChildren(event.id, event.pids, event.session).then(() =>
      void this.#pending.delete(work)
    );
    // An error is thrown by `finish`.
    work.catch(() => {});
    this.#pending.add(work);
  }

  /** A session is over. */
  async sessionEnded(
    name: string,
    { outlived, ended, recorded }: EndedProcesses,
  ): Promise<void> {
    for (const one of recorded) this.#recorded.set(one.pid, one.startTicks);
    if (outlived !== null) {
      await this.#report(name, outlived.processes, { ...outlived, ended: true });
    }
    // A process that had to be killed counts as one that is still alive.
    const rows = [...this.#outliving.values()].flatMap(({ session, row }) =>
      session === name && ended.includes(row.pid) ? [row] : []
    );
    await this.#report(name, rows, {});
  }

  /**
   * Logs the processes alive after the run, and those that outlived their test and are gone.
   *
   * @param listed all processes, if they were just listed, after the last session
   * @returns the scan of all processes; null if there was none, or if any may have ended since
   */
  async finish(listed: ProcessList | null = null): Promise<FirstScan | null> {
    this.#over.abort();
    // What is awaited takes time.
    const list = this.#pending.size === 0 && listed?.failure === null ? listed : null;
    await Promise.all(this.#pending);
    const scan = this.scene.isIsolated(undefined) ? null : await this.#scanAfterwards(list);
    const byTest = Map.groupBy(
      this.#outliving.values(),
      ({ id, session }) => JSON.stringify([id, session]),
    );
    for (const all of byTest.values()) {
      const { id, session } = all[0]!;
      const processes = all.map(({ row, seconds }) => leftBehind(row, seconds));
      await this.log.append({ event: "left", session, id, processes });
    }
    this.#outliving.clear();
    return scan;
  }

  /** Scans all processes for those that tests of this run have started. */
  async #scanAfterwards(list: ProcessList | null): Promise<FirstScan | null> {
    const scan = startFirstScan(this.host, list ?? undefined);
    const marked = [...(await scan.marks).rows];
    const marks = new Map(marked.filter(([, mark]) => mark.runId === this.scene.runId));
    const outliving = [...this.#outliving.values()].map(({ row }) => row.pid);
    const { processes } = await scan.processes;
    const recorded = processes.map(({ pid }) => pid).filter((pid) => this.#recorded.has(pid));
    const pids = [...new Set([...marks.keys(), ...outliving, ...recorded])];
    if (pids.length === 0) return scan;
    const isOurs = (row: ProcessFiles) =>
      marks.has(row.pid) || this.#outliving.has(keyOf(undefined, row)) ||
      this.#recorded.get(row.pid) === row.startTicks;
    const remaining = await this.#settled((await this.#files(pids)).filter(isOurs));
    if (remaining.length > 0) {
      const pids = remaining.map(({ pid }) => pid);
      const sockets = await listSocketsOf(this.host, pids, "on what leaked processes listen");
      await this.#report(undefined, remaining, { marks, sockets });
    }
    return null;
  }

  /** Those that don't end within a moment. */
  async #settled(rows: readonly ProcessFiles[]): Promise<readonly ProcessFiles[]> {
    let waiting = rows;
    for (const milliseconds of CHECKS_MS) {
      if (waiting.length === 0) break;
      await this.host.clock.sleep(milliseconds);
      waiting = await this.#alive(waiting);
    }
    return waiting;
  }

  async #alive(rows: readonly ProcessFiles[]): Promise<ProcessFiles[]> {
    const now = await this.#files(rows.map((row) => row.pid));
    const ticks = new Map(now.map((row) => [row.pid, row.startTicks]));
    return rows.filter((row) => ticks.get(row.pid) === row.startTicks);
  }

  async #files(pids: readonly number[]): Promise<ProcessFiles[]> {
    const { rows } = await readProcessFiles(this.host, pids, {
      mapped: false,
      why: "what a test has left behind",
    });
    return [...rows.values()].filter((row) => row.state !== "Z" && row.state !== "X");
  }

  /** Logs processes as leaks of the tests that started them. */
  async #report(
    session: string | undefined,
    rows: readonly ProcessFiles[],
    { marks = new Map(), sockets, ended }: Origin,
  ): Promise<void> {
    // A shared daemon that a test merely woke is no leak.
    const fresh = rows.filter((row) =>
      !this.#reported.has(this.#keyOf(session, row)) && sharedDaemon(row) === null
    );
    const parents = new Map(rows.map((row) => [row.pid, row.ppid]));
    const groups = Map.groupBy(fresh, (row) => this.#testOf(session, row, marks, parents));
    for (const [id, own] of groups) {
      const processes = own.map((row) => ({
        ...leftBehind(row, this.#outliving.get(this.#keyOf(session, row))?.seconds ?? null),
        ...(sockets ? listensOf(row.pid, sockets) : {}),
        ...(ended ? { ended } : {}),
      }));
      for (const row of own) {
        this.#reported.add(this.#keyOf(session, row));
        this.#outliving.delete(this.#keyOf(session, row));
      }
      const ofSession = session === undefined ? {} : { session };
      await this.log.append({ event: "leak", ...ofSession, id, processes });
    }
  }

  /** The test that started a process; null if unknown. */
  #testOf(
    session: string | undefined,
    row: ProcessFiles,
    marks: ReadonlyMap<number, Mark>,
    parents: ReadonlyMap<number, number>,
  ): string | null {
    const { run } = this.log;
    const mark = marks.get(row.pid);
    const marked = mark === undefined ? null : startedBy(mark, titleOf(row));
    if (marked !== null && run.tests.has(marked)) return marked;
    const sessions = session === undefined
      ? [...run.sessions.values()].filter(({ name }) => name !== "")
      : [run.session(session)];
    const outliving = this.#outliving.get(this.#keyOf(session, row));
    const guess = outliving?.id ?? null;
    const tests = sessions.map((one) => one.testAt(row.startTicks, guess));
    const timed = tests.findLast((id) => id !== null);
    if (timed !== undefined) return timed;
    // Pids are only comparable within a session.
    if (session === undefined) return null;
    const { leftBy, running } = run.session(session);
    for (let pid: number | undefined = row.pid; pid !== undefined; pid = parents.get(pid)) {
      if (leftBy.has(pid)) return leftBy.get(pid)!;
    }
    // If pytest ended inside a test, its children were never reported.
    return [...running.keys()].at(-1) ?? null;
  }

  /** Outside of an isolation a process is the same for all sessions. */
  #keyOf(session: string | undefined, row: ProcessFiles): string {
    return keyOf(this.scene.isIsolated(session) ? session : undefined, row);
  }

  async #watchChildren(
    id: string,
    reported: readonly number[],
    session: string | undefined,
  ): Promise<void> {
    const began = this.host.clock.monotonic();
    const pids = await this.scene.translate(session, reported);
    const first = await this.#tree(pids);
    if (first.length === 0) return;
    await this.host.clock.sleep(SETTLE_MS, this.#over.signal);
    const alive = await this.#alive(first);
    const seconds = Math.round(this.host.clock.monotonic() - began) / 1000;
    for (const row of alive) {
      this.#outliving.set(this.#keyOf(session, row), { row, session, id, seconds });
    }
    await this.#report(session, alive.filter(isActor), {});
  }

  async #tree(pids: readonly number[]): Promise<ProcessFiles[]> {
    const { processes } = await listProcesses(this.host);
    const all = new Forest(processes).withDescendants(pids);
    // Only children of pytest are helpers; those of a fork server have the same command line.
    return (await this.#files(all)).filter((row) =>
      !(pids.includes(row.pid) && SHARED_HELPERS.test(titleOf(row)))
    );
  }
}

/** Whether it is an actor of tractor, which must end with its parent. */
function isActor({ argv, comm }: ProcessFiles): boolean {
  return kindOf(argv, comm).signature !== null && !SHARED_HELPERS.test(argv?.join(" ") ?? "");
}

function leftBehind(row: ProcessFiles, seconds: number | null): LeftBehind {
  return { pid: row.pid, startTicks: row.startTicks, title: titleOf(row), seconds };
}

/** Identifies a process inside and outside of an isolation, where its pids differ. */
function keyOf(session: string | undefined, { innerPid, startTicks }: ProcessFiles): string {
  return `${session ?? ""} ${innerPid} ${startTicks}`;
}
