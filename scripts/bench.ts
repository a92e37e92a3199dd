/**
 * Times tractest against what it replaces: whole processes, the two sides in turn, medians and the median of the pairwise ratios.
 * Needs `dist/tractest` and uv; makes a copy of the sample with its venv in a temporary directory, and removes it.
 */
import { join, resolve } from "@std/path";

const ROOT = resolve(import.meta.dirname!, "..");
const TRACTEST = join(ROOT, "dist/tractest");
const DENO = Deno.execPath();
const QUICK_ROUNDS = 31;
const SLOW_ROUNDS = 7;

/** One side of a comparison: a command, and what has to be done before each timed start. */
interface Side {
  readonly name: string;
  readonly argv: readonly string[];
  readonly before?: () => void;
}

/** A comparison, and the ratio that it should stay under. */
interface Comparison {
  readonly name: string;
  readonly rounds: number;
  readonly ours: Side;
  readonly theirs: Side;
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

function comparisons(root: string, python: string, bare: string): Comparison[] {
  const sh = (script: string) => ["sh", "-c", script];
  const bareDeno: Side = { name: "bare Deno start", argv: [DENO, "run", "--no-config", "--no-lock", bare] };
  const target = ["tests/test_rpc.py"];
  const forget = () => removeIfThere(join(root, "xdg/cache/tractest/preflight"));
  const activated = `export PATH="${join(root, "bin-of-venv")}:$PATH"; `;
  const byHand: Side = { name: "the same steps by hand", argv: sh(activated + preflightByHand(root)) };
  const preflight = [TRACTEST, "run", "--preflight-only"];
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
      ours: { name: "tractest zombies", argv: [TRACTEST, "zombies"] },
      theirs: { name: "the recipe's three probes", argv: sh(probes(root)) },
      goal: { ratio: 2.5 },
    },
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
      ours: { name: "tractest zombies", argv: [TRACTEST, "zombies"] },
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

async function main(words: readonly string[]): Promise<void> {
  const scratch = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-bench-" }));
  try {
    const root = join(scratch, "sample");
    const python = await prepareSample(root);
    const bare = join(scratch, "bare.js");
    await Deno.writeTextFile(bare, "console.log(1)\n");
    const wanted = comparisons(root, python, bare).filter((one) => words.length === 0 || words.some((word) => one.name.includes(word)));
    for (const comparison of wanted) report(comparison, await measure(comparison, root));
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** A copy of the sample with a venv, a git repository around it and a lastfailed cache; returns its Python. */
async function prepareSample(root: string): Promise<string> {
  await run(["cp", "-r", join(ROOT, "test/sample"), root], ROOT);
  console.error("making the sample's venv");
  await run(["uv", "sync", "--frozen", "--quiet", "--python", "3.12"], root, { UV_PROJECT_ENVIRONMENT: "py312" });
  await Deno.symlink(join(root, "py312/bin"), join(root, "bin-of-venv"));
  await run(["git", "init", "-q", root], root);
  await Deno.mkdir(join(root, ".pytest_cache/v/cache"), { recursive: true });
  const failed = Object.fromEntries(Array.from({ length: 27 }, (_, index) => [`tests/test_rpc.py::test_it[${index} -> x]`, true]));
  await Deno.writeTextFile(join(root, ".pytest_cache/v/cache/lastfailed"), JSON.stringify(failed));
  return join(root, "py312/bin/python");
}

async function measure(comparison: Comparison, root: string): Promise<{ ours: number[]; theirs: number[] }> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  // The first round warms caches up and is not counted.
  for (let round = 0; round <= comparison.rounds; round++) {
    for (const side of ["ours", "theirs"] as const) {
      comparison[side].before?.();
      const seconds = await time(comparison[side].argv, root);
      if (round > 0) times[side].push(seconds);
    }
  }
  return times;
}

function report(comparison: Comparison, { ours, theirs }: { ours: number[]; theirs: number[] }): void {
  const ratio = median(ours.map((seconds, index) => seconds / theirs[index]!));
  const difference = median(ours.map((seconds, index) => seconds - theirs[index]!));
  const [shown, goal] = "ratio" in comparison.goal
    ? [ratio.toFixed(2), Number.isFinite(comparison.goal.ratio) ? `goal: at most ${comparison.goal.ratio}` : "no goal: the floor"]
    : [`${difference.toFixed(2)} s more`, `goal: at most ${comparison.goal.seconds} s more`];
  console.log(`${comparison.name.padEnd(18)} ${shown.padStart(12)}   ${goal}`);
  console.log(
    `  ${comparison.ours.name}: ${milliseconds(ours)};  ${comparison.theirs.name}: ${milliseconds(theirs)}  (medians of ${comparison.rounds})`,
  );
}

async function time(argv: readonly string[], cwd: string): Promise<number> {
  const command = new Deno.Command(argv[0]!, { args: argv.slice(1), cwd, env: stateOf(cwd), stdin: "null", stdout: "null", stderr: "null" });
  const start = performance.now();
  await command.spawn().status;
  return (performance.now() - start) / 1000;
}

/** State and caches of the measured runs stay inside the scratch directory. */
function stateOf(root: string): Record<string, string> {
  return { XDG_STATE_HOME: join(root, "xdg/state"), XDG_CACHE_HOME: join(root, "xdg/cache") };
}

async function run(argv: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(argv[0]!, { args: argv.slice(1), cwd, env, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr)}`);
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

await main(Deno.args);
