import type { JudgedProcess, ProcessDetails, Verdict } from "./types.ts";
import type { Recorded } from "./ledger.ts";
import { type Kind, kindOf } from "./actor.ts";
import { RUNTIME_EXTENSIONS } from "../../tables/actor_signatures.ts";

/** What is known of one project and of who asks. Paths absolute, symlinks resolved. */
export interface Viewpoint {
  readonly root: string;
  /** Venvs of this project, resolved. */
  readonly venvs: readonly string[];
  readonly uid: number;
  /** Pids of this program and of all above it. */
  readonly ownPids: ReadonlySet<number>;
}

/** A row of the forest: who started whom. */
export interface ForestRow {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly state: string;
  readonly args: string;
}

/** All that was seen. Processes without details are known by their row alone. */
export interface Seen {
  readonly forest: ReadonlyMap<number, ForestRow>;
  readonly details: ReadonlyMap<number, ProcessDetails>;
  /** Those that runs which are over have recorded, each identified beyond its pid. */
  readonly ledger?: ReadonlyMap<number, Recorded>;
}

/** Who stands above a process, so that it is no leak. */
type Guardian =
  | { readonly kind: "none"; readonly evidence: string }
  | { readonly kind: "pytest" | "application" | "by-hand" | "self" | "unknown"; readonly pid: number; readonly evidence: string };

/** A verdict with what led to it. */
export interface Judged extends JudgedProcess {
  readonly kind: Kind;
  /** The live pytest that it is or that is above it, of this project or another. */
  readonly pytest: number | null;
}

/** The pids above a process, nearest first; stops at what is not in the forest, and at a loop. */
export function ancestorsOf(pid: number, forest: ReadonlyMap<number, ForestRow>): number[] {
  const above: number[] = [];
  for (let row = forest.get(pid); row && row.ppid > 0 && !above.includes(row.ppid) && row.ppid !== pid; row = forest.get(row.ppid)) {
    above.push(row.ppid);
  }
  return above;
}

/** The pids below a process, parents before children. */
export function descendantsOf(pid: number, forest: ReadonlyMap<number, ForestRow>): number[] {
  const children = Map.groupBy(forest.values(), (row) => row.ppid);
  const below: number[] = [];
  const seen = new Set([pid]);
  for (let next = [pid]; next.length > 0;) {
    next = next.flatMap((one) => children.get(one)?.map((row) => row.pid) ?? []).filter((one) => !seen.has(one));
    for (const one of next) seen.add(one);
    below.push(...next);
  }
  return below;
}

/** Judges processes of one project by what was seen of them and of all above them. */
export class Judge {
  #view: Viewpoint;
  #seen: Seen;

  constructor(view: Viewpoint, seen: Seen) {
    this.#view = view;
    this.#seen = seen;
  }

  /** The verdict on a process of which the details were read. */
  judge(process: ProcessDetails): Judged {
    const kind = kindOf(process.argv, process.comm);
    const { pid, startTicks, title, uid } = process;
    const of = (ours: boolean | null, verdict: Verdict, evidence: readonly string[], pytest: number | null = null): Judged => ({
      pid,
      startTicks,
      title,
      uid,
      ours,
      verdict,
      evidence,
      kind,
      pytest,
    });
    const [ours, tie] = this.#ties(process);
    if (uid !== this.#view.uid) return of(ours, "foreign", [`belongs to uid ${uid}; not touched`]);
    if (this.#view.ownPids.has(pid)) return of(ours, "in-use", ["this program, or one above it"]);
    if (ours === false) return of(false, "foreign", tie);
    if (kind.isPytest) return of(ours, "in-use", ["is a live pytest", ...tie], pid);
    if (process.place === "gone" && !this.#isRecorded(pid)) return of(ours, "unknown", ["its directory is gone", ...tie]);
    if (ours === null) return of(null, "unknown", tie);
    const guardian = this.#guardian(process);
    const evidence = [...(kind.signature ? [kind.signature.name] : []), ...tie, guardian.evidence];
    if (guardian.kind === "unknown") return of(true, "unknown", evidence);
    if (guardian.kind !== "none") return of(true, "in-use", evidence, guardian.kind === "pytest" ? guardian.pid : null);
    if (startTicks === null) return of(true, "unknown", ["identity unknown", ...evidence]);
    if (kind.signature) return of(true, "leaked", evidence);
    if (this.#isLeakedRoot(process, kind)) {
      const where = this.#isRecorded(pid) ? "that a run left" : "in pytest's temporary directory";
      return of(true, "leaked", [`a Python on tractor ${where}`, ...evidence]);
    }
    if (!usesRuntime(process)) return of(true, "unknown", ["no actor, as far as can be told", ...evidence]);
    const actor = this.#actorAbove(process);
    if (actor !== null) return of(true, "leaked", [`started by the leaked actor ${actor}`, ...evidence]);
    return of(true, "unknown", ["a live application, as far as can be told", ...evidence]);
  }

  /** Whether a process belongs to this project, and what says so. */
  #ties(process: ProcessDetails): [boolean | null, string[]] {
    if (process.sameNamespaces === false) return [false, ["in another mount or pid namespace (a container)"]];
    const recorded = this.#seen.ledger?.get(process.pid);
    if (process.place === "other-project" && !recorded) return [false, [`works in another project: ${process.cwd}`]];
    const venv = this.#venvOf(process);
    const ties = [
      ...(recorded ? [`recorded by run ${recorded.runId}${recorded.test === null ? "" : ` (test ${recorded.test})`}`] : []),
      ...(process.place === "checkout" ? [`works in ${process.cwd}`] : []),
      ...(venv ? [`maps files of ${venv}`] : []),
      ...(venv === null && this.#startedFromVenv(process) ? [`started as ${process.argv![0]}`] : []),
    ];
    if (ties.length > 0) return process.sameNamespaces === null ? [null, ["its namespaces can't be read", ...ties]] : [true, ties];
    if (process.place === "gone") return this.#wasHere(process) ? [null, [`worked in ${process.cwd}`]] : [false, [`worked in ${process.cwd}`]];
    if (process.mapped === null || process.place === "unknown") return [null, ["neither its directory nor its files can be read"]];
    return [false, [`works in ${process.cwd}, maps nothing of this project`]];
  }

  #isRecorded(pid: number): boolean {
    return this.#seen.ledger?.has(pid) ?? false;
  }

  #wasHere(process: ProcessDetails): boolean {
    const cwd = process.cwd?.replace(/ \(deleted\)$/, "") ?? "";
    return cwd === this.#view.root || cwd.startsWith(`${this.#view.root}/`);
  }

  #venvOf(process: ProcessDetails): string | null {
    return this.#view.venvs.find((venv) => process.mapped?.some((path) => path.startsWith(`${venv}/`))) ?? null;
  }

  #startedFromVenv(process: ProcessDetails): boolean {
    const program = process.argv?.[0] ?? "";
    return this.#view.venvs.some((venv) => program.startsWith(`${venv}/`));
  }

  /** Walks up from a process to the first that keeps it from being a leak. */
  #guardian(process: ProcessDetails): Guardian {
    const { forest } = this.#seen;
    if (!forest.has(process.pid)) return { kind: "unknown", pid: process.pid, evidence: "what is above it can't be read" };
    const above = ancestorsOf(process.pid, forest);
    // A pytest anywhere above decides, whatever is between.
    for (const pid of above) {
      const details = this.#seen.details.get(pid);
      // As the first process of a namespace it adopts what others leave: then what a run that is over recorded is not its own.
      if (pid === 1 && this.#isRecorded(process.pid)) continue;
      if (details && kindOf(details.argv, details.comm).isPytest) return { kind: "pytest", pid, evidence: `in use by pytest pid ${pid}` };
    }
    for (const pid of above) {
      const details = this.#seen.details.get(pid);
      const row = forest.get(pid);
      // Another user's process (init, a session manager) can have adopted it but not started it.
      if (row ? row.uid !== this.#view.uid : pid === 1) break;
      if (!details) return { kind: "unknown", pid, evidence: `what is above it (pid ${pid}) can't be read` };
      const parent = kindOf(details.argv, details.comm);
      if (parent.signature || this.#isRecorded(pid)) continue;
      if (pid === 1 && parent.isPytest && this.#isRecorded(process.pid)) break;
      // Reached only past actors and leaked roots, so it is the parent of one. Such programs adopt nobody, except as pid 1.
      if (pid !== 1 && parent.isShellOrDebugger) {
        return { kind: "by-hand", pid, evidence: `was started by hand: its parent is ${details.comm}, pid ${pid}` };
      }
      if (details.mapped === null) {
        if (pid === 1 && !parent.isPython) break;
        return { kind: "unknown", pid, evidence: `what is above it (pid ${pid}) can't be read` };
      }
      if (!sharesVenv(details, process)) break;
      if (this.#isLeakedRoot(details, parent)) continue;
      if (this.#actorAbove(details) !== null) continue;
      return { kind: "application", pid, evidence: `belongs to a live application: pid ${pid}` };
    }
    return { kind: "none", evidence: `no live pytest or application above it: its parent is pid ${above[0] ?? 0}` };
  }

  /** An untitled Python on tractor, in pytest's temporary directory or on record: a server that a fixture or a test started. */
  #isLeakedRoot(process: ProcessDetails, kind: Kind): boolean {
    const isOfRun = process.place === "pytest-temporary" || this.#isRecorded(process.pid);
    return isOfRun && kind.isPython && !kind.isPytest && usesRuntime(process) && this.#venvOf(process) !== null;
  }

  /** The nearest actor above a process. */
  #actorAbove(process: ProcessDetails): number | null {
    for (const pid of ancestorsOf(process.pid, this.#seen.forest)) {
      const details = this.#seen.details.get(pid);
      if (details && kindOf(details.argv, details.comm).signature) return pid;
    }
    return null;
  }
}

/** Whether it maps what every program on tractor maps. */
function usesRuntime(process: ProcessDetails): boolean {
  return process.mapped?.some((path) => RUNTIME_EXTENSIONS.some((name) => path.includes(`/site-packages/${name}/`))) ?? false;
}

/** Whether `parent` can have started `child`: it maps compiled modules of a venv that the child uses too. */
function sharesVenv(parent: ProcessDetails, child: ProcessDetails): boolean {
  const prefixes = sitePackages(parent);
  if (prefixes.length === 0) return false;
  const program = child.argv?.[0] ?? "";
  const used = sitePackages(child);
  // The child shows nothing of the sort (a helper process): then any parent that does may be its own.
  if (used.length === 0) return prefixes.some((prefix) => program.startsWith(`${prefix}/`)) || usesRuntime(parent);
  return prefixes.some((prefix) => used.includes(prefix));
}

/** The prefixes whose site-packages a process maps something of. */
function sitePackages(process: ProcessDetails): string[] {
  const prefixes = (process.mapped ?? []).map((path) => /^(.*)\/lib(?:64)?\/[^/]+\/site-packages\//.exec(path)?.[1]);
  return [...new Set(prefixes.filter((prefix) => prefix !== undefined))];
}
