import type { Refusal } from "../processes/process.ts";
import { Forest } from "../processes/forest.ts";
import { DetailReader } from "./detail_reader.ts";
import { kindOf, mayBeActor, mayBePytest, pythonDirectory } from "./rules_actor.ts";
import { Judge, type Judged } from "./rules.ts";
import type { Viewpoint } from "./rules_scene.ts";
import type { Recorded, RecordedProcesses } from "./rules_ledger.ts";
import type { Mark } from "../base/cookie.ts";
import { findOrigins } from "./origins.ts";
import type { ProjectPaths } from "./rules_ties.ts";
import type { Origins } from "./rules_started.ts";
import { findRunners, type Runners } from "./runners.ts";
import type { Host } from "../system/host.ts";
import type { Read } from "../system/programs/proc.ts";
import type { ProcessList, ProcessRow } from "../system/programs/ps.ts";
import type { Project } from "../project/project.ts";
import { type Ledger, readLedger } from "./ledger.ts";
import { venvDirectories } from "./venv_directories.ts";

/**
 * The processes of the machine, seen from one project: first a cheap list, then details of selected
 * ones.
 */
export class ProcessSurvey {
  #host: Host;
  #project: Project;
  #forest = new Forest();
  #reader: DetailReader;
  #venvs: Promise<readonly string[]> | null = null;
  #ledger: Promise<Ledger> | null = null;
  /** The run or test that the environment of a process names. */
  #marks: ReadonlyMap<number, Mark> = new Map();
  #runners: Promise<Runners> | null = null;
  /** By the pid of a judged process: the tractest and the roots of the run that recorded it. */
  #leaders = new Map<number, readonly number[]>();
  #abandoned = new Map<number, Recorded>();
  #failures = new Set<string>();

  /** @param isHook see {@linkcode Viewpoint.isHook} */
  constructor(host: Host, project: Project, private readonly isHook = false) {
    this.#host = host;
    this.#project = project;
    this.#reader = new DetailReader(host, project.root, this.#forest);
  }

  /** What could not be read, one sentence each. */
  get failures(): readonly string[] {
    return [...new Set([...this.#failures, ...this.#reader.failures])];
  }

  /** Pids of this program and of all above it. */
  get ownPids(): ReadonlySet<number> {
    return new Set([this.#host.pid, ...this.#forest.ancestorsOf(this.#host.pid)]);
  }

  /** Takes the list of all processes; returns the pids whose details are needed. */
  async candidates({ processes, rejected, failure }: ProcessList): Promise<number[]> {
    if (failure) this.#failures.add(failure);
    if (rejected > 0) this.#failures.add(`${rejected} rows of "ps" can't be read`);
    this.#forest = new Forest(processes);
    this.#reader = new DetailReader(this.#host, this.#project.root, this.#forest);
    const own = this.ownPids;
    const candidates: number[] = [];
    for (const row of processes) {
      if (row.state === "Z" || own.has(row.pid)) continue;
      if (mayBeActor(row.args) || this.#mayBeLeftPytest(row) || await this.#mayBeUntitled(row)) {
        candidates.push(row.pid);
      }
    }
    return [...new Set([...candidates, ...await this.#mayBeRecorded(own)])];
  }

  /** Processes with a recorded pid: the ledger may be the only evidence that they are ours. */
  async #mayBeRecorded(own: ReadonlySet<number>): Promise<number[]> {
    const { entries } = await (this.#ledger ??= readLedger(this.#host, this.#project.root));
    const pids = new Set(
      entries.filter((entry) => entry.role === "process").map((entry) => entry.pid),
    );
    return [...pids].filter((pid) =>
      this.isAlive(pid) && !own.has(pid) && this.#forest.get(pid)!.uid === this.#host.uid()
    );
  }

  /** Takes the marks found in environments, once all processes are listed; returns their pids. */
  mark({ rows, failure }: Read<Mark>): number[] {
    if (failure) this.#failures.add(failure);
    const own = this.ownPids;
    this.#marks = new Map([...rows].filter(([pid]) => this.isAlive(pid) && !own.has(pid)));
    return [...this.#marks.keys()];
  }

  /** Whether a row is a pytest of this user that no shell and no other pytest started. */
  #mayBeLeftPytest(row: ProcessRow): boolean {
    if (row.uid !== this.#host.uid() || !mayBePytest(row.args)) return false;
    const parent = this.#forest.get(row.ppid)?.args ?? "";
    return row.ppid === 1 ||
      !(mayBePytest(parent) || kindOf(parent.split(" "), "").isShellOrDebugger);
  }

  /**
   * Whether a row is a Python from one of our venvs or started by a relative name. One that a shell
   * started is in use.
   */
  async #mayBeUntitled(row: ProcessRow): Promise<boolean> {
    const directory = pythonDirectory(row.args);
    if (directory === null || row.uid !== this.#host.uid()) return false;
    const parent = this.#forest.get(row.ppid)?.args.split(" ") ?? [];
    if (row.ppid !== 1 && kindOf(parent, "").isShellOrDebugger) return false;
    // `ps` shows bytes that are not ASCII as "?", so such a path can't be resolved.
    if (directory === "" || directory.includes("?")) return true;
    const resolved = await this.#host.files.realPath(directory).catch(() => null);
    return resolved !== null &&
      (await this.venvs()).some((venv) => resolved.startsWith(`${venv}/`));
  }

  /**
   * Of the judged processes: pytests that still run though the tractest that started them was
   * killed, with the run of each.
   */
  get abandoned(): RecordedProcesses["abandoned"] {
    return this.#abandoned;
  }

  /** The row of a process. */
  row(pid: number): ProcessRow | undefined {
    return this.#forest.get(pid);
  }

  /** Whether a process was listed and is not a zombie. */
  isAlive(pid: number): boolean {
    const row = this.#forest.get(pid);
    return row !== undefined && row.state !== "Z";
  }

  /** Reads details of processes; see {@linkcode DetailReader.readOwn}. */
  async readDetails(pids: readonly number[]): Promise<void> {
    await this.#reader.readOwn(pids);
  }

  /** The venvs of the project, as written and resolved. */
  venvs(): Promise<readonly string[]> {
    return this.#venvs ??= venvDirectories(this.#host, this.#project);
  }

  /** The verdicts on these processes; those that ended in the meantime are left out. */
  async judge(pids: readonly number[]): Promise<Judged[]> {
    if (pids.length === 0) return [];
    const { details } = this.#reader;
    const view: Viewpoint = {
      root: this.#project.root,
      venvs: await this.venvs(),
      uid: this.#host.uid() ?? -1,
      ownPids: this.ownPids,
      isHook: this.isHook,
    };
    let origins = await this.#findOrigins();
    let runners: Runners = new Map();
    // What names no run may have been started by any process that runs tests.
    if ([...origins.over.values()].some(({ mark }) => mark === "test")) {
      runners = await this.#findRunners(view);
      // Those may be recorded themselves.
      origins = await this.#findOrigins();
    }
    const judge = new Judge(view, {
      forest: this.#forest,
      details,
      ledger: origins.over,
      live: origins.live,
      runners,
    });
    return pids.flatMap((pid) => details.get(pid) ?? [])
      .filter(({ state }) => !/[ZX]/.test(state)).map((process) => judge.judge(process));
  }

  /**
   * What is below a process and is ended with it: this user's, in these namespaces. Below a process
   * that is no pytest, a live pytest and all below it stay: they are somebody's run.
   */
  async descendantsToEnd(pid: number, isPytest: boolean): Promise<Judged[]> {
    const below = this.#forest.descendantsOf(pid).filter((one) =>
      !this.ownPids.has(one) && this.isAlive(one)
    );
    await this.readDetails(below);
    const judged = await this.judge(below);
    const runs = isPytest
      ? []
      : judged.filter((process) => process.kind.isPytest && process.verdict === "in-use").map((
        process,
      ) => process.pid);
    const kept = new Set(this.#forest.withDescendants(runs));
    const isHere = (one: number) => this.#reader.details.get(one)?.sameNamespaces === true;
    return judged.filter((process) =>
      process.uid === this.#host.uid() && isHere(process.pid) && !kept.has(process.pid) &&
      process.origin !== "woken"
    );
  }

  /**
   * The pids below a process, and the judged ones that it led according to the ledger. Use this to
   * narrow a selection, never as evidence.
   */
  below(parent: number): ReadonlySet<number> {
    const led = [...this.#leaders].filter(([, leaders]) => leaders.includes(parent)).map(([pid]) =>
      pid
    );
    return new Set([
      ...this.#forest.descendantsOf(parent),
      ...this.#forest.withDescendants(led.filter((pid) => pid !== parent)),
    ]);
  }

  /** Files of the ledger that can't be trusted; empty if it was not read. */
  async refused(): Promise<readonly Refusal[]> {
    return (await this.#ledger)?.refused ?? [];
  }

  async #findOrigins(): Promise<Origins> {
    const { root } = this.#project;
    const { entries } = await (this.#ledger ??= readLedger(this.#host, root));
    const scene = { root, entries, marks: this.#marks, details: this.#reader.details };
    const origins = await findOrigins(this.#host, scene);
    for (const [pid, run] of origins.abandoned) this.#abandoned.set(pid, run);
    for (const [pid, { runId }] of origins.over) {
      const heads = entries.filter((entry) => entry.role !== "process" && entry.runId === runId);
      this.#leaders.set(pid, heads.map((entry) => entry.pid));
    }
    return origins;
  }

  #findRunners(project: ProjectPaths): Promise<Runners> {
    return this.#runners ??= findRunners(this.#host, {
      project,
      forest: this.#forest,
      marks: this.#marks,
      read: (pids) => this.#reader.read(pids),
      details: this.#reader.details,
    });
  }
}
