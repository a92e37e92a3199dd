/**
 * Times tractest against what it replaces: whole processes, the two sides in turn, medians and the median of the pairwise ratios.
 * Needs `dist/tractest` and uv; makes a copy of the sample with its venv in a temporary directory, and removes it. Measures in a
 * network of its own where that can be had, so that nobody else holds the registry. Imports nothing, to start itself again in there.
 */
const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const TRACTEST = `${ROOT}/dist/tractest`;
const DENO = Deno.execPath();
/** The first argument of the process that measures, in front of the scratch directory. */
const MEASURE = "--measure";
const LEAKED = 3;
const UNRELATED = 2_000;
const REMEMBERED = { tests: 500, runs: 2_000 } as const;
/** Processes of a tree that hangs. */
const STUCK = 30;
const QUICK_ROUNDS = 31;
const SLOW_ROUNDS = 7;
const SHARDED_ROUNDS = 5;
/** Tests that sleep, and for how long one after another, in seconds. */
const SLEEPERS = { tests: 160, seconds: 24 } as const;
/** Tests that do nothing: what a run adds to each shows there; and as many as have this many events. */
const TRIVIAL = 2_000;
const EVENTS = 50_000;
const EVENTS_OF_A_TEST = 4;
/** Megabytes that tractest itself may take at most. */
const MOST_MEMORY = 120;

/** One side of a comparison: a command, and what has to be done before each timed start. */
interface Side {
  readonly name: string;
  readonly argv: readonly string[];
  readonly before?: () => void | Promise<void>;
  /** The sample unless given. */
  readonly cwd?: string;
  /** The exit code that says that it did what is timed; 0 unless given. */
  readonly code?: number;
}

/** A comparison, and the ratio that it should stay under. */
interface Comparison {
  readonly name: string;
  readonly rounds: number;
  readonly ours: Side;
  readonly theirs: Side;
  /** Starts what has to be there while it is measured; throws where that can't be had. */
  readonly company?: () => Promise<AsyncDisposable>;
  /** Says more of it when it is done. */
  readonly after?: () => Promise<void>;
  /** `ratio`: ours / theirs at most this; `seconds`: ours - theirs at most this. */
  readonly goal: { readonly ratio: number } | { readonly seconds: number };
}

const LASTFAILED_READER = `
import json, pathlib, sys
p = pathlib.Path('.pytest_cache/v/cache/lastfailed')
if not p.exists():
    print('No lastfailed cache found.'); sys.exit()
tests = sorted(k for k in json.loads(p.read_text()) if k.startswith('tests/'))
print(f'{len(tests)} last-failed test(s):' if tests else 'No failures recorded.')
for t in tests:
    print(f'  {t}')
`;

function probes(root: string): string {
  return `ss -tlnp 2>/dev/null | grep ':1616' || echo 'TCP :1616 free'
pgrep -af "${root}/py[0-9]*/bin/python.*_actor_child_main|subint-forkserv" | grep -v 'grep\\|pgrep' || echo 'no leaked actor procs from this repo'
ls -la /tmp/registry@*.sock 2>/dev/null || echo 'no leaked UDS registry sockets'`;
}

/** The steps of the recipe before a run, one after another, as a person types them. */
function preflightByHand(root: string): string {
  return `python -c "import sys, os; print(os.environ.get('VIRTUAL_ENV', ''), sys.prefix, sys.executable)"
git rev-parse --git-common-dir --git-dir
python -c 'import tractor; print(tractor.__file__)'
python -c 'import tractor; print(tractor)'
python -m pytest tests/ -x -q --co 2>&1 | tail -5
${probes(root)}`;
}

function comparisons(root: string, python: string, bare: string, trivial: string): Comparison[] {
  const sh = (script: string) => ["sh", "-c", script];
  const bareDeno: Side = { name: "bare Deno start", argv: [DENO, "run", "--no-config", "--no-lock", bare] };
  const target = ["tests/test_rpc.py"];
  const forget = () => removeIfThere(`${root}/xdg/cache/tractest/preflight`);
  const activated = `export PATH="${python.slice(0, python.lastIndexOf("/"))}:$PATH"; `;
  const byHand: Side = { name: "the same steps by hand", argv: sh(activated + preflightByHand(root)) };
  const preflight = [TRACTEST, "run", "--preflight-only"];
  const zombies: Side = { name: "tractest zombies", argv: [TRACTEST, "zombies"] };
  const recipe: Side = { name: "the recipe's three probes", argv: sh(probes(root)) };
  const leaks = new Leaks(root, python);
  const hang: Side = { name: `tractest hang, ${STUCK} stuck processes`, argv: [TRACTEST, "hang"] };
  const large = `${root.slice(0, root.lastIndexOf("/"))}/large`;
  const toFirstFailure = [TRACTEST, "run", "--no-preflight", "--timeout=300"];
  return [
    {
      name: "failed",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest failed", argv: [TRACTEST, "failed"] },
      theirs: { name: "the recipe's Python reader", argv: [python, "-c", LASTFAILED_READER] },
      goal: { ratio: 1.1 },
    },
    {
      name: "zombies, clean",
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: recipe,
      goal: { ratio: 2.5 },
    },
    {
      name: `zombies, ${LEAKED} leaked`,
      rounds: QUICK_ROUNDS,
      ours: { ...zombies, name: `tractest zombies, ${LEAKED} actors leaked`, before: () => leaks.start(), code: 81 },
      theirs: { ...zombies, name: "the same, clean", before: () => leaks.end() },
      goal: { ratio: 1.5 },
    },
    {
      name: `zombies, ${UNRELATED} others`,
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: recipe,
      company: unrelated,
      goal: { ratio: 1 },
    },
    {
      name: "zombies, reaper",
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: { name: "a plain Python reaper", argv: [Deno.realPathSync(python), "-I", `${ROOT}/scripts/reaper_yardstick.py`, root] },
      goal: { ratio: Infinity },
    },
    ...upstreamReaper(zombies),
    {
      name: "preflight, warm",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run --preflight-only", argv: preflight },
      theirs: byHand,
      goal: { ratio: 0.15 },
    },
    {
      name: "preflight, cold",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run --preflight-only, nothing remembered", argv: preflight, before: forget },
      theirs: byHand,
      goal: { ratio: 0.7 },
    },
    {
      name: "run",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run", argv: [TRACTEST, "run", ...target] },
      theirs: { name: "bare pytest", argv: [python, "-m", "pytest", ...target, "-x", "--tb=short", "--no-header"] },
      goal: { seconds: 0.3 },
    },
    ...[["flaky"], ["history", "tests/test_000.py::test_00010"], ["slow"]].map(([command = "", ...args]): Comparison => ({
      name: `${command}, a million`,
      rounds: QUICK_ROUNDS,
      ours: { name: `tractest ${command}, ${REMEMBERED.tests * REMEMBERED.runs} results on record`, argv: [TRACTEST, command, ...args] },
      theirs: bareDeno,
      company: () => remembered(root),
      goal: { ratio: command === "slow" ? Infinity : 5 },
    })),
    {
      name: "isolation, a shard",
      rounds: QUICK_ROUNDS,
      ours: { name: "true in an isolation", argv: isolated(["true"]) },
      theirs: { name: "true", argv: ["true"] },
      goal: { seconds: 0.03 },
    },
    {
      name: "isolation, a run",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run --isolate, tried first", argv: [TRACTEST, "run", "--no-preflight", "--isolate", ...target] },
      theirs: { name: "tractest run", argv: [TRACTEST, "run", "--no-preflight", ...target] },
      goal: { seconds: 0.1 },
    },
    {
      name: `hang, ${STUCK} stuck`,
      rounds: SLOW_ROUNDS,
      ours: hang,
      theirs: bareDeno,
      company: () => stuck(root, python),
      goal: { seconds: 1 },
    },
    {
      name: `hang, ${UNRELATED} others`,
      rounds: SLOW_ROUNDS,
      ours: { ...hang, name: `tractest hang, ${STUCK} stuck processes and ${UNRELATED} others` },
      theirs: bareDeno,
      company: async () => both(await stuck(root, python), await unrelated()),
      goal: { seconds: 1 },
    },
    {
      name: "jobs",
      rounds: SHARDED_ROUNDS,
      ours: {
        name: "tractest run --jobs 2",
        argv: [TRACTEST, "run", "--no-preflight", "--jobs", "2", "--events", `${root}/../jobs.jsonl`],
        cwd: `${root}/../sleepers`,
      },
      theirs: { name: "serial pytest", argv: [python, "-m", "pytest", "-q"], cwd: `${root}/../sleepers` },
      goal: { ratio: 0.556 },
      after: () => showBalance(`${root}/../jobs.jsonl`),
    },
    ...[[], ["--ui", "bar"]].map((ui): Comparison => ({
      name: `run${ui.length > 0 ? ", bar" : ""}, ${TRIVIAL} tests`,
      rounds: SLOW_ROUNDS,
      ours: { name: ["tractest run", ...ui].join(" "), argv: [TRACTEST, "run", "--no-preflight", ...ui], cwd: trivial },
      theirs: { name: "bare pytest", argv: [python, "-m", "pytest", "tests", "-x", "--tb=short", "--no-header"], cwd: trivial },
      goal: { ratio: 1.05 },
    })),
    {
      name: "affected, 5,000 files",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest affected", argv: [TRACTEST, "affected"], cwd: large, before: () => changeIn(large, "app/part_7/module_307.py") },
      theirs: bareDeno,
      company: () => largeProject(large),
      goal: { ratio: 10 },
    },
    {
      name: "affected, all of them",
      rounds: SLOW_ROUNDS,
      ours: { name: "a change that 4,000 files import", argv: [TRACTEST, "affected"], cwd: large, before: () => changeIn(large, "app/hub.py") },
      theirs: bareDeno,
      company: () => largeProject(large),
      goal: { ratio: Infinity },
    },
    {
      name: "first failure",
      rounds: 1,
      ours: { name: "tractest run --affected", argv: [...toFirstFailure, "--affected"], code: 1 },
      theirs: { name: "the same without", argv: toFirstFailure, code: 1 },
      company: () => fault(root),
      goal: { ratio: Infinity },
    },
    {
      name: "floor: failed",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest failed", argv: [TRACTEST, "failed"] },
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
    {
      name: "floor: zombies",
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
    {
      name: "floor: version",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest version", argv: [TRACTEST, "version"] },
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
  ];
}

/** The command around each session of an isolated run, see `isolatedCommand` in lib/core/run/isolation.ts. */
function isolated(argv: readonly string[]): string[] {
  const [own, drop] = Deno.uid() === 0 ? ["", ""] : ["--user --map-current-user --keep-caps", "/usr/bin/setpriv"];
  const script = [
    "/bin/sh",
    `${ROOT}/lib/isolation/isolate.sh`,
    "enter",
    String(Deno.pid),
    own,
    "/usr/bin:/bin:/usr/sbin:/sbin",
    drop,
    "/dev/null",
    "--",
  ];
  return ["/usr/bin/setpriv", "--pdeathsig", "KILL", ...script, ...argv];
}

/** tractor's own reaper against ours, when a checkout is given. */
function upstreamReaper(zombies: Side): Comparison[] {
  const checkout = Deno.env.get("TRACTOR_CHECKOUT");
  if (!checkout) return [];
  const venvs = [...Deno.readDirSync(checkout)].map(({ name }) => name).filter((name) => /^(py\d+|\.venv)$/.test(name)).toSorted();
  if (venvs.length === 0) throw new Error(`${checkout} has no venv (py313, say)`);
  const argv = [`${checkout}/${venvs.at(-1)}/bin/python`, `${checkout}/scripts/tractor-reap`, "-n"];
  return [{
    name: "zombies, upstream",
    rounds: SLOW_ROUNDS,
    ours: { ...zombies, cwd: checkout },
    theirs: { name: "tractor-reap -n", argv, cwd: checkout },
    goal: { ratio: 1 / 20 },
  }];
}

/** Actors that leaked from the sample: orphans with the title and the files of current ones. */
class Leaks {
  #pids: number[] = [];

  constructor(readonly root: string, readonly python: string) {}

  async start(): Promise<void> {
    if (this.#pids.length > 0) return;
    for (let index = 0; index < LEAKED; index++) {
      const ready = `${this.root}/ready-${index}`;
      removeIfThere(ready);
      await run(["sh", "-c", '"$@" > /dev/null 2>&1 &', "sh", this.python, `${this.root}/support/stand_in.py`, "--ready", ready], this.root);
      await until(() => isThere(ready), "an actor to be there");
      this.#pids.push(JSON.parse(await Deno.readTextFile(ready)).pid);
    }
  }

  async end(): Promise<void> {
    for (const pid of this.#pids.splice(0)) {
      Deno.kill(pid, "SIGKILL");
      await until(() => !isThere(`/proc/${pid}/cwd/.`), "an actor to end");
    }
  }
}

/** Many processes that have nothing to do with it, in a pid namespace: they all end with its first one. */
async function unrelated(): Promise<AsyncDisposable> {
  const script = `i=0; while [ $i -lt ${UNRELATED} ]; do sleep 3600 & i=$((i + 1)); done; echo ready; wait`;
  const own = Deno.uid() === 0 ? [] : ["--map-root-user"];
  const args = [...own, "--pid", "--fork", "--kill-child", "sh", "-c", script];
  const child = new Deno.Command("unshare", { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  if (done) throw new Error("no pid namespace can be had here");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** A history of a million results. */
async function remembered(root: string): Promise<AsyncDisposable> {
  const file = `${stateOf(root).XDG_STATE_HOME}/tractest/history.sqlite`;
  removeIfThere(file);
  const isOffline = (await Deno.readTextFile(`${ROOT}/.tools/graph`)).trim() === "offline";
  const graph = isOffline ? ["--import-map=scripts/offline/import_map.json"] : [];
  const { tests, runs } = REMEMBERED;
  const made = [`${ROOT}/test/history/made.ts`, file, root, String(tests), String(runs)];
  await run([DENO, "run", "--allow-all", "--no-check", "--no-lock", ...graph, ...made], ROOT);
  return {
    [Symbol.asyncDispose]: () => Promise.resolve(removeIfThere(file)),
  };
}

/** A pytest that hangs: its children write to a pipe that nobody reads. */
async function stuck(root: string, python: string): Promise<AsyncDisposable> {
  const test = `${root}/tests/test_stuck.py`;
  const ready = `${root}/stuck`;
  removeIfThere(ready);
  await Deno.writeTextFile(
    test,
    `
import os
def test_stuck():
    read, write = os.pipe()
    for _ in range(${STUCK - 1}):
        if os.fork() == 0:
            os.write(write, b"x" * 1_000_000)
    open(${JSON.stringify(ready)}, "w").close()
    os.wait()
`,
  );
  const args = ["-w", python, "-m", "pytest", "-q", test];
  const child = new Deno.Command("setsid", { args, cwd: root, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  await until(() => isThere(ready), "a pytest to hang");
  return {
    async [Symbol.asyncDispose]() {
      const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,args="] }).output();
      for (const [, pid, args] of new TextDecoder().decode(stdout).matchAll(/^ *(\d+) (.*)$/gm)) {
        if (args!.includes(test) && Number(pid) !== Deno.pid) Deno.kill(Number(pid), "SIGKILL");
      }
      await child.status;
      removeIfThere(test);
    },
  };
}

function both(one: AsyncDisposable, other: AsyncDisposable): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await other[Symbol.asyncDispose]();
      await one[Symbol.asyncDispose]();
    },
  };
}

/** Makes one module of the sample wrong, which tests notice late in the plain order. */
async function fault(root: string): Promise<AsyncDisposable> {
  const module = `${root}/sample_actors/_exceptions.py`;
  const text = await Deno.readTextFile(module);
  await Deno.writeTextFile(module, `${text}\n\ndef remote_name(error):\n    raise RuntimeError("made wrong for the bench")\n`);
  return { [Symbol.asyncDispose]: () => Deno.writeTextFile(module, text) };
}

const PARTS = 50;

/**
 * A committed project of 3,000 modules and 2,000 tests, 3 kB each, made once: a module imports one more of its part, and two of three the
 * hub; a test imports the package and one module.
 */
async function largeProject(root: string): Promise<AsyncDisposable> {
  const done = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (isThere(root)) return done;
  const body = Array.from(
    { length: 40 },
    (_, index) => `\n\ndef function_${index}(one, other):\n    """Adds."""\n    return one + other  # ${index}\n`,
  ).join("");
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/pyproject.toml`, '[project]\nname = "app"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n');
  for (let part = 0; part < PARTS; part++) {
    for (const directory of ["app", "tests"]) {
      await Deno.mkdir(`${root}/${directory}/part_${part}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${directory}/part_${part}/__init__.py`, "");
    }
  }
  await Deno.writeTextFile(`${root}/app/__init__.py`, "from .hub import start as start\n");
  await Deno.writeTextFile(`${root}/app/hub.py`, body);
  for (let index = 0; index < 3_000; index++) {
    const part = index % PARTS;
    const next = index + PARTS < 3_000 ? `from .module_${index + PARTS} import function_1\n` : "";
    const hub = index % 3 > 0 ? "from ..hub import (\n    function_1,  # why\n    function_2,\n)\n" : "";
    const text = `"""Part ${part}."""\nimport os\nfrom typing import Any\n\nimport trio\n\n${next}${hub}${body}`;
    await Deno.writeTextFile(`${root}/app/part_${part}/module_${index}.py`, text);
  }
  for (let index = 0; index < 2_000; index++) {
    const part = index % PARTS;
    const text =
      `import pytest\nimport trio\n\nimport app\nfrom app.part_${part}.module_${index} import function_1\n${body}\n\ndef test_it():\n    app.start()\n`;
    await Deno.writeTextFile(`${root}/tests/part_${part}/test_${index}.py`, text);
  }
  await commitAll(root);
  return done;
}

/** Leaves exactly one file changed. */
async function changeIn(root: string, path: string): Promise<void> {
  await run(["git", "checkout", "-q", "."], root);
  await Deno.writeTextFile(`${root}/${path}`, "changed = True\n", { append: true });
}

async function commitAll(root: string): Promise<void> {
  await run(["git", "init", "-q", "--initial-branch=main", root], root);
  await run(["git", "add", "."], root);
  await run(["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "-q", "-m", "first"], root);
}

async function main(words: readonly string[]): Promise<void> {
  const scratch = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-bench-" }));
  try {
    await prepareSample(`${scratch}/sample`);
    await prepareSleepers(scratch);
    await Deno.writeTextFile(`${scratch}/bare.js`, "console.log(1)\n");
    const inOwnNetwork = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
    const canHave = await run([...inOwnNetwork, "true"], scratch).then(() => true, () => false);
    if (!canHave) console.error("in the network of this machine: what holds the registry stands in the way");
    const itself = [DENO, "run", "--allow-all", "--quiet", "--no-config", "--no-lock", import.meta.filename!, MEASURE, scratch, ...words];
    const [program, ...args] = canHave ? [...inOwnNetwork, ...itself] : itself;
    const { code } = await new Deno.Command(program!, { args, stdin: "null", stdout: "inherit", stderr: "inherit" }).output();
    Deno.exitCode = code;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function measureAll(scratch: string, words: readonly string[]): Promise<void> {
  if (words.length === 0 || words.some((word) => "schedule".includes(word))) await (await import("./bench_schedule.ts")).simulate(ROOT);
  const root = `${scratch}/sample`;
  const venv = [...Deno.readDirSync(root)].find(({ name }) => /^py3\d+$/.test(name))!.name;
  const trivial = `${scratch}/trivial`;
  await prepareTrivial(trivial, `${root}/${venv}`);
  const wanted = comparisons(root, `${root}/${venv}/bin/python`, `${scratch}/bare.js`, trivial)
    .filter((one) => words.length === 0 || words.some((word) => one.name.includes(word)));
  for (const comparison of wanted) {
    try {
      await using _ = await comparison.company?.();
      report(comparison, await measure(comparison, root));
      await comparison.after?.();
    } catch (error) {
      console.log(`${comparison.name}: can't be measured: ${error instanceof Error ? error.message : error}`);
      Deno.exitCode = 1;
    }
  }
  for (const ui of [[], ["--ui", "bar"]]) {
    const name = `run${ui.length > 0 ? ", bar" : ""}, memory`;
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    const peak = await peakMemory([TRACTEST, "run", "--no-preflight", ...ui], trivial, {
      TRIVIAL: String(EVENTS / EVENTS_OF_A_TEST),
      ...stateOf(root),
    });
    console.log(`${name.padEnd(18)} ${`${peak} MB`.padStart(12)}   goal: under ${MOST_MEMORY} MB of tractest itself, over ${EVENTS} events`);
  }
}

/** A project with tests that do nothing, as many as TRIVIAL says. */
async function prepareTrivial(root: string, venv: string): Promise<void> {
  await Deno.mkdir(`${root}/tests`, { recursive: true });
  await Deno.writeTextFile(`${root}/pyproject.toml`, '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n');
  const range = `range(int(os.environ.get("TRIVIAL", "${TRIVIAL}")))`;
  const test = `import os, pytest\n@pytest.mark.parametrize("n", ${range})\ndef test_nothing(n): pass\n`;
  await Deno.writeTextFile(`${root}/tests/test_trivial.py`, test);
  await Deno.symlink(venv, `${root}/${venv.slice(venv.lastIndexOf("/") + 1)}`);
}

/** The most memory that a program took itself, in megabytes: what it started is not counted. */
async function peakMemory([program, ...args]: readonly string[], cwd: string, env: Record<string, string>): Promise<number> {
  const child = new Deno.Command(program!, { args, cwd, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  let peak = 0;
  let over = false;
  void child.status.then(() => over = true);
  while (!over) {
    // The kernel keeps the peak; the last look that finds the process has it.
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`).catch(() => "");
    peak = Math.max(peak, Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return Math.round(peak / 1024);
}

/** A copy of the sample with a venv, a git repository around it and a lastfailed cache. */
async function prepareSample(root: string): Promise<void> {
  await run(["cp", "-r", `${ROOT}/test/sample`, root], ROOT);
  // Venvs of whoever works on the sample are not those of this copy.
  for (const { name } of [...Deno.readDirSync(root)]) if (/^py\d+$/.test(name)) removeIfThere(`${root}/${name}`);
  console.error("making the sample's venv");
  // The one among the sample's Pythons that is at hand, else uv gets one. Its venv gets its name, which tractest looks for.
  await run(["uv", "sync", "--frozen", "--quiet", "--python", ">=3.10,<3.13"], root, { UV_PROJECT_ENVIRONMENT: "venv" });
  const version = /^version_info = 3\.(\d+)/m.exec(await Deno.readTextFile(`${root}/venv/pyvenv.cfg`))?.[1];
  await Deno.rename(`${root}/venv`, `${root}/py3${version}`);
  await Deno.writeTextFile(`${root}/.gitignore`, "py3*\n__pycache__\n.pytest_cache\nxdg\nready-*\n");
  await commitAll(root);
  await Deno.mkdir(`${root}/.pytest_cache/v/cache`, { recursive: true });
  const failed = Object.fromEntries(Array.from({ length: 27 }, (_, index) => [`tests/test_rpc.py::test_it[${index} -> x]`, true]));
  await Deno.writeTextFile(`${root}/.pytest_cache/v/cache/lastfailed`, JSON.stringify(failed));
}

/** A suite whose tests sleep, some for long, most for a moment, with the sample's venv. */
async function prepareSleepers(scratch: string): Promise<void> {
  const weights = Array.from({ length: SLEEPERS.tests }, (_, index) => index % 20 === 7 ? 12 : 1 + index % 3);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const tests = weights.map((weight, index) => `def test_${index}(): time.sleep(${(weight / total * SLEEPERS.seconds).toFixed(3)})\n`);
  await Deno.mkdir(`${scratch}/sleepers/tests`, { recursive: true });
  await Deno.writeTextFile(`${scratch}/sleepers/pyproject.toml`, '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n');
  for (let file = 0; file < 6; file++) {
    await Deno.writeTextFile(`${scratch}/sleepers/tests/test_${file}.py`, `import time\n${tests.filter((_, index) => index % 6 === file).join("")}`);
  }
  const venv = [...Deno.readDirSync(`${scratch}/sample`)].find(({ name }) => /^py3\d+$/.test(name))!.name;
  await Deno.symlink(`../sample/${venv}`, `${scratch}/sleepers/${venv}`);
}

/** How evenly the tests of the latest run were spread over its shards. */
async function showBalance(events: string): Promise<void> {
  const seconds = new Map<string, number>();
  for (const line of (await Deno.readTextFile(events)).trim().split("\n")) {
    const event = JSON.parse(line);
    if (event.event === "report") seconds.set(event.session, (seconds.get(event.session) ?? 0) + event.seconds);
  }
  const busy = [...seconds.values()];
  const longest = Math.max(...busy) / (busy.reduce((sum, one) => sum + one, 0) / busy.length);
  console.log(`  longest of ${busy.length} shards: ${longest.toFixed(3)}x of the mean   goal: at most 1.15`);
}

async function measure(comparison: Comparison, root: string): Promise<{ ours: number[]; theirs: number[] }> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  // The first round warms caches up and is not counted.
  for (let round = 0; round <= comparison.rounds; round++) {
    for (const side of ["ours", "theirs"] as const) {
      await comparison[side].before?.();
      const seconds = await time(comparison[side], root);
      if (round > 0) times[side].push(seconds);
    }
  }
  await comparison.theirs.before?.();
  return times;
}

function report(comparison: Comparison, { ours, theirs }: { ours: number[]; theirs: number[] }): void {
  const ratio = median(ours.map((seconds, index) => seconds / theirs[index]!));
  const difference = median(ours.map((seconds, index) => seconds - theirs[index]!));
  const [shown, goal] = "ratio" in comparison.goal
    ? [ratio.toFixed(ratio < 0.1 ? 3 : 2), Number.isFinite(comparison.goal.ratio) ? `goal: at most ${comparison.goal.ratio}` : "no goal: as it is"]
    : [`${difference.toFixed(2)} s more`, `goal: at most ${comparison.goal.seconds} s more`];
  console.log(`${comparison.name.padEnd(18)} ${shown.padStart(12)}   ${goal}`);
  console.log(
    `  ${comparison.ours.name}: ${milliseconds(ours)};  ${comparison.theirs.name}: ${milliseconds(theirs)}  (medians of ${comparison.rounds})`,
  );
}

async function time({ argv, cwd, code: expected = 0 }: Side, root: string): Promise<number> {
  const command = new Deno.Command(argv[0]!, {
    args: argv.slice(1),
    cwd: cwd ?? root,
    env: stateOf(root),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const start = performance.now();
  const { code } = await command.spawn().status;
  const seconds = (performance.now() - start) / 1000;
  if (code !== expected) throw new Error(`it ended with ${code} instead of ${expected}: ${argv.join(" ")}`);
  return seconds;
}

/** State and caches of the measured runs stay inside the scratch directory. */
function stateOf(root: string): Record<string, string> {
  return { XDG_STATE_HOME: `${root}/xdg/state`, XDG_CACHE_HOME: `${root}/xdg/cache` };
}

async function run(argv: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(argv[0]!, { args: argv.slice(1), cwd, env, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let wait = 0; !condition(); wait++) {
    if (wait > 1_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function milliseconds(values: readonly number[]): string {
  return `${(median(values) * 1000).toFixed(0)} ms`;
}

const [first, scratch, ...rest] = Deno.args;
if (first === MEASURE) await measureAll(scratch!, rest);
else await main(Deno.args);
