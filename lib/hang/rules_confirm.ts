/** A test that hung, and what is needed to run it again in the same way. */
export interface HungTest {
  readonly id: string;
  /** For how many seconds it had hung at least; null when that is not known. */
  readonly seconds: number | null;
  /** The command of its pytest; null when that is not known. */
  readonly command: readonly string[] | null;
}

/** What became of a test that hung when it was run again with `-s`. */
export interface Confirmation {
  readonly test: string;
  /**
   * Whether capture is the cause; null when the test could not be run, or it is not known for how
   * long it hung.
   */
  readonly confirmed: boolean | null;
  /** For how long it hung. */
  readonly hungSeconds: number | null;
  /** How long it took with `-s`; null when it did not run. */
  readonly seconds: number | null;
  /** Up to how many seconds count as quick. */
  readonly quickSeconds: number | null;
  readonly reason: string;
}

/** Seconds that the test gets at least, and at most: pytest itself has to start. */
const LIMITS = { least: 10, most: 120 } as const;
/** Options that change how a test runs, and are kept. */
const KEPT = ["--tpt-proto", "--spawn-backend", "--ll", "--tl"] as const;

/**
 * Words for `run` that run a test again without capture, under the conditions under which it hung.
 */
export function confirmWords({ id, seconds, command }: HungTest): string[] {
  const kept = (command ?? []).flatMap((word, index, all) => {
    if (KEPT.some((option) => word.startsWith(`${option}=`))) return [word];
    const value = all[index + 1];
    return (KEPT as readonly string[]).includes(word) && value !== undefined &&
        !value.startsWith("-")
      ? [`${word}=${value}`]
      : [];
  });
  return ["-s", "--wait", `--timeout=${confirmLimit(seconds)}`, ...kept, id];
}

/** Seconds after which the rerun is ended. */
export function confirmLimit(hungSeconds: number | null): number {
  return Math.ceil(Math.min(LIMITS.most, Math.max(LIMITS.least, (hungSeconds ?? 0) / 2)));
}

/** What `tractest.run/1` says of the rerun, as far as it matters. */
export interface Rerun {
  readonly exitCode: number;
  readonly seconds: number | null;
  readonly counts:
    | { readonly passed: number; readonly failed: number; readonly errors: number }
    | null;
}

/**
 * Decides: it passes, in at most half of the time for which it had hung, with `-s` and nothing else
 * changed.
 */
export function decideConfirmation(
  { id, seconds: hungSeconds }: HungTest,
  rerun: Rerun | null,
): Confirmation {
  const quickSeconds = hungSeconds === null ? null : Math.min(LIMITS.most, hungSeconds / 2);
  const of = (confirmed: boolean | null, reason: string) => ({
    test: id,
    confirmed,
    hungSeconds,
    seconds: rerun?.seconds ?? null,
    quickSeconds,
    reason,
  });
  if (rerun === null || rerun.counts === null || rerun.seconds === null) {
    return of(null, "it could not be run again");
  }
  const { seconds, counts, exitCode } = rerun;
  if (exitCode === 124) {
    return of(
      false,
      `with -s it did not end within ${
        confirmLimit(hungSeconds)
      } s either: capture is not the cause`,
    );
  }
  if (counts.passed + counts.failed + counts.errors === 0) {
    return of(null, `with -s it ran no test (exit code ${exitCode})`);
  }
  if (counts.passed === 0 || counts.failed + counts.errors > 0 || exitCode !== 0) {
    return of(
      false,
      `with -s it ended after ${seconds.toFixed(1)} s, but did not pass (exit code ${exitCode})`,
    );
  }
  if (quickSeconds === null) {
    return of(
      null,
      `with -s it passes in ${seconds.toFixed(1)} s, but it is not known for how long it hung`,
    );
  }
  const beside = `it had hung for ${hungSeconds!.toFixed(1)} s, and up to ${
    quickSeconds.toFixed(1)
  } s count as quick`;
  return seconds <= quickSeconds
    ? of(
      true,
      `with -s it passes in ${seconds.toFixed(1)} s: ${beside}; full capture pipes are the cause`,
    )
    : of(false, `with -s it passes, but not quickly, in ${seconds.toFixed(1)} s: ${beside}`);
}
