/** What a stuck tree waits for. */
export type HangVerdict =
  | "stopped"
  | "blocked-write"
  | "waiting-for-registry"
  | "exit-waits-for-child"
  | "child-ignores-sigint"
  | "waiting-for-connection"
  | "waiting-for-answer"
  | "child-not-reaped"
  | "closed-wait"
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
  /** Its system call: `write(1 → pipe:[18001])`; null when unknown. */
  readonly call: string | null;
  readonly threads: number;
  /** Its standard input, output and error; null when they can't be read. */
  readonly standardFiles: readonly (string | null)[] | null;
  readonly sigint: "ignored" | "blocked" | "pending" | "caught" | "default" | null;
  /** Seconds of processor time that it used between the two snapshots. */
  readonly cpuSeconds: number;
  /** Seconds for which its main thread has slept, at least; null when unknown. */
  readonly asleepSeconds: number | null;
  readonly title: string;
}

/** One of the four signs of a hang of full capture pipes. */
export interface SignaturePoint {
  readonly point: "fork-backend" | "error-tracebacks" | "passes-with-s" | "actors-blocked-in-write";
  readonly answer: "yes" | "no" | "unknown";
  readonly evidence: string;
}

/** A test that runs in a stuck tree. */
export interface HangTest {
  readonly id: string;
  /** Since it began; null: not recorded, it started a child that pytest waits for. */
  readonly seconds: number | null;
  /** Since its teardown began; missing: it is not in its teardown. */
  readonly teardownSeconds?: number;
}

/** What was found about a stuck tree. */
export interface HangReport {
  readonly verdict: HangVerdict;
  readonly root: number;
  /** Tests that ran; null when they are unknown. */
  readonly running: readonly HangTest[] | null;
  readonly processes: readonly HangProcess[];
  /** The evidence for the verdict, or what was observed instead. */
  readonly evidence: readonly string[];
  /** The signs of a hang of full capture pipes; empty where nothing could be observed. */
  readonly signature: readonly SignaturePoint[];
  /** What to try, in order. */
  readonly recipe: readonly string[];
  readonly stacks: readonly { readonly pid: number; readonly text: string }[];
  /** What could not be inspected. */
  readonly unknowns: readonly string[];
  /** Seconds between the two snapshots. */
  readonly seconds: number;
}
