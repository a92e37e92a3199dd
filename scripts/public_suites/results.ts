/** What the runs of public suites are made of, and what follows from them. Plain values only. */

/** A public suite: a row of the table. */
export interface Suite {
  readonly name: string;
  /** `OWNER/NAME` on GitHub. */
  readonly repository: string;
  readonly revision: string;
  /** What `uv venv --python` gets. */
  readonly python: string;
  /** Command lines, one after the other in the checkout, with the venv in `.venv`. */
  readonly prepare: readonly string[];
  /** Set in all modes. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of `tractest run`: none, where it does what pytest does by itself. */
  readonly runOptions?: readonly string[];
  /** Options of pytest, the same in all modes. */
  readonly options: readonly string[];
  /** Files and directories; none: what pytest itself would take. */
  readonly targets: readonly string[];
  /** More targets, where speed is not compared: pytest-xdist's workers do other work there. */
  readonly uncompared?: readonly string[];
  /** Tests that take seconds more or less by chance: left out where speed is compared. */
  readonly byChance?: readonly string[];
  /** Why it is run like this, and what explains differences from bare pytest. */
  readonly notes: readonly string[];
}

/** The ways to run a suite, in the order in which they are tried. */
export const MODES = ["bare", "xdist", "run", "isolate", "jobs"] as const;

/** One of the ways. */
export type ModeName = typeof MODES[number];

/** Those that are compared in speed, and so may be run several times in turn. */
export const COMPARED: readonly ModeName[] = ["xdist", "jobs"];

/** What is counted, by tractest's words. */
export const COUNTED = ["passed", "failed", "errors", "skipped", "xfailed", "xpassed"] as const;

/** How many tests ended in which way. */
export type Counts = Readonly<Record<typeof COUNTED[number], number>>;

/** How one run of a suite ended. */
export interface SuiteRun {
  readonly mode: ModeName;
  /** Null: it did not end, and was ended at its limit. */
  readonly code: number | null;
  readonly seconds: number;
  /** Null: none were reported. */
  readonly counts: Counts | null;
  /** Ids that failed, in any phase. */
  readonly failing: readonly string[];
  /** Ids that tractest tried again alone, and that passed then. */
  readonly contended: readonly string[];
  /** Leaks that tractest reported: test and process. Null: it was not tractest that ran. */
  readonly leaks: readonly string[] | null;
  /** Processes that outlived their test but not pytest. */
  readonly left: number | null;
  /** Command lines of processes that were alive when the run had ended. */
  readonly alive: readonly string[];
  /** The last line that it wrote, where it counted no test; else null. */
  readonly lastLine: string | null;
}

/** A test that failed in one mode and not with bare pytest, or the other way round. */
export interface Difference {
  readonly mode: ModeName;
  readonly id: string;
  /** Whether it failed in the mode, and not with bare pytest. */
  readonly failed: boolean;
}

/** All that was seen of a suite in one sitting. */
export interface Sitting {
  readonly suite: Suite;
  readonly runs: readonly SuiteRun[];
  /** Each differing test, and how often it failed of so many times alone with bare pytest. */
  readonly alone: ReadonlyMap<string, { readonly failed: number; readonly of: number }>;
}

/** The tests whose verdict differs from that of bare pytest; without bare pytest there are none. */
export function differences(runs: readonly SuiteRun[]): Difference[] {
  const bare = runs.filter(({ mode }) => mode === "bare");
  if (bare.length === 0) return [];
  const always = bare[0]!.failing.filter((id) => bare.every(({ failing }) => failing.includes(id)));
  const ever = new Set(bare.flatMap(({ failing }) => failing));
  const found = new Map<string, Difference>();
  for (const { mode, failing, code, counts } of runs) {
    // What a cut run did not reach has no verdict.
    const reached = code !== null && counts !== null;
    const more = failing.filter((id) => !ever.has(id)).map((id) => ({ mode, id, failed: true }));
    const less = reached ? always.filter((id) => !failing.includes(id)) : [];
    for (const one of [...more, ...less.map((id) => ({ mode, id, failed: false }))]) {
      found.set(`${one.mode} ${one.id}`, one);
    }
  }
  return [...found.values()];
}

/** The run of a mode that stands for all of it: the first, with the median of their seconds. */
export function runOf(runs: readonly SuiteRun[], mode: ModeName): SuiteRun | null {
  const all = runs.filter((run) => run.mode === mode);
  return all.length === 0 ? null : { ...all[0]!, seconds: median(all.map((run) => run.seconds)) };
}

/** How much longer `--jobs 2` took than `pytest -n 2`; null where either is missing. */
export function jobsRatio(runs: readonly SuiteRun[]): number | null {
  const [jobs, xdist] = [runOf(runs, "jobs"), runOf(runs, "xdist")];
  if (jobs === null || xdist === null) return null;
  if ([jobs, xdist].some(({ code, counts }) => code === null || counts === null)) return null;
  return jobs.seconds / xdist.seconds;
}

/** The middle of some numbers, of which there is at least one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
