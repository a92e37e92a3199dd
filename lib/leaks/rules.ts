import type { Forest } from "../processes/forest.ts";
import type { DetailedProcess } from "../processes/process.ts";
import type { ProcessRow } from "../system/programs/ps.ts";
import type { JudgedProcess, Verdict } from "./leak_report.ts";
import type { Recorded } from "./rules_ledger.ts";
import { baseName, isPythonName, type Kind, kindOf, pythonTarget } from "./rules_actor.ts";
import { isInteractiveShell, sharedDaemon } from "./rules_started.ts";
import { FORK_SERVER, RUNTIME_EXTENSIONS } from "./actor_signatures.ts";
import { type AdopterRow, ADOPTERS } from "./adopters.ts";

/** What is known of one project and of who asks. Paths absolute, symlinks resolved. */
export interface Viewpoint {
  readonly root: string;
  /** Venvs of this project, resolved. */
  readonly venvs: readonly string[];
  readonly uid: number;
  /** Pids of this program and of all above it. */
  readonly ownPids: ReadonlySet<number>;
  /**
   * Of what is known by its origin alone only what also belongs to the checkout counts as leaked:
   * nobody watches a hook.
   */
  readonly isHook?: boolean;
}

/** All that was seen. Processes without details are known by their row alone. */
export interface Seen {
  readonly forest: Forest;
  readonly details: ReadonlyMap<number, DetailedProcess>;
  /** Those that runs which are over have recorded, each identified beyond its pid. */
  readonly ledger?: ReadonlyMap<number, Recorded>;
  /**
   * Those that runs which go on have recorded; null where it can't be read whether a run goes on.
   */
  readonly live?: ReadonlyMap<number, Recorded | null>;
  /** Pytests, and what else may run tests, whoever started them. */
  readonly runners?: ReadonlySet<number>;
}

/** Who stands above a process, so that it is no leak. */
type Guardian =
  | { readonly kind: "none"; readonly evidence: string }
  | {
    readonly kind: "pytest" | "run" | "application" | "by-hand" | "unknown";
    readonly pid: number;
    readonly evidence: string;
  };

/** A verdict with what led to it. */
export interface Judged extends JudgedProcess {
  readonly kind: Kind;
  /** The live pytest that it is or that is above it, of this project or another. */
  readonly pytest: number | null;
  /**
   * Whether a run of this project that goes on uses it: a live pytest does, or its ledger names it.
   */
  readonly isOfLiveRun: boolean;
  /** The test that started it; null where nobody knows. */
  readonly test: string | null;
  /**
   * `started`: a run that is over, or a test, is known to have started it; `woken`: and it is a
   * daemon that serves others too.
   */
  readonly origin: "started" | "woken" | null;
}

/** Judges processes of one project by what was seen of them and of all above them. */
export class Judge {
  #view: Viewpoint;
  #seen: Seen;
  #guardians = new Map<number, Guardian>();

  constructor(view: Viewpoint, seen: Seen) {
    this.#view = view;
    this.#seen = seen;
  }

  /** The verdict on a process of which the details were read. */
  judge(process: DetailedProcess): Judged {
    const kind = kindOf(process.argv, process.comm);
    const [ours, tie] = this.#ties(process);
    const { pid, startTicks, args: title, uid } = process;
    const of = ([verdict, evidence, pytest = null]: Finding): Judged => {
      const isOfLiveRun = ours === true && verdict === "in-use" &&
        (pytest !== null || this.#seen.live?.get(pid) != null);
      const { test = null } = this.#seen.live?.get(pid) ?? this.#seen.ledger?.get(pid) ?? {};
      const origin = !this.#isRecorded(pid)
        ? null
        : sharedDaemon(process) === null
        ? "started"
        : "woken";
      return {
        pid,
        startTicks,
        title,
        uid,
        ours,
        verdict,
        evidence,
        kind,
        pytest,
        isOfLiveRun,
        test,
        origin,
      };
    };
    if (uid !== this.#view.uid) return of(["foreign", [`belongs to uid ${uid}; not touched`]]);
    if (this.#view.ownPids.has(pid)) return of(["in-use", ["this program, or one above it"]]);
    if (ours === false) return of(["foreign", tie]);
    if (kind.isPytest) return of(this.#judgePytest(process, ours, tie));
    if (process.place === "gone" && !this.#isRecorded(pid)) {
      return of(["unknown", ["its directory is gone", ...tie]]);
    }
    if (ours === null) return of(["unknown", tie]);
    return of(this.#judgeOurs(process, kind, tie));
  }

  #judgePytest(process: DetailedProcess, ours: boolean | null, tie: readonly string[]): Finding {
    const { pid, startTicks } = process;
    const standing = this.#pytestStanding(process);
    if (standing === "live") {
      const guardian = this.#isForkOrRecorded(process) ? this.#guardian(process) : null;
      const above = guardian?.kind === "pytest" ? guardian : null;
      return [
        "in-use",
        [above ? above.evidence : "is a live pytest", ...tie],
        above ? above.pid : pid,
      ];
    }
    const evidence = [...tie, this.#guardian(process).evidence];
    const isLeaked = standing === "left" && ours === true && startTicks !== null &&
      process.place !== "unknown";
    if (isLeaked) {
      return ["leaked", ["has pytest's command line, and its run is over", ...evidence]];
    }
    return ["unknown", [
      "has pytest's command line; forked by a pytest that no run here recorded",
      ...evidence,
    ]];
  }

  #judgeOurs(process: DetailedProcess, kind: Kind, tie: readonly string[]): Finding {
    const { pid, startTicks } = process;
    const guardian = this.#guardian(process);
    const evidence = [...(kind.signature ? [kind.signature.name] : []), ...tie, guardian.evidence];
    if (guardian.kind === "unknown") {
      // What keeps it from being leaked comes first.
      const isOdd = this.#isRecorded(pid) && kind.signature === null;
      return ["unknown", isOdd ? [guardian.evidence, ...evidence.slice(0, -1)] : evidence];
    }
    if (guardian.kind !== "none") {
      return ["in-use", evidence, guardian.kind === "pytest" ? guardian.pid : null];
    }
    if (startTicks === null) return ["unknown", ["identity unknown", ...evidence]];
    if (kind.signature) return ["leaked", evidence];
    if (this.#isLeakedRoot(process, kind)) {
      const where = this.#isRecorded(pid) ? "that a run left" : "in pytest's temporary directory";
      return ["leaked", [`a Python on tractor ${where}`, ...evidence]];
    }
    if (this.#isRecorded(pid)) return this.#judgeStarted(process, evidence);
    const actor = this.#actorAbove(process);
    if (actor !== null && (kind.helper !== null || usesRuntime(process))) {
      return ["leaked", [`started by the leaked actor ${actor}`, ...evidence]];
    }
    if (kind.helper !== null) {
      return ["unknown", [
        "an orphaned helper of multiprocessing: any program may have left it",
        ...evidence,
      ]];
    }
    if (!usesRuntime(process)) return ["unknown", ["not an actor", ...evidence]];
    return ["unknown", ["may be a running application", ...evidence]];
  }

  /**
   * What is known to come from a test and has nobody above it. That proves an origin; some of it is
   * meant to stay.
   */
  #judgeStarted(process: DetailedProcess, evidence: readonly string[]): Finding {
    const shared = sharedDaemon(process);
    if (shared) {
      return ["unknown", [
        `is ${shared.name}, which a test only woke: ${shared.reason}`,
        ...evidence,
      ]];
    }
    if (isInteractiveShell(process)) {
      return ["unknown", ["a shell that somebody may type into", ...evidence]];
    }
    if (this.#view.isHook && !this.#isOfCheckout(process)) {
      return ["unknown", [
        "works outside of this checkout: a hook leaves it to `tractest zombies --kill`",
        ...evidence,
      ]];
    }
    return ["leaked", evidence];
  }

  #isOfCheckout(process: DetailedProcess): boolean {
    const { argv, place } = process;
    const own = `${this.#view.root}/`;
    if (place === "checkout" || this.#venvOf(process) !== null || this.#startedFromVenv(process)) {
      return true;
    }
    return argv?.[0]?.startsWith(own) === true ||
      (argv !== null && pythonTarget(argv).value.startsWith(own));
  }

  /** Whether a process belongs to this project, and what says so. */
  #ties(process: DetailedProcess): [boolean | null, string[]] {
    if (process.sameNamespaces === false) {
      return [false, ["in another mount or pid namespace (a container)"]];
    }
    const recorded = this.#seen.ledger?.get(process.pid);
    const proof = recorded?.mark === "test" ? undefined : recorded;
    if (process.place === "other-project" && !proof) {
      return [false, [`works in another project: ${process.cwd}`]];
    }
    const venv = this.#venvOf(process);
    const ties = [
      ...(proof ? [originOf(proof)] : []),
      ...(recorded?.mark === "test" && recorded.isFileHere &&
          !usesOtherVenv(process, this.#view.venvs)
        ? ["the test's file is in this project"]
        : []),
      ...(process.place === "checkout" ? [`works in ${process.cwd}`] : []),
      ...(venv ? [`maps files of ${venv}`] : []),
      ...(venv === null && this.#startedFromVenv(process)
        ? [`started as ${process.argv![0]}`]
        : []),
    ];
    if (recorded?.mark === "test") ties.push(originOf(recorded));
    if (recorded?.mark === "test" && ties.length === 1) {
      return this.#wasHere(process) ? [null, ties] : [false, [`${ties[0]}, of another project`]];
    }
    if (ties.length > 0) {
      return process.sameNamespaces === null
        ? [null, ["its namespaces can't be read", ...ties]]
        : [true, ties];
    }
    if (process.place === "gone") {
      return this.#wasHere(process)
        ? [null, [`worked in ${process.cwd}`]]
        : [false, [`worked in ${process.cwd}`]];
    }
    if (process.mapped === null || process.place === "unknown") {
      return [null, ["neither its directory nor its files can be read"]];
    }
    return [false, [`works in ${process.cwd}, maps nothing of this project`]];
  }

  #isRecorded(pid: number): boolean {
    return this.#seen.ledger?.has(pid) ?? false;
  }

  #wasHere(process: DetailedProcess): boolean {
    const cwd = process.cwd?.replace(/ \(deleted\)$/, "") ?? "";
    return cwd === this.#view.root || cwd.startsWith(`${this.#view.root}/`);
  }

  #venvOf(process: DetailedProcess): string | null {
    return this.#view.venvs.find((venv) =>
      process.mapped?.some((path) => path.startsWith(`${venv}/`))
    ) ?? null;
  }

  #startedFromVenv(process: DetailedProcess): boolean {
    const program = process.argv?.[0] ?? "";
    return this.#view.venvs.some((venv) => program.startsWith(`${venv}/`));
  }

  /**
   * Who above a process keeps it from being a leak. Nobody does only if everything above it is
   * proven gone, an adopter, or leaked itself.
   */
  #guardian(process: DetailedProcess): Guardian {
    const known = this.#guardians.get(process.pid);
    if (known) return known;
    this.#guardians.set(process.pid, unknownAbove(process.pid, "what is above it is a loop"));
    const found = this.#findGuardian(process);
    this.#guardians.set(process.pid, found);
    return found;
  }

  #findGuardian(process: DetailedProcess): Guardian {
    const { forest, details } = this.#seen;
    const run = this.#runOf(process.pid);
    if (run?.kind === "run") return run;
    const row = forest.get(process.pid);
    if (!row) return unknownAbove(process.pid, "what is above it can't be read");
    const pytest = this.#pytestOver(process);
    if (pytest !== null) {
      return { kind: "pytest", pid: pytest, evidence: `in use by pytest pid ${pytest}` };
    }
    if (run) return run;
    const runner = this.#runnerOf(process);
    if (runner !== null) {
      return unknownAbove(runner, `pid ${runner} runs tests, and may have started it`);
    }
    // As it is now: since the list was made it may have lost its parent.
    const { ppid } = process;
    const parent = forest.get(ppid);
    if (ppid === 0) return unknownAbove(0, "its parent is outside of this pid namespace");
    const user = this.#userOfFork(process);
    if (user !== null) {
      return unknownAbove(user, `was forked by a server of what may be pid ${user}, which lives`);
    }
    if (parent) return this.#guardianBelow(process, parent, details.get(ppid) ?? null);
    // Where others' processes are hidden the first one is hidden too.
    if (ppid === 1 && isOfOtherSession(process, 1, null)) {
      return {
        kind: "none",
        evidence: aboveNothing(1, `, and its session was begun by pid ${process.session}`),
      };
    }
    return unknownAbove(ppid, `what is above it (pid ${ppid}) can't be read`);
  }

  /**
   * What a fork server forked for: the server is its parent, but the program that uses it leads its
   * session or process group.
   */
  #userOfFork({ pid, isForkedCopy, argv, session, group }: DetailedProcess): number | null {
    if (isForkedCopy !== true || argv === null || !FORK_SERVER.test(pythonTarget(argv).value)) {
      return null;
    }
    const isUser = (leader: number | undefined) => {
      const details = leader === undefined || leader === pid
        ? undefined
        : this.#seen.details.get(leader);
      return details !== undefined && details.state !== "Z" &&
        kindOf(details.argv, details.comm).isPython && !this.#isRecorded(details.pid);
    };
    return [group, session].find(isUser) ?? null;
  }

  /**
   * What may run the test that started a process, where nothing says which pytest that was; null
   * where all that lives is younger.
   */
  #runnerOf(process: DetailedProcess): number | null {
    if (this.#seen.ledger?.get(process.pid)?.mark !== "test") return null;
    for (const pid of this.#seen.runners ?? []) {
      const details = this.#seen.details.get(pid);
      if (pid === process.pid) continue;
      if (!details) return pid;
      const { isPytest, isPython } = kindOf(details.argv, details.comm);
      if (!isPytest && !isPython) continue;
      const isYounger = details.startTicks !== null && process.startTicks !== null &&
        details.startTicks > process.startTicks;
      // One that is leaked runs tests for nobody. A fork whose origin is unknown may be a pytest
      // that detached itself.
      if (!isYounger && (!isPytest || this.judge(details).verdict !== "leaked")) return pid;
    }
    return null;
  }

  /** The run that goes on and that recorded a process; what it records it may still use. */
  #runOf(pid: number): Guardian | null {
    const run = this.#seen.live?.get(pid);
    if (run === undefined) return null;
    if (run === null) {
      return unknownAbove(pid, "a run recorded it, and whether that is over can't be read");
    }
    const test = run.test === null ? "" : ` (test ${run.test})`;
    return { kind: "run", pid, evidence: `in use by run ${run.runId}${test}, which goes on` };
  }

  /**
   * The live pytest that is above a process, whatever is between, or that leads its session or
   * process group.
   */
  #pytestOver(process: DetailedProcess): number | null {
    const { forest } = this.#seen;
    for (
      const pid of new Set([
        ...forest.ancestorsOf(process.pid),
        process.ppid,
        ...forest.ancestorsOf(process.ppid),
      ])
    ) {
      // As the first process of a namespace it adopts what others leave: then what a run that is
      // over recorded is not its own.
      if (pid === 1 && this.#isRecorded(process.pid)) continue;
      if (this.#isLivePytest(pid)) return pid;
    }
    // A number of a session or a group is not given to another process while any is in it.
    const leaders = [process.session, process.group].filter((pid) =>
      pid !== undefined && pid > 1 && pid !== process.pid
    );
    return leaders.find((pid) => this.#isLivePytest(pid!)) ?? null;
  }

  #isLivePytest(pid: number): boolean {
    const details = this.#seen.details.get(pid);
    if (details) return this.#pytestStanding(details) === "live";
    const row = this.#seen.forest.get(pid);
    return row !== undefined && row.uid !== this.#view.uid &&
      kindOf(row.args.split(" "), "").isPytest;
  }

  /**
   * Whether a process with pytest's command line is one that runs, or what a test of a run that is
   * over forked and left.
   */
  #pytestStanding(process: DetailedProcess): "live" | "left" | "unknown" | null {
    if (!kindOf(process.argv, process.comm).isPytest) return null;
    if (!this.#isForkOrRecorded(process)) return "live";
    const guardian = this.#guardian(process);
    if (guardian.kind === "none") return this.#isRecorded(process.pid) ? "left" : "unknown";
    return guardian.kind === "unknown" ? "unknown" : "live";
  }

  #isForkOrRecorded(process: DetailedProcess): boolean {
    return process.isForkedCopy === true || this.#isRecorded(process.pid);
  }

  /**
   * What a living parent means: it is leaked itself, has only adopted the process, or it is, or may
   * be, what uses it.
   */
  #guardianBelow(
    process: DetailedProcess,
    parent: ProcessRow,
    details: DetailedProcess | null,
  ): Guardian {
    const { pid } = parent;
    const kind = details ? kindOf(details.argv, details.comm) : kindOf(parent.args.split(" "), "");
    const name = details?.comm ?? baseName(parent.args.split(" ")[0]!);
    const isOwn = parent.uid === this.#view.uid;
    if (isOwn && !details) return unknownAbove(pid, `what is above it (pid ${pid}) can't be read`);
    const run = this.#runOf(pid);
    if (run) return run;
    const adopted = this.#adoptedBy(process, parent, details);
    if (adopted !== null) return { kind: "none", evidence: aboveNothing(pid, adopted) };
    const shared = details && this.#isRecorded(process.pid) ? sharedDaemon(details) : null;
    if (shared) {
      return unknownAbove(pid, `its parent, pid ${pid}, is ${shared.name}: ${shared.reason}`);
    }
    if (details && isOwn && this.#isRecorded(pid) && isInteractiveShell(details)) {
      return {
        kind: "by-hand",
        pid,
        evidence: `was started by hand: its parent is ${name}, pid ${pid}`,
      };
    }
    const mayBeLeft = isOwn && details !== null && pid !== 1 &&
      (kind.signature !== null || kind.helper !== null || kind.isPytest || this.#isRecorded(pid) ||
        this.#isLeakedRoot(details, kind));
    if (mayBeLeft) {
      const above = this.#guardian(details);
      // With nobody above it either, it is nobody only if it is leaked: not another project's, and
      // not one whose origin is unknown.
      if (above.kind !== "none" || this.judge(details).verdict === "leaked") return above;
      if (kind.isPytest) {
        return unknownAbove(
          pid,
          `its parent, pid ${pid}, has pytest's command line, and no run here recorded that`,
        );
      }
      return unknownAbove(
        pid,
        `its parent, pid ${pid} (${name}), is alive, and not known to be leaked`,
      );
    }
    if (pid !== 1 && kind.isShellOrDebugger) {
      return {
        kind: "by-hand",
        pid,
        evidence: `was started by hand: its parent is ${name}, pid ${pid}`,
      };
    }
    if (isOwn && details!.mapped === null) {
      return unknownAbove(pid, `what is above it (pid ${pid}) can't be read`);
    }
    if (
      kind.isPython ||
      (details !== null && (usesRuntime(details) || this.#venvOf(details) !== null))
    ) {
      return { kind: "application", pid, evidence: `belongs to a live application: pid ${pid}` };
    }
    return unknownAbove(pid, `its parent, pid ${pid} (${name}), is alive, and may have started it`);
  }

  /**
   * What proves that a process was adopted by its parent, and not started by it; null where nothing
   * does.
   */
  #adoptedBy(
    process: DetailedProcess,
    parent: ProcessRow,
    details: DetailedProcess | null,
  ): string | null {
    const { pid } = parent;
    const recorded = this.#seen.ledger?.get(process.pid);
    const since = recorded?.since ?? null;
    const ticks = details?.startTicks ?? null;
    // What a run recorded came from that run: what is older has started none of it.
    const isOfTest = recorded?.mark === "test";
    // Both may be what the same test started: then one may have started the other.
    if (isOfTest && this.#seen.ledger?.get(pid)?.id === recorded.id) return null;
    // Some servers start their workers with the environment of whoever asks: only what was seen
    // below a run proves that much.
    const isOlder = recorded?.mark === undefined && ticks !== null && since !== null &&
      ticks < since;
    if (recorded && !isOfTest && (pid === 1 || isOlder)) {
      return ", older than the run that recorded it";
    }
    if (ticks !== null && process.startTicks !== null && ticks > process.startTicks) {
      return ", which is younger";
    }
    // An application that adopts may well use what a process between has started for it.
    if (!mayUse(parent, details) && isOfOtherSession(process, pid, details)) {
      return `, and its session was begun by pid ${process.session}`;
    }
    const kind = kindOf(process.argv, process.comm);
    // A service is started by such a program; an actor never is.
    const isNoService = kind.signature !== null || recorded !== undefined ||
      this.#isLeakedRoot(process, kind);
    return isNoService && isAdopter(parent, details) && this.#isBelowAdopters(pid)
      ? ` (${details?.comm ?? baseName(parent.args.split(" ")[0]!)}), which adopts orphans`
      : null;
  }

  /**
   * Whether all above a process adopts, or is leaked: an init that a live program runs adopts for
   * that.
   */
  #isBelowAdopters(pid: number): boolean {
    const { forest, details } = this.#seen;
    return forest.ancestorsOf(pid).every((above) => {
      const [row, known] = [forest.get(above), details.get(above)];
      return row !== undefined &&
        (isAdopter(row, known ?? null) ||
          (known !== undefined && this.judge(known).verdict === "leaked"));
    });
  }

  /**
   * An untitled Python on tractor, in pytest's temporary directory or on record: a server that a
   * fixture or a test started.
   */
  #isLeakedRoot(process: DetailedProcess, kind: Kind): boolean {
    const isOfRun = process.place === "pytest-temporary" || this.#isRecorded(process.pid);
    return isOfRun && kind.isPython && !kind.isPytest && usesRuntime(process) &&
      this.#venvOf(process) !== null;
  }

  /** The nearest actor above a process. */
  #actorAbove(process: DetailedProcess): number | null {
    for (const pid of this.#seen.forest.ancestorsOf(process.pid)) {
      const details = this.#seen.details.get(pid);
      if (details && kindOf(details.argv, details.comm).signature) return pid;
    }
    return null;
  }
}

/** A verdict with what led to it, and the live pytest that uses the process. */
type Finding = readonly [verdict: Verdict, evidence: readonly string[], pytest?: number | null];

function unknownAbove(pid: number, evidence: string): Guardian {
  return { kind: "unknown", pid, evidence };
}

function aboveNothing(parent: number, how: string): string {
  return `no live pytest or application above it: its parent is pid ${parent}${how}`;
}

/**
 * Whether a parent may be an application that uses what is below it: any Python, and whatever uses
 * tractor's modules.
 */
function mayUse(parent: ProcessRow, details: DetailedProcess | null): boolean {
  if (details === null) return kindOf(parent.args.split(" "), "").isPython;
  return kindOf(details.argv, details.comm).isPython || isPythonName(details.comm) ||
    usesRuntime(details);
}

/**
 * Whether a process is in a session that its parent can't have given it. A session is inherited,
 * and can only be left for a new one of one's own: who is in a third process's session was started
 * by somebody else than a parent that was never in it.
 */
function isOfOtherSession(
  { pid, session }: DetailedProcess,
  parent: number,
  details: DetailedProcess | null,
): boolean {
  if (session === undefined || session === pid || session === parent) return false;
  if (parent === 1) return session > 1;
  return details?.session !== undefined && details.session !== session &&
    details.session !== parent;
}

function isAdopter(parent: ProcessRow, details: DetailedProcess | null): boolean {
  const names = [details?.comm, baseName(parent.args.split(" ")[0]!)];
  const rows: readonly AdopterRow[] = ADOPTERS;
  return rows.some((row) =>
    (row.as === "any" || parent.pid === 1) &&
    names.some((name) => name !== undefined && row.name.test(name))
  );
}

/** Which run or test a process came from, and how that is known. */
function originOf({ runId, test, id, mark }: Recorded): string {
  if (mark === "test") return `started by test ${id ?? "unknown"}, as its environment says`;
  if (mark === "run") {
    return `started by ${
      test === null ? "the pytest" : `test ${test}`
    } of run ${runId}, as its environment says`;
  }
  return `recorded by run ${runId}${test === null ? "" : ` (test ${test})`}`;
}

/** Whether it uses what is installed for another project. */
function usesOtherVenv(process: DetailedProcess, venvs: readonly string[]): boolean {
  const prefixes = (process.mapped ?? []).map((path) =>
    /^(.*)\/lib(?:64)?\/[^/]+\/site-packages\//.exec(path)?.[1]
  );
  return prefixes.some((prefix) => prefix !== undefined && !venvs.includes(prefix));
}

/** Whether it maps what every program on tractor maps. */
function usesRuntime(process: DetailedProcess): boolean {
  return process.mapped?.some((path) =>
    RUNTIME_EXTENSIONS.some((name) => path.includes(`/${name}/`))
  ) ?? false;
}
