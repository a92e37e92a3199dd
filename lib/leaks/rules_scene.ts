import type { Forest } from "../processes/forest.ts";
import type { DetailedProcess } from "../processes/process.ts";
import { type Kind, kindOf } from "./rules_actor.ts";
import type { Recorded } from "./rules_ledger.ts";
import { mappedVenv, type ProjectPaths, usesRuntime } from "./rules_ties.ts";

/** The project for which processes are judged, and the user and command that judge them. */
export interface Viewpoint extends ProjectPaths {
  readonly uid: number;
  /** Pids of this program and of all above it. */
  readonly ownPids: ReadonlySet<number>;
  /**
   * A hook runs unattended: a process that is known only by its origin counts as leaked only if it
   * also belongs to the checkout.
   */
  readonly isHook?: boolean;
}

/** All that was read. Processes without details are known by their row of `ps` alone. */
export interface Seen {
  readonly forest: Forest;
  readonly details: ReadonlyMap<number, DetailedProcess>;
  /** Processes that finished runs recorded, identified by more than the pid. */
  readonly ledger?: ReadonlyMap<number, Recorded>;
  /** Processes that unfinished runs recorded; null where it is unknown whether the run finished. */
  readonly live?: ReadonlyMap<number, Recorded | null>;
  /** Pytests (null), and other processes that may run tests, with the reason. */
  readonly runners?: ReadonlyMap<number, string | null>;
}

/** All that was read for one project, with the questions that several rules ask. */
export class Scene {
  constructor(readonly view: Viewpoint, readonly seen: Seen) {}

  /** Whether a finished run recorded a process, or its environment names such a run or a test. */
  isRecorded(pid: number): boolean {
    return this.seen.ledger?.has(pid) ?? false;
  }

  /**
   * Whether a process is a Python with tractor and without a title, recorded or in pytest's
   * temporary directory: a server that a fixture or a test started.
   */
  isLeakedRoot(process: DetailedProcess, kind: Kind): boolean {
    const isOfRun = process.place === "pytest-temporary" || this.isRecorded(process.pid);
    return isOfRun && kind.isPython && !kind.isPytest && usesRuntime(process) &&
      mappedVenv(process, this.view.venvs) !== null;
  }

  /** The nearest actor above a process. */
  actorAbove({ pid }: DetailedProcess): number | null {
    return this.seen.forest.ancestorsOf(pid).find((above) => {
      const details = this.seen.details.get(above);
      return details && kindOf(details.argv, details.comm).signature;
    }) ?? null;
  }
}

/** Whether another process is leaked, for rules that judge one process. */
export type IsLeaked = (process: DetailedProcess) => boolean;
