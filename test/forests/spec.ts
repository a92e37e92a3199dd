import type { Cwd, Forest, Node } from "./plan.ts";

/** Where everything of a forest is, as seen inside its namespaces. */
export const HERE = "/tmp/forest";
/** The project for which leaks are searched. */
export const ROOT = `${HERE}/repo`;
const OTHER = `${HERE}/other`;

/** The files that forests need. */
export interface Kit {
  /** Has Python under other names in `bin`, and the scripts. */
  readonly directory: string;
  /** The Python itself, its version as `3.11`, and its home. */
  readonly python: string;
  readonly version: string;
  readonly home: string;
  /** Where pytest is installed. */
  readonly packages: string;
  /** The tested binary, and where it may unpack itself. */
  readonly tractest: string;
  readonly cache: string;
}

const DIRECTORIES: Readonly<Record<Cwd, string>> = {
  checkout: `${ROOT}/app`,
  elsewhere: `${HERE}/elsewhere`,
  deleted: `${ROOT}/app`,
  "other project": `${OTHER}/app`,
  nested: `${ROOT}/worktree`,
  "pytest's temporary": "/tmp/pytest-of-root/pytest-0/test_a0",
};

/** The input of node.py for one process and all that it starts. */
export function specOf(node: Node, kit: Kit): Readonly<Record<string, unknown>> {
  const program = programOf(node, kit);
  const title = node.program === "titled actor" ? `_subactor[w${node.id}@{pid}]` : null;
  const isForked = node.start === "fork";
  const venv = venvOf(node, kit);
  const library = `lib/python${kit.version}/site-packages/msgspec/_core.so`;
  const children = node.children.toSorted((a, b) => rank(a) - rank(b));
  return {
    id: node.id,
    start: node.start,
    double: node.double,
    session: node.session,
    adopts: node.program === "adopter",
    program,
    argv: title === null && !isForked && node.program !== "worker" ? argvOf(node, kit) : null,
    title,
    comm: title === null ? null : title.slice(0, 15),
    environ: node.program === "pytest"
      ? { PYTEST_CURRENT_TEST: "tests/test_a.py::test_a (call)" }
      : {},
    empty: node.environment === "empty",
    home: kit.home,
    cwd: DIRECTORIES[node.cwd],
    gone: node.cwd === "deleted",
    subreaper: node.subreaper,
    mounts: node.ownMounts,
    stubborn: node.stubborn,
    killed: node.killed,
    maps: node.maps === "nothing" || venv === null
      ? null
      : node.maps === "venv"
      ? `${venv}/${library}`
      : `${ROOT}/.libs/msgspec/_core.so`,
    holds: node.holds,
    uid: node.user === "other" ? 65534 : 0,
    children: children.map((child) => specOf(child, kit)),
  };
}

/** Workers last: a process that has used multiprocessing is not forked. */
function rank({ start }: Node): number {
  return start === "spawn" || start === "server" ? 1 : 0;
}

/** The directories of the two projects' venvs, for the code that makes them. */
export function venvsOf(kit: Kit): readonly [string, string] {
  const name = `py${kit.version.replace(".", "")}`;
  return [`${ROOT}/${name}`, `${OTHER}/${name}`];
}

function venvOf(node: Node, kit: Kit): string | null {
  const [ours, other] = venvsOf(kit);
  return node.venv === "ours" ? ours : node.venv === "other" ? other : null;
}

/** The file that is executed. */
function programOf(node: Node, kit: Kit): string {
  if (["adopter", "shell", "daemon", "other"].includes(node.program)) {
    return `${kit.directory}/bin/${nameOf(node)}`;
  }
  const venv = venvOf(node, kit);
  return venv === null ? kit.python : `${venv}/bin/python`;
}

/** The name that the kernel has for it: the file's. */
function nameOf({ words }: Node): string {
  return words[0]!.replace(/^.*\//, "").replace(/^-/, "");
}

function argvOf(node: Node, kit: Kit): readonly string[] {
  const python = programOf(node, kit);
  switch (node.program) {
    case "module actor":
      return [python, "-m", "tractor._child", "--uid", `('w${node.id}', '7f3a-22c1')`];
    case "code actor":
      return [
        python,
        "-c",
        "from tractor._child import _actor_child_main; _actor_child_main(('w', '7f3a'))",
      ];
    case "fork server of actors":
      return [
        python,
        "-c",
        "from tractor._forkserver_override import main; main(5, 6, ['__main__'], **{})",
      ];
    case "pytest":
    case "python":
      return [python, ...node.words];
    default:
      return node.words;
  }
}

/** The names under which a kit has Python. */
export const NAMES = [
  "python3",
  "init",
  "systemd",
  "tini",
  "dumb-init",
  "catatonit",
  "gpg-agent",
  "ssh-agent",
  "git",
  "watchman",
  "tmux",
  "dbus-daemon",
  "vim",
  "grep",
  "tail",
  "node",
  "sleep",
  "redis-server",
  "bash",
  "zsh",
  "fish",
] as const;

/** Everything that the programs inside the namespaces need, as JSON. */
export function sceneOf(forest: Forest, kit: Kit): Readonly<Record<string, unknown>> {
  return {
    here: HERE,
    python: kit.python,
    library: `python${kit.version}`,
    packages: kit.packages,
    tractest: kit.tractest,
    cache: kit.cache,
    cleanUp: forest.cleanUp === "hook"
      ? ["zombies", "--kill", "--hook", "--grace", "0.5"]
      : ["zombies", "--kill", "--json", "--grace", "0.5"],
    root: ROOT,
    venvs: venvsOf(kit),
    first: specOf(forest.first, kit),
    roots: forest.roots.map((root) => specOf(root, kit)),
    run: forest.run && { ...forest.run, node: specOf(forest.run.node, kit) },
  };
}
