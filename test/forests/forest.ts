import { dirname } from "@std/path";
import { TRACTEST } from "../cli/tractest.ts";
import { pythonWithPytest } from "../cli/suites.ts";
import { type Expected, nameOf, Oracle } from "./oracle.ts";
import { describe, type Forest, forestOf, type Node, nodesOf, smaller } from "./plan.ts";
import { type Kit, NAMES, sceneOf } from "./spec.ts";

/** What tractest did in a forest. */
interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

type Row = readonly [pid: number, parent: number, ticks: number, words: string];

/** What was observed in a forest. */
interface Seen {
  readonly pids: Readonly<Record<string, number>>;
  readonly ticks: Readonly<Record<string, number>>;
  readonly recorded: readonly number[];
  /**
   * All processes: when all had been started, when some had been killed, and after the clean-up.
   */
  readonly born: readonly Row[];
  readonly before: readonly Row[];
  readonly after: readonly Row[];
  readonly list: Answer;
  readonly kill: Answer;
  /** Names of the sockets that are left. */
  readonly sockets: readonly string[];
}

/** The result of a forest. */
export interface Outcome {
  /** The problems, one sentence each. */
  readonly problems: readonly string[];
  readonly processes: number;
  readonly spared: number;
  readonly harmed: number;
  /** Leaked and provable; and how many of those were listed. */
  readonly provable: number;
  readonly found: number;
  readonly either: number;
}

/** Makes the files that all forests need; removed when the program ends. */
export async function makeKit(): Promise<Kit> {
  const directory = await Deno.makeTempDir({ prefix: "forests-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  await Deno.chmod(directory, 0o755);
  const venv = await pythonWithPytest();
  const ask =
    "import sys, sysconfig; print(sys._base_executable, '%d.%d' % sys.version_info[:2], " +
    "sys.base_prefix, sysconfig.get_path('purelib'), sep='\\n')";
  const { stdout } = await new Deno.Command(venv, { args: ["-c", ask] }).output();
  const [base, version, home, packages] = new TextDecoder().decode(stdout).split("\n") as [
    string,
    string,
    string,
    string,
  ];
  const python = await Deno.realPath(base);
  await Deno.mkdir(`${directory}/bin`);
  await Deno.mkdir(`${directory}/cache`);
  await namePython(`${directory}/bin`, python, home);
  for (const file of ["node.py", "scene.py"]) {
    await Deno.copyFile(new URL(file, import.meta.url), `${directory}/${file}`);
  }
  return {
    directory,
    python,
    version,
    home,
    packages,
    tractest: TRACTEST,
    cache: `${directory}/cache`,
  };
}

/**
 * Puts copies of Python into a directory: a program's name is that of its file. Where a copy does
 * not start (it finds no library), links.
 */
async function namePython(directory: string, python: string, home: string): Promise<void> {
  const first = `${directory}/${NAMES[0]}`;
  await Deno.copyFile(python, first);
  const works = await new Deno.Command(first, {
    args: ["-c", "import json"],
    env: { PYTHONHOME: home },
    stdout: "null",
    stderr: "null",
  }).output();
  if (!works.success) {
    await Deno.remove(first);
    await Deno.symlink(python, first);
  }
  for (const name of NAMES.slice(1)) {
    await (works.success
      ? Deno.link(first, `${directory}/${name}`)
      : Deno.symlink(python, `${directory}/${name}`));
  }
}

/**
 * Starts a forest in its own namespaces, which end with it, and runs tractest on it. A forest that
 * does not start is a problem too.
 */
async function grow(forest: Forest, kit: Kit): Promise<Outcome> {
  try {
    return await growOnce(forest, kit);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      problems: [error.message],
      processes: 0,
      spared: 0,
      harmed: 0,
      provable: 0,
      found: 0,
      either: 0,
    };
  }
}

async function growOnce(forest: Forest, kit: Kit): Promise<Outcome> {
  const file = await Deno.makeTempFile({ dir: kit.directory, suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(sceneOf(forest, kit)));
  const keep = [dirname(kit.tractest), dirname(dirname(kit.packages)), kit.home].map((path) =>
    path.startsWith("/tmp/") ? path : null
  );
  const inside = [
    kit.python,
    "-IS",
    `${kit.directory}/scene.py`,
    file,
    JSON.stringify(keep.filter((path) => path !== null)),
  ];
  const child = new Deno.Command("unshare", {
    args: [
      "--net",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "--ipc",
      "--mount",
      ...inside,
    ],
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const seen = JSON.parse(await firstLine(child.stdout));
    if (seen.error !== undefined) throw new Error(`it did not grow: ${seen.error}`);
    return check(forest, seen);
  } finally {
    // With it goes the first process inside, and with that all others.
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(file);
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text;
}

/** Forests that grow at the same time. */
const LANES = 2;

/** Grows the forests of `many` seeds from the first, and reports each that shows a problem. */
export async function growAll(
  first: number,
  many: number,
  kit: Kit,
  failed: (forest: Forest, outcome: Outcome) => void,
): Promise<Sums> {
  const sums = new Sums();
  let next = 0;
  const lane = async () => {
    while (next < many) {
      const forest = forestOf(first + next++);
      const outcome = await grow(forest, kit);
      sums.add(outcome);
      if (outcome.problems.length > 0) failed(forest, outcome);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return sums;
}

/** The smallest forest found within a minute that still shows a problem. */
async function smallest(forest: Forest, kit: Kit): Promise<{ forest: Forest; outcome: Outcome }> {
  const deadline = performance.now() + 60_000;
  let outcome = await grow(forest, kit);
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const less of smaller(forest)) {
      if (performance.now() > deadline) return { forest, outcome };
      const next = await grow(less, kit);
      if (next.problems.length === 0) continue;
      [forest, outcome, isSmaller] = [less, next, true];
      break;
    }
  }
  return { forest, outcome };
}

/** A failure in words, with the command that reproduces it. */
export function describeFailure(forest: Forest, { problems }: Outcome): string {
  const head = `seed ${forest.seed}: scripts/forests --seed ${forest.seed}`;
  return [head, ...problems.map((problem) => `  ${problem}`)].join("\n");
}

/** The smallest forest that shows the same problem, in words. */
export async function describeLeast(forest: Forest, kit: Kit): Promise<string> {
  const least = await smallest(forest, kit);
  const problems = least.outcome.problems.join("\n  ");
  return `the least that shows it:\n${describe(least.forest)}\n  ${problems}`;
}

/** Sums over forests. */
export class Sums {
  readonly #begun = performance.now();
  forests = 0;
  failed = 0;
  harmed = 0;
  #processes = 0;
  #provable = 0;
  #found = 0;
  #spared = 0;
  #either = 0;

  /** Adds the result of one forest. */
  add({ problems, processes, provable, found, spared, harmed, either }: Outcome): void {
    this.forests++;
    this.failed += problems.length > 0 ? 1 : 0;
    this.#processes += processes;
    this.#provable += provable;
    this.#found += found;
    this.#spared += spared;
    this.harmed += harmed;
    this.#either += either;
  }

  /** The figures, one line. */
  text(): string {
    const seconds = (performance.now() - this.#begun) / 1000;
    return `${this.forests} forests, ${this.#processes} processes: ` +
      `${this.harmed} of ${this.#spared} alive harmed, ` +
      `${this.#found} of ${this.#provable} provable leaks found, ` +
      `${this.#either} left open; ${this.failed} forests failed; ` +
      `${seconds.toFixed(0)} s, ${(seconds / Math.max(1, this.forests)).toFixed(2)} s each`;
  }
}

/** The fields of a row of `zombies --json` that are used here. */
interface Actor {
  readonly pid: number;
  readonly kind: string;
  readonly verdict: string;
  readonly evidence: readonly string[];
}

const CODES: Readonly<Record<string, number>> = { true: 0, false: 81, null: 82 };

/** Compares what was observed with what the plan of the forest implies. */
function check(forest: Forest, seen: Seen): Outcome {
  const problems: string[] = [];
  const oracle = new Oracle(forest, { recorded: new Set(seen.recorded) });
  const nodes = nodesOf(forest).filter((node) => oracle.lives(node));
  const expected = new Map(nodes.map((node) => [node, oracle.judge(node)]));
  const pidOf = (node: Node) => seen.pids[node.id]!;
  const list = JSON.parse(seen.list.stdout || "{}") as {
    clean?: boolean | null;
    actors?: Actor[];
    registries?: { bound: boolean | null }[];
  };
  const actors = list.actors ?? [];
  const verdictOf = (node: Node) => actors.find((actor) => actor.pid === pidOf(node));
  const isLeaked = (node: Node) => verdictOf(node)?.verdict === "leaked";
  const there = new Map(seen.after.map(([pid, , ticks]) => [pid, ticks]));
  const isThere = (pid: number, ticks: number) => there.get(pid) === ticks;
  const say = (node: Node, what: string) => {
    const { why } = expected.get(node)!;
    const evidence = verdictOf(node)?.evidence.join("; ");
    problems.push(`${nameOf(node)} ${what} (${why}${evidence ? `; listed: ${evidence}` : ""})`);
  };
  const of = (kind: Expected["class"]) =>
    nodes.filter((node) => expected.get(node)!.class === kind);

  for (const node of of("spared")) {
    if (isLeaked(node)) say(node, "is listed as leaked, and must be left alone");
  }
  for (const node of of("found")) {
    if (!isLeaked(node)) {
      say(node, `is not listed as leaked (${verdictOf(node)?.verdict ?? "not at all"})`);
    }
  }
  const harmed = of("spared").filter((node) => !isThere(pidOf(node), seen.ticks[pidOf(node)]!));
  for (const node of harmed) say(node, "was ended, and must be left alone");
  for (const node of of("found")) {
    if (
      isThere(pidOf(node), seen.ticks[pidOf(node)]!) &&
      (forest.cleanUp === "json" || oracle.isForHook(node))
    ) {
      say(node, "is still there after the clean-up");
    }
  }
  const helpers = helpersOf(seen, nodes, expected);
  for (const [pid, , ticks, words] of helpers) {
    if (!isThere(pid, ticks)) {
      problems.push(`pid ${pid} (${words}) was ended though all above it was unharmed`);
    }
  }
  problems.push(...codes(forest, seen, { nodes, expected, list }));
  return {
    problems,
    processes: nodes.length,
    spared: of("spared").length + helpers.length,
    harmed: harmed.length,
    provable: of("found").length,
    found: of("found").filter(isLeaked).length,
    either: of("either").length,
  };
}

/** Processes that no plan names, and whose starter must be left alone: multiprocessing's own. */
function helpersOf(
  seen: Seen,
  nodes: readonly Node[],
  expected: ReadonlyMap<Node, Expected>,
): readonly Row[] {
  const planned = new Set(Object.values(seen.pids));
  const spared = new Set(
    nodes.filter((node) => expected.get(node)!.class === "spared").map((node) =>
      seen.pids[node.id]!
    ),
  );
  const there = new Set(seen.before.map(([pid, , ticks]) => `${pid} ${ticks}`));
  return seen.born.filter(([pid, parent, ticks, words]) =>
    !planned.has(pid) && spared.has(parent) && /multiprocessing/.test(words) &&
    there.has(`${pid} ${ticks}`)
  );
}

/** Whether exit codes, `clean` and the remaining leaks agree. */
function codes(
  forest: Forest,
  seen: Seen,
  { nodes, expected, list }: {
    readonly nodes: readonly Node[];
    readonly expected: ReadonlyMap<Node, Expected>;
    readonly list: {
      clean?: boolean | null;
      actors?: readonly Actor[];
      registries?: readonly { bound: boolean | null }[];
    };
  },
): string[] {
  const problems: string[] = [];
  const { list: listed, kill } = seen;
  const has = (kind: Expected["class"]) => nodes.some((node) => expected.get(node)!.class === kind);
  const stale = nodesOf(forest).some((node) => node.holds === "socket" && !nodes.includes(node));
  const isHeld = nodes.some((node) => node.holds === "registry");
  if (CODES[String(list.clean)] !== listed.code) {
    problems.push(`clean is ${list.clean}, the exit code ${listed.code}: ${listed.stderr}`);
  }
  if ((has("found") || stale) && list.clean !== false) {
    problems.push(`clean is ${list.clean}, and something is leaked`);
  }
  // The resource tracker of a killed pytest is a leftover that no plan names.
  const planned = new Set(Object.values(seen.pids));
  const isLeft =
    list.actors?.some((actor) =>
      actor.verdict === "leaked" && actor.kind === "helper" && !planned.has(actor.pid)
    ) ?? false;
  const mayBeLeft = has("found") || has("either") || stale || isHeld || isLeft;
  if (!mayBeLeft && list.clean === false) {
    problems.push("clean is false, and nothing is leaked");
  }
  const allowed = new Set(forest.cleanUp === "hook" ? [0] : [0, 82, ...(isHeld ? [81] : [])]);
  if (!allowed.has(kill.code)) problems.push(`the clean-up ends with ${kill.code}: ${kill.stderr}`);
  if (/\n {4}at /.test(listed.stderr + kill.stderr)) {
    problems.push(`a stack trace: ${listed.stderr}${kill.stderr}`);
  }
  if (forest.cleanUp === "json") {
    const after = JSON.parse(kill.stdout || "{}");
    if (CODES[String(after.clean)] !== kill.code) {
      problems.push(
        `after the clean-up clean is ${after.clean}, the exit code ${kill.code}: ${kill.stderr}`,
      );
    }
  }
  for (const node of nodes) {
    if (
      node.holds === "socket" && expected.get(node)!.class === "spared" &&
      !seen.sockets.includes(`registry@${node.id}.sock`)
    ) {
      problems.push(`the socket of ${nameOf(node)} was removed, and it lives`);
    }
  }
  return problems;
}
