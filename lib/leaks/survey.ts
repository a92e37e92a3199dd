import { type DetailedProcess, processOf, type Refusal } from "../processes/process.ts";
import { Forest } from "../processes/forest.ts";
import { join, resolve } from "@std/path";
import { kindOf, mayBeActor, mayBePytest, pythonDirectory, pythonTarget } from "./rules_actor.ts";
import { isWithin, placeOf } from "./process_place.ts";
import { Judge, type Judged } from "./rules.ts";
import type { Viewpoint } from "./rules_scene.ts";
import { type Recorded, type RecordedProcesses, recordedProcesses } from "./rules_ledger.ts";
import type { Mark } from "../base/cookie.ts";
import {
  mayRunTests,
  mentionsPytest,
  type Origins,
  SCRIPT_HEAD,
  withMarks,
} from "./rules_started.ts";
import { FORK_SERVER } from "./actor_signatures.ts";
import type { Host } from "../system/host.ts";
import {
  type ProcessFiles,
  type ProcessLinks,
  type Read,
  readProcessFiles,
  readProcessLinks,
  readWorkingDirectories,
} from "../system/programs/proc.ts";
import type { ProcessList, ProcessRow } from "../system/programs/ps.ts";
import type { Project } from "../project/project.ts";
import { type Ledger, readLedger, surroundingsOf } from "./ledger.ts";

/** Milliseconds in which a process that is already exiting should be gone. */
const EXIT_MS = 100;

/**
 * The processes of the machine, seen from one project: first a cheap list, then details of selected
 * ones.
 */
export class ProcessSurvey {
  #host: Host;
  #project: Project;
  #forest = new Forest();
  #details = new Map<number, DetailedProcess>();
  #asked = new Set<number>();
  #venvs: Promise<readonly string[]> | null = null;
  #ledger: Promise<Ledger> | null = null;
  /** The run or test that the environment of a process names. */
  #marks: ReadonlyMap<number, Mark> = new Map();
  #runners: ReadonlySet<number> = new Set();
  /** By the pid of a judged process: the tractest and the roots of the run that recorded it. */
  #leaders = new Map<number, readonly number[]>();
  #abandoned = new Map<number, Recorded>();
  #failures = new Set<string>();

  /** @param isHook see {@linkcode Viewpoint.isHook} */
  constructor(host: Host, project: Project, private readonly isHook = false) {
    this.#host = host;
    this.#project = project;
  }

  /** What could not be read, one sentence each. */
  get failures(): readonly string[] {
    return [...this.#failures];
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
  async mark({ rows, failure }: Read<Mark>): Promise<number[]> {
    if (failure) this.#failures.add(failure);
    const own = this.ownPids;
    this.#marks = new Map([...rows].filter(([pid]) => this.isAlive(pid) && !own.has(pid)));
    if (this.#marks.size > 0) this.#runners = await this.#findRunners();
    return [...this.#marks.keys()];
  }

  /**
   * Processes that may run tests: pytests, and Python programs that mention pytest or tests.
   */
  async #findRunners(): Promise<ReadonlySet<number>> {
    const uid = this.#host.uid();
    // Root may start processes of this user, and any user may start root's (with sudo).
    const mayStart = (row: ProcessRow) => uid === 0 || row.uid === uid || row.uid === 0;
    const rows = [...this.#forest.values()].filter((row) =>
      row.pid !== this.#host.pid && row.state !== "Z" && mayStart(row)
    );
    const pytests = rows.filter((row) =>
      mayBePytest(row.args) || (pythonDirectory(row.args) !== null && mentionsPytest(row.args))
    );
    const scripts = rows.filter((row) =>
      !pytests.includes(row) && !this.#marks.has(row.pid) && pythonDirectory(row.args) !== null
    );
    await this.#read(this.#forest.withAncestors([...pytests, ...scripts].map((row) => row.pid)));
    const texts = await Promise.all(scripts.map(async ({ pid }) => {
      const { argv = null, cwd = null } = this.#details.get(pid) ?? {};
      if (argv !== null && mayRunTests(argv)) return pid;
      const target = argv && pythonTarget(argv);
      if (target?.kind !== "script" || cwd === null || this.#host.uid() === null) return null;
      const head = await this.#host.files.readFrom(resolve(cwd, target.value), 0, SCRIPT_HEAD)
        .catch(() => null);
      return head !== null && mentionsPytest(new TextDecoder().decode(head)) ? pid : null;
    }));
    return new Set([...pytests.map((row) => row.pid), ...texts.filter((pid) => pid !== null)]);
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

  /**
   * Reads the details of these processes and of all above them, unless read before. Those of other
   * users are left out unless this is root; above them everything readable is read.
   */
  async readDetails(pids: readonly number[]): Promise<void> {
    const uid = this.#host.uid();
    const own = pids.filter((pid) => uid === 0 || this.#forest.get(pid)?.uid === uid);
    await this.#read(this.#forest.withAncestors(own));
    // A pytest that leads an orphan's session or group may have started it; so may any Python, if a
    // fork server forked the orphan.
    const leaders = own.map((pid) => this.#details.get(pid)).flatMap((one) => {
      const isForked = one?.isForkedCopy === true && FORK_SERVER.test(one.args);
      const args = (pid: number) => this.#forest.get(pid)?.args ?? "";
      return [one?.session ?? 0, one?.group ?? 0].filter((pid) =>
        mayBePytest(args(pid)) || (isForked && pythonDirectory(args(pid)) !== null)
      );
    });
    await this.#read(this.#forest.withAncestors(leaders));
  }

  async #read(wanted: readonly number[]): Promise<void> {
    const readable = wanted.filter((pid) => !this.#asked.has(pid) && this.#forest.has(pid));
    if (readable.length === 0) return;
    for (const pid of readable) this.#asked.add(pid);
    const [files, links, directories] = await Promise.all([
      readProcessFiles(this.#host, readable, {
        mapped: true,
        why: "identities, command lines and mapped files",
      }),
      readProcessLinks(this.#host, readable),
      readWorkingDirectories(this.#host, readable),
    ]);
    for (const failure of [files.failure, links.failure, directories.failure]) {
      if (failure) this.#failures.add(failure);
    }
    const ended = await this.#endedMeanwhile([...files.rows.values()]);
    await Promise.all(
      [...files.rows.values()].filter((row) => !ended.has(row.pid)).map(async (row) => {
        const link = links.rows.get(row.pid) ?? { cwd: null, root: null, namespaces: null };
        this.#details.set(
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
    await this.#host.clock.sleep(EXIT_MS);
    const again = await readProcessFiles(this.#host, empty, {
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
      : await placeOf(this.#host, this.#project.root, link.cwd, directory);
    return { ...processOf(row), ...row, cwd: link.cwd, place, sameNamespaces };
  }

  /** The venvs of the project, as written and resolved. */
  venvs(): Promise<readonly string[]> {
    return this.#venvs ??= findVenvs(this.#host, this.#project);
  }

  /** The verdicts on these processes; those that ended in the meantime are left out. */
  async judge(pids: readonly number[]): Promise<Judged[]> {
    const { over, live, abandoned } = await this.#recorded(pids);
    for (const [pid, run] of abandoned) this.#abandoned.set(pid, run);
    const view: Viewpoint = {
      root: this.#project.root,
      venvs: await this.venvs(),
      uid: this.#host.uid() ?? -1,
      ownPids: this.ownPids,
      isHook: this.isHook,
    };
    const judge = new Judge(view, {
      forest: this.#forest,
      details: this.#details,
      ledger: over,
      live,
      runners: this.#runners,
    });
    return pids.map((pid) => this.#details.get(pid)).filter((details) =>
      details !== undefined && !/[ZX]/.test(details.state)
    )
      .map((details) => judge.judge(details!));
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
    const isHere = (one: number) => this.#details.get(one)?.sameNamespaces === true;
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

  /**
   * What runs recorded about the processes whose details were read. Without such processes the
   * ledger is not read.
   */
  async #recorded(pids: readonly number[]): Promise<Origins> {
    const nothing: Origins = { over: new Map(), live: new Map(), abandoned: new Map() };
    if (pids.length === 0) return nothing;
    const { entries } = await (this.#ledger ??= readLedger(this.#host, this.#project.root));
    const known = entries.filter((entry) =>
      this.#details.get(entry.pid)?.startTicks === entry.startTicks
    );
    const marks = new Map([...this.#marks].filter(([pid]) => this.#details.has(pid)));
    if (known.length + marks.size === 0) return nothing;
    const runs = new Set([...known, ...marks.values()].map((one) => one.runId));
    const heads = entries.filter((entry) => entry.role !== "process" && runs.has(entry.runId)).map((
      entry,
    ) => entry.pid);
    const [here, files] = await Promise.all([
      surroundingsOf(this.#host),
      readProcessFiles(this.#host, [...new Set(heads)], {
        mapped: false,
        why: "whether the runs that recorded these are over",
      }),
    ]);
    // Unless it is known whether a run is over, what it recorded is neither left over nor in use.
    if (here === null || files.failure !== null) {
      return {
        ...nothing,
        live: new Map(
          [...known.map((entry) => entry.pid), ...marks.keys()].map((pid) => [pid, null]),
        ),
      };
    }
    const living = new Map<number, { uid: number; startTicks: number | null }>(
      [...this.#details, ...files.rows].filter(([, row]) => row.state !== "Z"),
    );
    const titles = new Map([...this.#details].map(([pid, { args }]) => [pid, args]));
    const own = this.#host.pid;
    const found = withMarks(recordedProcesses(entries, living, here, own), marks, titles, {
      entries,
      living,
      here,
      own,
    });
    for (const [pid, { runId }] of found.over) {
      this.#leaders.set(
        pid,
        entries.filter((entry) => entry.role !== "process" && entry.runId === runId).map((entry) =>
          entry.pid
        ),
      );
    }
    const over = await Promise.all(
      [...found.over].map(async ([pid, origin]) => [pid, await this.#located(origin)] as const),
    );
    return {
      ...found,
      over: new Map(over.filter(([pid]) => this.#details.get(pid)?.sameNamespaces === true)),
    };
  }

  /** Adds to a process that a plain pytest started whether this project has that test's file. */
  async #located(origin: Recorded): Promise<Recorded> {
    const [file] = origin.mark === "test" ? origin.id?.split("::", 1) ?? [] : [];
    if (file === undefined) return origin;
    const path = join(this.#project.root, file);
    const isFileHere = isWithin(path, this.#project.root) &&
      (await this.#host.files.stat(path).catch(() => null))?.kind === "file";
    return { ...origin, isFileHere };
  }
}

async function findVenvs(host: Host, { root, configuration }: Project): Promise<string[]> {
  const [before, after = ""] = configuration.venv.split("<MINOR>");
  const entries = await host.files.readDirectory(root) ?? [];
  const configured = configuration.venv.includes("<MINOR>")
    ? entries.filter(({ name }) =>
      name.startsWith(before!) && name.endsWith(after) &&
      /^\d+$/.test(name.slice(before!.length, name.length - after.length))
    )
      .map(({ name }) => name)
    : [configuration.venv];
  const names = [
    ...new Set([
      ...configured,
      ...entries.map(({ name }) => name).filter((name) => /^py\d+$/.test(name) || name === ".venv"),
    ]),
  ];
  const paths = await Promise.all(
    names.map(async (name) => [join(root, name), await host.files.realPath(join(root, name))]),
  );
  return [...new Set(paths.filter(([, resolved]) => resolved !== null).flat() as string[])];
}
