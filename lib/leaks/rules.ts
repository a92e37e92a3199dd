import type { DetailedProcess } from "../processes/process.ts";
import type { JudgedProcess, Verdict } from "./leak_report.ts";
import { type Kind, kindOf } from "./rules_actor.ts";
import { Guardians } from "./rules_guardian.ts";
import { Scene, type Seen, type Viewpoint } from "./rules_scene.ts";
import { isInteractiveShell, sharedDaemon } from "./rules_started.ts";
import { isOfCheckout, tiesOf, usesRuntime } from "./rules_ties.ts";

/** A verdict with the facts that led to it. */
export interface Judged extends JudgedProcess {
  readonly kind: Kind;
  /** The live pytest that it is or that is above it, of this project or another. */
  readonly pytest: number | null;
  /** Whether an unfinished run of this project uses it, by its pytest or by its ledger. */
  readonly isOfLiveRun: boolean;
  /** The test that started it; null if unknown. */
  readonly test: string | null;
  /**
   * `started`: by a finished run, or by a test; `woken`: the same, and it is a daemon that serves
   * others too.
   */
  readonly origin: "started" | "woken" | null;
  /** Of an unknown one: the process that may run the test which started it; null: none. */
  readonly runner: number | null;
}

/** A verdict with its evidence, and the live pytest that uses the process. */
type Finding = readonly [verdict: Verdict, evidence: readonly string[], pytest?: number | null];

/** Judges processes of one project by what was seen of them and of all above them. */
export class Judge {
  readonly #scene: Scene;
  readonly #guardians: Guardians;

  constructor(view: Viewpoint, seen: Seen) {
    this.#scene = new Scene(view, seen);
    const isLeaked = (process: DetailedProcess) => this.#verdictOf(process)[0] === "leaked";
    this.#guardians = new Guardians(this.#scene, isLeaked);
  }

  /** The verdict on a process of which the details were read. */
  judge(process: DetailedProcess): Judged {
    const { seen } = this.#scene;
    const { pid, startTicks, args: title, uid } = process;
    const kind = kindOf(process.argv, process.comm);
    const [ours, [verdict, evidence, pytest = null]] = this.#examine(process, kind);
    const run = seen.live?.get(pid);
    const isUsed = pytest !== null || (run !== undefined && run !== null);
    const woken = sharedDaemon(process) === null ? "started" : "woken";
    return {
      ...{ pid, startTicks, title, uid, ours, verdict, evidence, kind, pytest },
      isOfLiveRun: ours === true && verdict === "in-use" && isUsed,
      test: (run ?? seen.ledger?.get(pid))?.test ?? null,
      origin: this.#scene.isRecorded(pid) ? woken : null,
      runner: verdict === "unknown" ? this.#guardians.runnerOf(process) : null,
    };
  }

  /**
   * The verdict alone. The rules that ask whether another process is leaked must not ask for its
   * runner, since that may be the process that they judge.
   */
  #verdictOf(process: DetailedProcess): Finding {
    return this.#examine(process, kindOf(process.argv, process.comm))[1];
  }

  #examine(process: DetailedProcess, kind: Kind): [ours: boolean | null, finding: Finding] {
    const { view, seen } = this.#scene;
    const [ours, ties] = tiesOf(process, view, seen.ledger?.get(process.pid));
    return [ours, this.#find(process, kind, ours, ties)];
  }

  #find(process: DetailedProcess, kind: Kind, ours: boolean | null, ties: string[]): Finding {
    const { pid, uid, place } = process;
    const { view } = this.#scene;
    if (uid !== view.uid) return ["foreign", [`belongs to uid ${uid}; not touched`]];
    if (view.ownPids.has(pid)) return ["in-use", ["this program, or one above it"]];
    if (ours === false) return ["foreign", ties];
    if (kind.isPytest) return this.#judgePytest(process, ours, ties);
    if (place === "gone" && !this.#scene.isRecorded(pid)) {
      return ["unknown", ["its directory is gone", ...ties]];
    }
    return ours === null ? ["unknown", ties] : this.#judgeOurs(process, kind, ties);
  }

  #judgePytest(process: DetailedProcess, ours: boolean | null, ties: readonly string[]): Finding {
    const { pid, startTicks, place } = process;
    const standing = this.#guardians.pytestStanding(process);
    if (standing === "live") {
      const guardian = this.#guardians.isForkOrRecorded(process)
        ? this.#guardians.of(process)
        : null;
      return guardian?.kind === "pytest"
        ? ["in-use", [guardian.evidence, ...ties], guardian.pid]
        : ["in-use", ["is a live pytest", ...ties], pid];
    }
    const evidence = [...ties, this.#guardians.of(process).evidence];
    if (standing === "left" && ours === true && startTicks !== null && place !== "unknown") {
      return ["leaked", ["has pytest's command line, and its run has finished", ...evidence]];
    }
    const why = "a fork with pytest's command line, of a pytest that no run here recorded: " +
      "a test may have left it, or it runs tests itself";
    return ["unknown", [why, ...evidence]];
  }

  #judgeOurs(process: DetailedProcess, kind: Kind, ties: readonly string[]): Finding {
    const guardian = this.#guardians.of(process);
    const facts = [...(kind.signature ? [kind.signature.name] : []), ...ties];
    const evidence = [...facts, guardian.evidence];
    switch (guardian.kind) {
      case "none":
        return this.#judgeUnguarded(process, kind, evidence);
      case "unknown": {
        // The reason why a recorded process is not leaked comes first.
        const isOdd = this.#scene.isRecorded(process.pid) && kind.signature === null;
        return ["unknown", isOdd ? [guardian.evidence, ...facts] : evidence];
      }
      case "pytest":
        return ["in-use", evidence, guardian.pid];
      default:
        return ["in-use", evidence];
    }
  }

  #judgeUnguarded(process: DetailedProcess, kind: Kind, evidence: readonly string[]): Finding {
    const isRecorded = this.#scene.isRecorded(process.pid);
    if (process.startTicks === null) return ["unknown", ["identity unknown", ...evidence]];
    if (kind.signature) return ["leaked", evidence];
    if (this.#scene.isLeakedRoot(process, kind)) {
      const where = isRecorded ? "that a run left" : "in pytest's temporary directory";
      return ["leaked", [`a Python of this project's venv ${where}`, ...evidence]];
    }
    if (isRecorded) return this.#judgeStarted(process, evidence);
    const isOnTractor = usesRuntime(process);
    const actor = this.#scene.actorAbove(process);
    if (actor !== null && (kind.helper !== null || isOnTractor)) {
      return ["leaked", [`started by the leaked actor ${actor}`, ...evidence]];
    }
    if (kind.helper !== null) {
      const why = "an orphaned helper of multiprocessing: any program may have left it";
      return ["unknown", [why, ...evidence]];
    }
    const what = isOnTractor
      ? "may be a running application; not touched"
      : "nothing shows that a test left it";
    return ["unknown", [what, ...evidence]];
  }

  /** A process that a test started and nothing guards is leaked, unless it is meant to stay. */
  #judgeStarted(process: DetailedProcess, evidence: readonly string[]): Finding {
    const shared = sharedDaemon(process);
    const stays = shared
      ? `is ${shared.name}, which a test only woke: ${shared.reason}`
      : isInteractiveShell(process)
      ? "an interactive shell, which may be in use"
      : this.#scene.view.isHook && !isOfCheckout(process, this.#scene.view)
      ? "works outside of this checkout: a hook leaves it to `tractest zombies --kill`"
      : null;
    return stays === null ? ["leaked", evidence] : ["unknown", [stays, ...evidence]];
  }
}
