import type { Forest, Node } from "./plan.ts";

/**
 * The expected verdict on a process, from how it was made: `found` is provably leaked; `spared`
 * must neither be listed as leaked nor be harmed; `either` is left open by the contract, for the
 * given reason.
 */
export interface Expected {
  readonly class: "found" | "spared" | "either";
  readonly why: string;
}

/** What was observed while a forest was started, and its plan can't know. */
export interface Recorded {
  /** Nodes that the run recorded. */
  readonly recorded: ReadonlySet<number>;
}

const ADOPTERS = /^(init|systemd|tini|dumb-init|catatonit)$/;
/** Programs that keep a container alive and start nothing. */
const IDLE = /^(sleep|tail)$/;

const ANOTHERS = "is another user's";
const OTHER_FILES = "sees other files";

/** Judges the nodes of a forest by the rules of the contract, from how it was made alone. */
export class Oracle {
  #forest: Forest;
  #recorded: ReadonlySet<number>;
  #starters = new Map<number, Node>();
  #known = new Map<number, Expected>();

  constructor(forest: Forest, { recorded }: Recorded) {
    this.#forest = forest;
    this.#recorded = recorded;
    const place = (node: Node) => {
      for (const child of node.children) this.#starters.set(child.id, node), place(child);
    };
    for (const top of [forest.first, ...forest.roots, ...forest.run ? [forest.run.node] : []]) {
      place(top);
    }
  }

  /** The expected verdict on a living node. */
  judge(node: Node): Expected {
    let known = this.#known.get(node.id);
    if (!known) this.#known.set(node.id, known = this.#judge(node));
    return known;
  }

  /** Whether a node lives when the forest is examined. */
  lives(node: Node): boolean {
    if (node === this.#forest.run?.node) return this.#forest.run.pytest === "lives";
    return !node.killed;
  }

  /**
   * Whether a hook ends it too: a hook leaves processes outside of the checkout, and all below
   * them.
   */
  isForHook(node: Node): boolean {
    const holder = this.#holder(node);
    const isOfCheckout = node.cwd === "checkout" ||
      node.venv === "ours" && node.program !== "other";
    // An init that a test started may be a parent: what it holds stays where it stays.
    return isOfCheckout && (this.judge(holder).class === "spared" || this.isForHook(holder));
  }

  #judge(node: Node): Expected {
    const kind = this.#kind(node);
    if (node === this.#forest.first) return spared("is the first process");
    if (node.user === "other") return spared(ANOTHERS);
    if (node.ownMounts) return spared(OTHER_FILES);
    if (kind === "daemon") return spared("is a shared daemon");
    if (kind === "adopter") {
      return this.#isLeft(node) ? either("an init that a test started") : spared("is an init");
    }
    if (this.#isOf(node, "live")) return spared("a live run names it");
    const isRecorded = this.#isRecorded(node);
    if (kind === "pytest" && !isRecorded) {
      const starter = this.#plainPytest(node);
      return this.#isOf(node, "ended") || starter && this.#mayBeLeft(starter)
        ? either("a pytest that a test started, not recorded")
        : spared("is pytest");
    }
    const above = this.#above(node);
    if (above.class === "spared") return above;
    const evidence = this.#evidence(node, kind, isRecorded);
    if (kind === "shell" && evidence.class === "found") {
      return either("a shell that somebody may type into");
    }
    if (evidence.class !== "spared") return above.class === "either" ? above : evidence;
    const mayGoWithIt = (above.class === "either" || above.why === "below a leak") &&
      !isForeign(node);
    return mayGoWithIt ? either("unmarked, below a leak") : evidence;
  }

  /** The verdict on what is above a node: `found` if all of it is gone, an adopter, or leaked. */
  #above(node: Node): Expected {
    const starter = this.#starters.get(node.id);
    const holder = this.#holder(node);
    const direct = holder === starter && !node.double;
    if (node.start === "server" && starter && holder !== starter && starter.cwd !== "checkout") {
      return either("below a fork server that works where its starter did");
    }
    if (node.start === "server" && holder !== starter && this.#isInSessionOfPython(node)) {
      return either("forked by a server that may serve the live Python whose session it is in");
    }
    if (direct && this.#kind(holder) === "adopter") {
      return this.#isLeft(holder) ? this.judge(holder) : spared("an init started it");
    }
    if (direct || !this.#adopts(holder)) {
      const parent = this.judge(holder);
      if (parent.class === "found") return { class: "found", why: "below a leak" };
      if (parent.class === "either") return parent;
      const isUntouchable = parent.why === ANOTHERS || parent.why === OTHER_FILES;
      const isLeft = isActor(this.#kind(holder)) || this.#isOf(holder, "ended");
      if (isUntouchable && isLeft) {
        return either("below a leak that is another user's, or in a container");
      }
      if (
        holder === this.#forest.first && holder.program === "shell" && isActor(this.#kind(node))
      ) return either("a shell as the first process");
      if (direct) return spared(`below ${nameOf(holder)}: ${parent.why}`);
      if (this.#isRecorded(node)) return { class: "found", why: "its recorded parent is gone" };
      if (holder.program === "shell") return either("a shell as the first process");
      const isApplication = holder.program === "python" || holder.program === "pytest";
      if (!isApplication && this.#showsAdoption(node)) {
        return either("its session shows that it was adopted, by a program that may be anything");
      }
      return this.#isOf(node, "ended")
        ? either("a cookie below an application")
        : spared(`may be ${nameOf(holder)}'s own`);
    }
    if (holder === this.#forest.first) return { class: "found", why: "adopted" };
    const higher = this.#above(holder);
    // What an init of the system runs is an init too; what a program runs to collect its own
    // children is not.
    if (higher.why === "an init started it") return { class: "found", why: "adopted" };
    if (higher.class === "found") return { class: "found", why: "adopted" };
    return this.#showsAdoption(node)
      ? either("its session shows that it was adopted, by what a live program runs")
      : higher;
  }

  /** A node's parent when the forest is examined. */
  #holder(node: Node): Node {
    const starter = this.#starters.get(node.id);
    if (starter && !node.double && this.lives(starter)) return starter;
    for (let above = starter; above; above = this.#starters.get(above.id)) {
      if (above.subreaper && this.lives(above)) return above;
    }
    return this.#forest.first;
  }

  /** Whether a living Python above a node's starter leads the node's session. */
  #isInSessionOfPython(node: Node): boolean {
    let leader: Node | undefined = node;
    while (leader && !leader.session) leader = this.#starters.get(leader.id);
    return leader !== undefined && leader !== node && this.lives(leader) &&
      ["python", "pytest", "worker"].includes(this.#kind(leader));
  }

  /** Whether the leader of its session was once above it, and no longer is. */
  #showsAdoption(node: Node): boolean {
    let isCut = false;
    for (let above: Node | undefined = node; above; above = this.#starters.get(above.id)) {
      if (above.session || above === this.#forest.run?.node) {
        return isCut || above.double || above !== node && !this.lives(above);
      }
      isCut ||= above.double || !this.lives(above) && above !== node;
    }
    return false;
  }

  #adopts(node: Node): boolean {
    const name = node.words[0]?.replace(/^.*\//, "") ?? "";
    return node.program === "adopter" && ADOPTERS.test(name) ||
      node === this.#forest.first && IDLE.test(name);
  }

  #kind(node: Node): Node["program"] {
    for (let shown = node;; shown = this.#starters.get(shown.id)!) {
      if (shown.program !== "same") return shown.program;
    }
  }

  /**
   * Whether a test of the run, over or not, started a node, and there is still evidence of that.
   */
  #isOf(node: Node, state: "live" | "ended"): boolean {
    const { run } = this.#forest;
    if (!run || (run.pytest === "lives") !== (state === "live")) return false;
    return this.#recorded.has(node.id) || this.#carries(node, run.node);
  }

  /**
   * Whether a test of a finished pytest started a node, and there is still evidence of that.
   */
  #isLeft(node: Node): boolean {
    const pytest = this.#plainPytest(node);
    return this.#isOf(node, "ended") || pytest !== null && this.#mayBeLeft(pytest);
  }

  /** Whether a pytest is over, or was started by a test of one that is. */
  #mayBeLeft(pytest: Node): boolean {
    return !this.lives(pytest) || this.judge(pytest).class !== "spared";
  }

  #isRecorded(node: Node): boolean {
    return this.#recorded.has(node.id) && this.#isOf(node, "ended");
  }

  /** Whether it still shows the environment that a pytest gave it. */
  #carries(node: Node, pytest: Node): boolean {
    let shown: Node | undefined = node;
    // A fork shows the environment that its program was started with. A title stands where that
    // was.
    for (; shown?.start === "fork"; shown = this.#starters.get(shown.id)) {
      if (shown.program === "titled actor") return false;
    }
    if (!shown || shown.program === "titled actor") return false;
    for (; shown && shown !== pytest; shown = this.#starters.get(shown.id)) {
      if (shown.environment === "empty") return false;
    }
    return shown === pytest && (node.id !== pytest.id);
  }

  /** The pytest above that gave it its cookie. */
  #plainPytest(node: Node): Node | null {
    for (let above = this.#starters.get(node.id); above; above = this.#starters.get(above.id)) {
      if (above.program === "pytest" && this.#carries(node, above)) return above;
    }
    return null;
  }

  /** The evidence that a node without a living starter is leaked, and this project's. */
  #evidence(node: Node, kind: Node["program"], isRecorded: boolean): Expected {
    if (isRecorded) return { class: "found", why: "recorded by the run" };
    if (node.cwd === "deleted") {
      return this.#isLeft(node)
        ? either("a test's cookie, and its directory is gone")
        : spared("its directory is gone");
    }
    if (isForeign(node)) {
      return this.#isOf(node, "ended")
        ? either("the run's cookie, in another project")
        : spared("works in another project");
    }
    const [works, maps] = [node.cwd === "checkout", node.venv === "ours" && node.maps === "venv"];
    const starts = node.venv === "ours" && !["titled actor", "shell", "other"].includes(kind);
    if (this.#isOf(node, "ended")) {
      return works || starts
        ? { class: "found", why: "the run's cookie" }
        : either("the run's cookie, elsewhere");
    }
    const tied = works || maps || starts;
    const pytest = this.#plainPytest(node);
    if (pytest && !this.#mayBeLeft(pytest)) return spared("its pytest lives");
    if (pytest && this.lives(pytest)) return either("its pytest may be what another test left");
    if (!tied) return pytest ? either("pytest's cookie alone") : spared("nothing of this project");
    const leftAlone = this.#orphanOfTheLiving(node)
      ? either("left alone on purpose by a live program that recorded nothing")
      : null;
    if (isActor(kind)) {
      if (pytest && this.#anyPytest()) return either("a live pytest may have started it");
      if (works && node.venv === "other") {
        return either("another project's actor, in this checkout");
      }
      return leftAlone ?? { class: "found", why: "an actor" };
    }
    if (pytest) {
      if (this.#anyPytest()) return either("a live pytest may have started it");
      return works || starts
        ? { class: "found", why: "pytest's cookie" }
        : either("pytest's cookie, elsewhere");
    }
    if (kind === "worker") {
      return maps ? either("a worker on the runtime") : spared("a worker by that alone");
    }
    if (kind === "python" && node.cwd === "pytest's temporary" && maps) {
      return leftAlone ?? { class: "found", why: "in pytest's temporary directory" };
    }
    return spared("nothing says what it is");
  }

  /** Whether its starter was a living program, and nothing shows that. */
  #orphanOfTheLiving(node: Node): boolean {
    for (let above = this.#starters.get(node.id); above; above = this.#starters.get(above.id)) {
      if (this.lives(above) && !this.#adopts(above) && this.judge(above).class === "spared") {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether it is a pytest, or was forked by a server whose command line names pytest's directory.
   */
  #mentionsPytest(node: Node): boolean {
    const isOfServer = node.start === "server" &&
      this.#starters.get(node.id)?.cwd === "pytest's temporary";
    return isOfServer || this.#kind(node) === "pytest";
  }

  #anyPytest(): boolean {
    const any = (nodes: readonly Node[]): boolean =>
      nodes.some((node) => this.#mentionsPytest(node) && this.lives(node) || any(node.children));
    return any([
      this.#forest.first,
      ...this.#forest.roots,
      ...this.#forest.run ? [this.#forest.run.node] : [],
    ]);
  }
}

function isActor(kind: Node["program"]): boolean {
  return ["titled actor", "module actor", "code actor", "fork server of actors"].includes(kind);
}

function isForeign(node: Node): boolean {
  return node.cwd === "other project" || node.cwd === "nested";
}

/** A node in words. */
export function nameOf(node: Node): string {
  return `${node.program} ${node.id}`;
}

function spared(why: string): Expected {
  return { class: "spared", why };
}

function either(why: string): Expected {
  return { class: "either", why };
}
