/** The repository. */
export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
/** The binary that is measured. */
export const TRACTEST = `${ROOT}/dist/tractest`;
/** The Deno that measures. */
export const DENO = Deno.execPath();
/** Rounds for quick comparisons, and for slow ones. */
export const QUICK_ROUNDS = 31;
export const SLOW_ROUNDS = 7;

/** One side of a comparison: a command, and what to do before each timed start. */
export interface Side {
  readonly name: string;
  readonly argv: readonly string[];
  readonly before?: () => void | Promise<void>;
  /** The working directory; the sample unless given. */
  readonly cwd?: string;
  /** The exit code of a successful run; 0 unless given. */
  readonly code?: number;
}

/** A comparison, and the ratio that it should not exceed. */
export interface Comparison {
  readonly name: string;
  readonly rounds: number;
  readonly ours: Side;
  readonly theirs: Side;
  /** Starts what must exist during the measurement; throws if that is impossible. */
  readonly company?: () => Promise<AsyncDisposable>;
  /** Prints details afterwards. */
  readonly after?: () => Promise<void>;
  /** `ratio`: ours / theirs at most this; `seconds`: ours - theirs at most this. */
  readonly goal: { readonly ratio: number } | { readonly seconds: number };
}

/** Times both sides in turn, each in seconds. */
export async function measure(
  comparison: Comparison,
  root: string,
): Promise<{ ours: number[]; theirs: number[] }> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  // The first round warms up caches and does not count.
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

/** Prints the result next to the goal. */
export function report(
  comparison: Comparison,
  { ours, theirs }: { ours: number[]; theirs: number[] },
): void {
  const ratio = median(ours.map((seconds, index) => seconds / theirs[index]!));
  const difference = median(ours.map((seconds, index) => seconds - theirs[index]!));
  const [shown, goal] = "ratio" in comparison.goal
    ? [
      ratio.toFixed(ratio < 0.1 ? 3 : 2),
      Number.isFinite(comparison.goal.ratio)
        ? `goal: at most ${comparison.goal.ratio}`
        : "no goal: as it is",
    ]
    : [`${difference.toFixed(2)} s more`, `goal: at most ${comparison.goal.seconds} s more`];
  console.log(`${comparison.name.padEnd(18)} ${shown.padStart(12)}   ${goal}`);
  const [one, other] = [milliseconds(ours), milliseconds(theirs)];
  const names = comparison;
  console.log(
    `  ${names.ours.name}: ${one};  ${names.theirs.name}: ${other}  (medians of ${names.rounds})`,
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
  if (code !== expected) {
    throw new Error(`it ended with ${code} instead of ${expected}: ${argv.join(" ")}`);
  }
  return seconds;
}

/** State and caches of the measured runs stay inside the scratch directory. */
export function stateOf(root: string): Record<string, string> {
  return { XDG_STATE_HOME: `${root}/xdg/state`, XDG_CACHE_HOME: `${root}/xdg/cache` };
}

/** Runs a program to its end; throws with its output if it fails. */
export async function run(
  argv: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(argv[0]!, {
    args: argv.slice(1),
    cwd,
    env,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether a path exists. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let wait = 0; !condition(); wait++) {
    if (wait > 1_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Removes a path and everything in it. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Two that come and go together. */
export function both(one: AsyncDisposable, other: AsyncDisposable): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await other[Symbol.asyncDispose]();
      await one[Symbol.asyncDispose]();
    },
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function milliseconds(values: readonly number[]): string {
  return `${(median(values) * 1000).toFixed(0)} ms`;
}

/** The place and the tools of the measurement. */
export interface Scene {
  /** The copy of the sample. */
  readonly root: string;
  /** The Python of its venv. */
  readonly python: string;
  /** A bare start of Deno. */
  readonly bareDeno: Side;
  /** A project with tests that do nothing. */
  readonly trivial: string;
}
