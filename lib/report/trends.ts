/**
 * What is known of a project's other runs. Times in seconds, `started` since the epoch; null is
 * unknown.
 */
export interface Trends {
  /** The oldest first. */
  readonly runs: readonly {
    readonly runId: string;
    readonly started: number;
    readonly seconds: number;
    readonly counts: {
      readonly tests: number;
      readonly passed: number;
      readonly failed: number;
      readonly skipped: number;
    };
    readonly exitCode: number | null;
    readonly commit: string | null;
  }[];
  /** Tests with a record of failures, the worst first; `rate` as text: `7% (2-19%)`. */
  readonly flakiest: readonly {
    readonly id: string;
    readonly failures: number;
    readonly trials: number;
    readonly rate: string;
  }[];
  /** Tests by their usual duration, the longest first. */
  readonly slowest: readonly { readonly id: string; readonly seconds: number }[];
}
