/** What a stuck tree waits for. */
export type HangVerdict =
  | "stopped"
  | "blocked-write"
  | "waiting-for-registry"
  | "exit-waits-for-child"
  | "child-ignores-sigint"
  | "child-not-reaped"
  | "terminal-wanted"
  | "no-verdict";

/** A process of a tree, as it is shown. */
export interface HangProcess {
  readonly pid: number;
  readonly ppid: number;
  /** State letter. */
  readonly state: string;
  /** The kernel function in which its main thread sleeps; null when none is shown. */
  readonly waitsIn: string | null;
  /** What it does: `write(1 → pipe:[18001])`; null when that can't be told. */
  readonly call: string | null;
  readonly threads: number;
  /** What its standard input, output and error are; null when that can't be read. */
  readonly standardFiles: readonly (string | null)[] | null;
  readonly sigint: "ignored" | "blocked" | "pending" | "caught" | "default" | null;
  /** Seconds of processor time that it used during the look. */
  readonly cpuSeconds: number;
  /** Seconds for which its main thread has slept, at least; null when that can't be told. */
  readonly asleepSeconds: number | null;
  readonly title: string;
}

/** One of the four points by which the hang of full capture pipes is told from others. */
export interface SignaturePoint {
  readonly point: "fork-backend" | "error-tracebacks" | "passes-with-s" | "actors-blocked-in-write";
  readonly answer: "yes" | "no" | "unknown";
  readonly evidence: string;
}

/** What was found about a stuck tree. */
export interface HangReport {
  readonly verdict: HangVerdict;
  readonly root: number;
  /** Tests that ran, and for how many seconds where that is known; null when it can't be told. */
  readonly running: readonly { readonly id: string; readonly seconds: number | null }[] | null;
  readonly processes: readonly HangProcess[];
  /** What the verdict rests on, or what was seen instead. */
  readonly evidence: readonly string[];
  /**
   * The signature of the hang of full capture pipes, point by point; empty where nothing could be
   * seen.
   */
  readonly signature: readonly SignaturePoint[];
  /** What to try, in order. */
  readonly recipe: readonly string[];
  readonly stacks: readonly { readonly pid: number; readonly text: string }[];
  /** What could not be looked at. */
  readonly unknowns: readonly string[];
  /** Seconds that the look took between its two moments. */
  readonly seconds: number;
}
