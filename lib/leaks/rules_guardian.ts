import type { DetailedProcess } from "../processes/process.ts";
import { FORK_SERVER, XDIST_WORKER } from "./actor_signatures.ts";
import { type Kind, kindOf, pythonTarget } from "./rules_actor.ts";
import { adoptionOf, isOfOtherSession, type Parent, programOf } from "./rules_adoption.ts";
import type { IsLeaked, Scene } from "./rules_scene.ts";
import { isInteractiveShell, sharedDaemon } from "./rules_started.ts";
import { mappedVenv, usesRuntime } from "./rules_ties.ts";

/** What above a process keeps it from being a leak. */
export type Guardian =
  | { readonly kind: "none"; readonly evidence: string }
  | {
    readonly kind: "pytest" | "run" | "application" | "by-hand" | "unknown";
    readonly pid: number;
    readonly evidence: string;
  };

/** A process with pytest's command line: a running one, or what a test forked and left. */
export type PytestStanding = "live" | "left" | "unknown";

/**
 * Finds what above each process keeps it from being a leak. Nothing does only if everything above
 * it is proven gone, an adopter, or leaked itself.
 */
export class Guardians {
  readonly #found = new Map<number, Guardian>();

  constructor(private readonly scene: Scene, private readonly isLeaked: IsLeaked) {}

  /** The guardian of a process. */
  of(process: DetailedProcess): Guardian {
    const known = this.#found.get(process.pid);
    if (known) return known;
    this.#found.set(process.pid, unknownAbove(process.pid, "its parents form a loop"));
    const found = this.#find(process);
    this.#found.set(process.pid, found);
    return found;
  }

  /** Whether a process with pytest's command line runs tests; null for any other process. */
  pytestStanding(process: DetailedProcess): PytestStanding | null {
    if (!kindOf(process.argv, process.comm).isPytest) return null;
    if (!this.isForkOrRecorded(process)) return "live";
    const guardian = this.of(process);
    if (guardian.kind === "none") return this.scene.isRecorded(process.pid) ? "left" : "unknown";
    return guardian.kind === "unknown" ? "unknown" : "live";
  }

  /** Whether a process may be what a test left, though its command line is that of pytest. */
  isForkOrRecorded(process: DetailedProcess): boolean {
    return process.isForkedCopy === true || this.scene.isRecorded(process.pid);
  }

  #find(process: DetailedProcess): Guardian {
    const { forest, details } = this.scene.seen;
    const run = this.#runOf(process.pid);
    if (run?.kind === "run") return run;
    if (!forest.has(process.pid)) return unknownAbove(process.pid, "its parent can't be read");
    const pytest = this.#pytestOver(process);
    if (pytest !== null) {
      return { kind: "pytest", pid: pytest, evidence: `in use by pytest pid ${pytest}` };
    }
    if (run) return run;
    const runner = this.runnerOf(process);
    if (runner !== null) {
      return unknownAbove(runner, this.#mayHaveStarted(runner));
    }
    // Its details are newer than the list: it may have lost its parent since.
    const { ppid } = process;
    if (ppid === 0) return unknownAbove(0, "its parent is outside of this pid namespace");
    const user = this.#userOfFork(process);
    if (user !== null) {
      const evidence = `forked by a server that may belong to pid ${user}, which is running`;
      return unknownAbove(user, evidence);
    }
    const row = forest.get(ppid);
    if (row) return this.#guardianBelow(process, { row, details: details.get(ppid) ?? null });
    // Where other users' processes are hidden the first one is hidden too.
    if (ppid === 1 && isOfOtherSession(process, 1, null)) {
      return noneAbove(1, `, and its session was begun by pid ${process.session}`);
    }
    return unreadable(ppid);
  }

  /**
   * The program for which a fork server forked a process: the server is the parent, but the program
   * that uses it leads the session or process group.
   */
  #userOfFork({ pid, isForkedCopy, argv, session, group }: DetailedProcess): number | null {
    if (isForkedCopy !== true || argv === null || !FORK_SERVER.test(pythonTarget(argv).value)) {
      return null;
    }
    const isUser = (leader: number | undefined) => {
      if (leader === undefined || leader === pid) return false;
      const details = this.scene.seen.details.get(leader);
      return details !== undefined && details.state !== "Z" &&
        kindOf(details.argv, details.comm).isPython && !this.scene.isRecorded(leader);
    };
    return [group, session].find(isUser) ?? null;
  }

  /** What may run the test that started a process, where the environment names no run. */
  runnerOf(process: DetailedProcess): number | null {
    const { details, ledger, runners } = this.scene.seen;
    if (ledger?.get(process.pid)?.mark !== "test") return null;
    return [...runners?.keys() ?? []].find((pid) => {
      const runner = details.get(pid);
      if (pid === process.pid) return false;
      return !runner || this.#mayRunTestOf(process, runner);
    }) ?? null;
  }

  #mayHaveStarted(runner: number): string {
    const { details, runners } = this.scene.seen;
    const why = runners!.get(runner) ?? null;
    if (why !== null) return `pid ${runner} may have started it: ${why}`;
    const pytest = details.get(runner);
    return pytest !== undefined && this.pytestStanding(pytest) === "unknown"
      ? `pid ${runner}, a fork with pytest's command line, may run tests and have started it`
      : `pid ${runner} runs tests, and may have started it`;
  }

  #mayRunTestOf(process: DetailedProcess, runner: DetailedProcess): boolean {
    const isYounger = runner.startTicks !== null && process.startTicks !== null &&
      runner.startTicks > process.startTicks;
    // A leaked one runs no tests any more. A fork of unknown origin may be a pytest that detached
    // itself.
    return !isYounger && !this.isLeaked(runner) && !this.#isWorkerLeft(runner);
  }

  /** A worker of pytest-xdist whose pytest is gone ends by itself, and runs no other test. */
  #isWorkerLeft(process: DetailedProcess): boolean {
    return XDIST_WORKER.test(process.args) && this.of(process).kind === "none";
  }

  /** The unfinished run that recorded a process, which it may still use. */
  #runOf(pid: number): Guardian | null {
    const run = this.scene.seen.live?.get(pid);
    if (run === undefined) return null;
    if (run === null) {
      return unknownAbove(pid, "recorded by a run, and whether that has finished can't be read");
    }
    const test = run.test === null ? "" : ` (test ${run.test})`;
    return { kind: "run", pid, evidence: `in use by run ${run.runId}${test}, which is running` };
  }

  /** The live pytest above a process, at any distance, or that leads its session or group. */
  #pytestOver({ pid, ppid, session, group }: DetailedProcess): number | null {
    const { forest } = this.scene.seen;
    const above = [...forest.ancestorsOf(pid), ppid, ...forest.ancestorsOf(ppid)];
    // As the first process of a namespace a pytest adopts what others leave: then what a finished
    // run recorded is not its own.
    const isFirst = (one: number) => one === 1 && this.scene.isRecorded(pid);
    const nearest = above.find((one) => !isFirst(one) && this.#isLivePytest(one));
    if (nearest !== undefined) return nearest;
    // The number of a session or a group is not reused while any process is in it.
    const leaders = [session, group].filter((leader) => leader !== undefined);
    return leaders.find((leader) => leader > 1 && leader !== pid && this.#isLivePytest(leader)) ??
      null;
  }

  #isLivePytest(pid: number): boolean {
    const { forest, details } = this.scene.seen;
    const known = details.get(pid);
    if (known) return this.pytestStanding(known) === "live";
    const row = forest.get(pid);
    return row !== undefined && row.uid !== this.scene.view.uid &&
      kindOf(row.args.split(" "), "").isPytest;
  }

  /** A living parent is leaked itself, has only adopted the process, or may be what uses it. */
  #guardianBelow(process: DetailedProcess, parent: Parent): Guardian {
    const { scene } = this;
    const { row: { pid, uid, args }, details } = parent;
    const kind = details ? kindOf(details.argv, details.comm) : kindOf(args.split(" "), "");
    const isOwn = uid === scene.view.uid;
    if (isOwn && !details) return unreadable(pid);
    const run = this.#runOf(pid);
    if (run) return run;
    const adoption = adoptionOf(process, parent, scene, this.isLeaked);
    if (adoption !== null) return noneAbove(pid, adoption);
    const shared = details && scene.isRecorded(process.pid) ? sharedDaemon(details) : null;
    if (shared) {
      return unknownAbove(pid, `its parent, pid ${pid}, is ${shared.name}: ${shared.reason}`);
    }
    const isRecorded = isOwn && scene.isRecorded(pid);
    if (isRecorded && details && isInteractiveShell(details)) return byHand(parent);
    const mayBeLeft = isOwn && details !== null && pid !== 1 &&
      (kind.signature !== null || kind.helper !== null || kind.isPytest || isRecorded ||
        scene.isLeakedRoot(details, kind));
    if (mayBeLeft) return this.#guardianOfLeft(parent, details, kind);
    if (pid !== 1 && kind.isShellOrDebugger) return byHand(parent);
    if (isOwn && details!.mapped === null) return unreadable(pid);
    const isOnTractor = details !== null &&
      (usesRuntime(details) || mappedVenv(details, scene.view.venvs) !== null);
    if (kind.isPython || isOnTractor) {
      return { kind: "application", pid, evidence: `belongs to a running application: pid ${pid}` };
    }
    const name = programOf(parent);
    return unknownAbove(pid, `its parent, pid ${pid} (${name}), is alive and may have started it`);
  }

  /**
   * A parent without a guardian guards nothing only if it is leaked itself: not if it belongs to
   * another project, or its origin is unknown.
   */
  #guardianOfLeft(parent: Parent, details: DetailedProcess, { isPytest }: Kind): Guardian {
    const above = this.of(details);
    if (above.kind !== "none" || this.isLeaked(details)) return above;
    const { pid } = details;
    const evidence = isPytest
      ? `its parent, pid ${pid}, has pytest's command line, and no run here recorded that`
      : `its parent, pid ${pid} (${programOf(parent)}), is alive and not known to be leaked`;
    return unknownAbove(pid, evidence);
  }
}

function byHand(parent: Parent): Guardian {
  const { pid } = parent.row;
  const evidence = `was started by hand: its parent is ${programOf(parent)}, pid ${pid}`;
  return { kind: "by-hand", pid, evidence };
}

function unreadable(pid: number): Guardian {
  return unknownAbove(pid, `its parent (pid ${pid}) can't be read`);
}

function unknownAbove(pid: number, evidence: string): Guardian {
  return { kind: "unknown", pid, evidence };
}

function noneAbove(parent: number, how: string): Guardian {
  const evidence = `no live pytest or application above it: its parent is pid ${parent}${how}`;
  return { kind: "none", evidence };
}
