/** How a process is started. `spawn` and `server` are multiprocessing's own start methods. */
export type Start = "exec" | "fork" | "spawn" | "server";

/** What a process is. `same`: a fork that shows its parent's command line. */
export type Program =
  | "titled actor"
  | "module actor"
  | "code actor"
  | "fork server of actors"
  | "worker"
  | "same"
  | "python"
  | "pytest"
  | "shell"
  | "daemon"
  | "adopter"
  | "other";

/** Where its working directory is. `nested` is a checkout within ours. */
export type Cwd =
  | "checkout"
  | "elsewhere"
  | "deleted"
  | "other project"
  | "nested"
  | "pytest's temporary";

/** One process of a forest, and all that it starts. */
export interface Node {
  readonly id: number;
  readonly program: Program;
  /** Its command line, where the kind does not determine it. */
  readonly words: readonly string[];
  readonly start: Start;
  /** Its starter exits at once. */
  readonly double: boolean;
  readonly session: boolean;
  /** Whose Python it is, and whose files it maps. */
  readonly venv: "ours" | "other" | "none";
  /**
   * A compiled module of the runtime: of its venv, or one that lies outside of any `site-packages`.
   */
  readonly maps: "venv" | "outside" | "nothing";
  readonly cwd: Cwd;
  readonly environment: "kept" | "empty";
  /** Changed to once its children are there. */
  readonly user: "own" | "other";
  readonly subreaper: boolean;
  readonly ownMounts: boolean;
  /** It ignores SIGINT. */
  readonly stubborn: boolean;
  readonly holds: "registry" | "socket" | null;
  /** SIGKILL ends it once all of the forest is there. */
  readonly killed: boolean;
  readonly children: readonly Node[];
}

/** A real `tractest run` whose test starts processes. */
export interface Run {
  readonly runner: "lives" | "killed";
  /** `ends`: its test returns. */
  readonly pytest: "lives" | "killed" | "ends";
  /** pytest itself. */
  readonly node: Node;
}

/** A whole machine: its first process, the trees below it, and at most one run. */
export interface Forest {
  readonly seed: number;
  readonly first: Node;
  readonly roots: readonly Node[];
  readonly run: Run | null;
  /** How it is cleaned up. */
  readonly cleanUp: "json" | "hook";
}

/** Pseudo-random numbers from 0 to 1 for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const DEPTH = 5;
/** Processes of a forest without its first, so that a forest takes about a second. */
const SIZE = 14;

/** Programs that adopt orphans, as the first process and as `PR_SET_CHILD_SUBREAPER` ones. */
const FIRST_ADOPTERS = [
  ["/sbin/init"],
  ["/usr/lib/systemd/systemd", "--system"],
  ["/usr/bin/tini", "--", "sleep", "infinity"],
  ["dumb-init", "--", "sleep", "infinity"],
  ["/usr/libexec/catatonit", "-P"],
];
const SUBREAPERS = [["/usr/lib/systemd/systemd", "--user"], ["tini", "-s", "--", "serve"]];
/** Daemons that a test merely wakes: they serve any program from then on. */
const DAEMONS = [
  ["gpg-agent", "--homedir", "/tmp/home", "--daemon"],
  ["ssh-agent", "-s", "-t", "600"],
  ["git", "maintenance", "run", "--auto"],
  ["watchman", "--foreground"],
  ["tmux", "new-session", "-d"],
  ["dbus-daemon", "--session", "--fork"],
];
const OTHERS = [
  ["vim", "tests/test_a.py", "tractor._child"],
  ["grep", "-r", "_subactor[w0@77]"],
  ["tail", "-f", "_actor_child_main"],
  ["node", "server.js", "--port=0"],
  ["sleep", "100000"],
  ["redis-server", "127.0.0.1:0"],
];
const SHELLS = [["bash", "--norc"], ["-zsh", "-i"], ["fish", "-i"]];
const PYTHONS = [["-m", "app.serve"], ["app.py", "--all"], ["-c", "import app; app.main()"], [
  "bin/uvicorn",
  "app:main",
  "--reload",
]];

/** One is a program from standard input that runs pytest: its words do not say so. */
const PYTESTS = [["-m", "pytest", "tests/"], ["-m", "pytest", "tests/"], ["-"]];

/** Makes the forest that a seed stands for. */
export function forestOf(seed: number): Forest {
  return new Maker(seed).forest();
}

/** Draws a forest. */
class Maker {
  #random: () => number;
  #left = SIZE;
  #id = 0;
  #registryIsTaken = false;

  constructor(readonly seed: number) {
    this.#random = randomOf(seed);
  }

  forest(): Forest {
    const first = this.#first();
    const run = this.#chance(0.2) ? this.#run() : null;
    const roots: Node[] = [];
    while (this.#left > 0) roots.push(this.#root());
    return { seed: this.seed, first, roots, run, cleanUp: this.#chance(0.5) ? "hook" : "json" };
  }

  #first(): Node {
    const kind = this.#pick({ adopter: 16, python: 2.5, pytest: 1, shell: 0.7, other: 0.7 });
    const words = kind === "adopter" ? this.#one(FIRST_ADOPTERS) : this.#wordsOf(kind);
    const cwd = this.#chance(0.5) ? "elsewhere" as const : "checkout" as const;
    const isIdle = ["sleep", "tail"].includes(words[0] ?? "");
    const count = !isIdle && this.#chance(0.5) ? this.#upTo(3) : 0;
    const node = {
      ...plain(this.#next(), kind, words),
      venv: this.#venv(),
      cwd: kind === "adopter" ? "elsewhere" as const : cwd,
    };
    const children = Array.from(
      { length: count },
      () => kind === "adopter" ? this.#service(1) : this.#child(node, 1),
    );
    return { ...node, maps: kind === "python" ? this.#maps() : "nothing", children };
  }

  #run(): Run {
    const pytest = this.#pick({ killed: 3, ends: 2, lives: 2 });
    const runner = pytest === "ends" || this.#chance(0.7) ? "lives" : "killed";
    const parent: Node = { ...plain(this.#next(), "pytest", []), venv: "ours", cwd: "checkout" };
    const children = Array.from({ length: 1 + this.#upTo(4) }, () => this.#child(parent, 2));
    // At its end a pytest would wait for its workers.
    const waits = children.some(({ start }) => start === "spawn" || start === "server");
    return {
      runner,
      pytest: waits && pytest === "ends" ? "killed" : pytest,
      node: { ...parent, children },
    };
  }

  #root(): Node {
    const kind = this.#pick({
      pytest: 7,
      python: 4,
      shell: 1.5,
      subreaper: 2,
      actor: 5,
      other: 0.5,
      application: 1.5,
    });
    if (kind === "actor") return { ...this.#actor("exec", 1), double: true, session: true };
    if (kind === "subreaper") return this.#subreaper(1);
    const program = kind === "application" ? "python" : kind;
    const node = this.#attributes(program, "exec");
    const dead = kind === "pytest" ? 0.7 : kind === "python" ? 0.5 : 0.3;
    const root = {
      ...node,
      double: true,
      session: true,
      killed: this.#chance(dead),
      subreaper: kind === "application",
      environment: "kept" as const,
    };
    return { ...root, children: this.#children(root, 1, 4) };
  }

  #subreaper(depth: number): Node {
    const node = {
      ...plain(this.#next(), "adopter", this.#one(SUBREAPERS)),
      double: depth === 1,
      session: true,
      subreaper: true,
    };
    const children = Array.from({ length: 1 + this.#upTo(2) }, () => this.#service(depth + 1));
    return { ...node, children };
  }

  /** What an init starts itself: no kinds that are known only by name. */
  #service(depth: number): Node {
    const node = {
      ...this.#attributes(
        this.#pick({ python: 3, shell: 1, other: 1, pytest: 1, daemon: 1 }),
        "exec",
      ),
      session: true,
    };
    const service = {
      ...node,
      double: false,
      killed: this.#chance(0.4),
      cwd: this.#chance(0.5) ? "checkout" as const : "elsewhere" as const,
    };
    return { ...service, children: this.#children(service, depth, 3) };
  }

  #children(parent: Node, depth: number, most: number): Node[] {
    if (depth >= DEPTH || ["daemon", "other"].includes(parent.program) || this.#left <= 0) {
      return [];
    }
    return Array.from(
      { length: Math.min(this.#left, this.#upTo(most)) },
      () => this.#child(parent, depth + 1),
    );
  }

  #child(parent: Node, depth: number): Node {
    const isPython = ["python", "pytest", "worker", "same", "titled actor"].includes(
      parent.program,
    );
    const kind = this.#pick({
      actor: 5,
      worker: isPython && parent.environment === "kept" ? 2 : 0,
      same: isPython ? 2 : 0,
      python: 2,
      other: 1,
      daemon: parent.program === "pytest" ? 1.5 : 0.3,
      shell: 0.7,
      subreaper: depth < DEPTH - 1 ? 0.3 : 0,
      pytest: 0.3,
    });
    if (kind === "subreaper") return this.#subreaper(depth);
    if (kind === "actor") {
      const starts = isPython
        ? { exec: 4, fork: 1, spawn: parent.environment === "kept" ? 0.5 : 0 }
        : { exec: 1, fork: 0, spawn: 0 };
      return this.#actor(this.#pick(starts), depth);
    }
    const start = kind === "worker"
      ? this.#pick({ spawn: 2, server: 1 })
      : kind === "same"
      ? "fork"
      : "exec";
    const node = this.#attributes(kind, start);
    const like = kind === "same" || kind === "worker" ? { venv: parent.venv } : {};
    const child = { ...node, ...like, words: kind === "same" ? parent.words : node.words };
    return { ...child, children: this.#children(child, depth, 3) };
  }

  #actor(start: Start, depth: number): Node {
    const kinds = {
      "titled actor": 6,
      "module actor": 2,
      "code actor": 1,
      "fork server of actors": 1,
    } as const;
    const node = this.#attributes(start === "exec" ? this.#pick(kinds) : "titled actor", start);
    return { ...node, children: this.#children(node, depth, 2) };
  }

  #attributes(program: Program, start: Start): Node {
    const isMultiprocessing = start === "spawn" || start === "server";
    const isQuiet = program === "daemon" || program === "shell" || program === "pytest";
    const node = plain(this.#next(), program, this.#wordsOf(program));
    return {
      ...node,
      start,
      double: !isMultiprocessing && this.#chance(program === "daemon" ? 0.7 : 0.25),
      session: !isMultiprocessing && this.#chance(0.3),
      venv: this.#venv(),
      maps: program === "other" || isQuiet ? "nothing" : this.#maps(),
      cwd: this.#pick({
        checkout: 12,
        elsewhere: 4,
        "pytest's temporary": isQuiet ? 0 : 2,
        deleted: 0.7,
        "other project": 1.5,
        nested: 0.7,
      }),
      environment:
        start === "exec" && !["daemon", "shell", "other"].includes(program) && this.#chance(0.1)
          ? "empty"
          : "kept",
      user: this.#chance(0.05) ? "other" : "own",
      ownMounts: !isQuiet && this.#chance(0.03),
      stubborn: this.#chance(0.03),
      holds: this.#holds(program),
      killed: program !== "daemon" && this.#chance(isQuiet ? 0.4 : 0.2),
    };
  }

  #holds(program: Program): Node["holds"] {
    if (["daemon", "shell", "other"].includes(program)) return null;
    if (this.#chance(0.05)) return "socket";
    if (this.#registryIsTaken || !this.#chance(0.06)) return null;
    this.#registryIsTaken = true;
    return "registry";
  }

  #wordsOf(program: Program): readonly string[] {
    const lists = {
      ...{ daemon: DAEMONS, other: OTHERS, shell: SHELLS, python: PYTHONS },
      pytest: PYTESTS,
    } as const;
    return program in lists ? this.#one(lists[program as keyof typeof lists]) : [];
  }

  #venv(): Node["venv"] {
    return this.#pick({ ours: 6, none: 2, other: 1.5 });
  }

  #maps(): Node["maps"] {
    return this.#pick({ venv: 6, nothing: 3, outside: 1 });
  }

  #next(): number {
    this.#left--;
    return this.#id++;
  }

  #chance(likelihood: number): boolean {
    return this.#random() < likelihood;
  }

  /** 0 to `most`. */
  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #pick<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let at = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (at -= weight) < 0) ?? entries.at(-1)!)[0];
  }
}

/** A plain process. */
function plain(id: number, program: Program, words: readonly string[]): Node {
  return {
    id,
    program,
    words,
    start: "exec",
    double: false,
    session: false,
    venv: "none",
    maps: "nothing",
    cwd: "elsewhere",
    environment: "kept",
    user: "own",
    subreaper: false,
    ownMounts: false,
    stubborn: false,
    holds: null,
    killed: false,
    children: [],
  };
}

/** All nodes of a forest, parents first. */
export function nodesOf(forest: Forest): Node[] {
  const all = (nodes: readonly Node[]): Node[] =>
    nodes.flatMap((node) => [node, ...all(node.children)]);
  return all([forest.first, ...forest.roots, ...forest.run ? [forest.run.node] : []]);
}

/**
 * Forests with one process or one special property less, the smallest first, to find the smallest
 * one that still shows a fault.
 */
export function* smaller(forest: Forest): Generator<Forest> {
  const { first, roots, run } = forest;
  for (const [at] of roots.entries()) yield { ...forest, roots: roots.toSpliced(at, 1) };
  if (run) yield { ...forest, run: null };
  for (const [at, root] of roots.entries()) {
    for (const less of smallerNodes(root)) yield { ...forest, roots: roots.with(at, less) };
  }
  for (const less of smallerNodes(first)) yield { ...forest, first: less };
  if (run) {
    for (const node of smallerNodes(run.node)) {
      yield { ...forest, run: { ...run, node } };
    }
  }
}

function* smallerNodes(node: Node): Generator<Node> {
  const { children } = node;
  for (const [at] of children.entries()) yield { ...node, children: children.toSpliced(at, 1) };
  for (const [at, child] of children.entries()) {
    for (const less of smallerNodes(child)) yield { ...node, children: children.with(at, less) };
    if (child.holds !== null) {
      yield { ...node, children: children.with(at, { ...child, holds: null }) };
    }
  }
}

/** A forest as an indented list. */
export function describe(forest: Forest): string {
  const { first, roots, run } = forest;
  const lines = [...linesOf(first, ""), ...roots.flatMap((root) => linesOf(root, ""))];
  if (run) {
    lines.push(
      `tractest run (tractest ${run.runner}, pytest: ${run.pytest})`,
      ...linesOf(run.node, "  "),
    );
  }
  return lines.join("\n");
}

function linesOf(node: Node, indent: string): string[] {
  const { program, id, words, start, venv, maps, cwd, holds } = node;
  const flags = (["killed", "double", "session", "subreaper", "ownMounts", "stubborn"] as const)
    .filter((flag) => node[flag]);
  const rest = [
    start,
    `in ${cwd}`,
    `${venv} venv`,
    ...(maps === "nothing" ? [] : [`maps ${maps}`]),
    ...(holds === null ? [] : [`holds ${holds}`]),
    ...(node.user === "other" ? ["another user's"] : []),
    ...(node.environment === "empty" ? ["empty environment"] : []),
    ...flags,
  ];
  const detail = words.length > 0 && program !== "same" ? ` (${words.join(" ")})` : "";
  const line = `${indent}${program} ${id}${detail}: ${rest.join(", ")}`;
  return [line, ...node.children.flatMap((child) => linesOf(child, `${indent}  `))];
}
