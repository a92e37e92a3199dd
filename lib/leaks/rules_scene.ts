import type { Forest } from "../processes/forest.ts";
import type { DetailedProcess } from "../processes/process.ts";
import { type Kind, kindOf } from "./rules_actor.ts";
import type { Recorded } from "./rules_ledger.ts";
import { mappedVenv, type ProjectPaths, usesRuntime } from "./rules_ties.ts";

/** The project from which processes are judged, and who asks. */
export interface Viewpoint extends ProjectPaths {
  readonly uid: number;
  /** Pids of this program and of all above it. */
  readonly ownPids: ReadonlySet<number>;
  /**
   * A hook runs unattended: what is known by its origin alone counts as leaked only if it also
   * belongs to the checkout.
   */
  readonly isHook?: boolean;
}

/** All that was seen. Processes without details are known by their row alone. */
export interface Seen {
  readonly forest: Forest;
  readonly details: ReadonlyMap<number, DetailedProcess>;
  /** Those that finished runs have recorded, each identified beyond its pid. */
  readonly ledger?: ReadonlyMap<number, Recorded>;
  /** Those that unfinished runs have recorded; null where it is unknown whether a run finished. */
  readonly live?: ReadonlyMap<number, Recorded | null>;
  /** Pytests, and what else may run tests, whoever started them. */
  readonly runners?: ReadonlySet<number>;
}

/** All that was seen from one project, with the questions that several rules ask. */
export class Scene {
  constructor(readonly view: Viewpoint, readonly seen: Seen) {}

  /** Whether a finished run recorded a process, or its environment names one or a test. */
  isRecorded(pid: number): boolean {
    return this.seen.ledger?.has(pid) ?? false;
  }

  /**
   * Whether a process is an untitled Python on tractor, in pytest's temporary directory or on
   * record: a server that a fixture or a test started.
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

/** What the rules that look at one process ask about another one: whether it is leaked itself. */
export type IsLeaked = (process: DetailedProcess) => boolean;
