/** A test that hung, and how to run it again in the same way. */
export interface HungTest {
  readonly id: string;
  /** Seconds for which it had hung, at least; null when unknown. */
  readonly seconds: number | null;
  /** The command of its pytest; null when unknown. */
  readonly command: readonly string[] | null;
}

/** The result of running a hung test again with `-s`. */
export interface Confirmation {
  readonly test: string;
  /** Whether capture is the cause; null when the rerun does not decide it. */
  readonly confirmed: boolean | null;
  /** For how long it hung. */
  readonly hungSeconds: number | null;
  /** How long it took with `-s`; null when it did not run. */
  readonly seconds: number | null;
  /** Up to how many seconds count as quick. */
  readonly quickSeconds: number | null;
  readonly reason: string;
}

/** The least and the greatest time limit of the rerun, in seconds: pytest itself has to start. */
const LIMITS = { least: 10, most: 120 } as const;
/** Options that change how a test runs, and are kept. */
const KEPT: readonly string[] = ["--tpt-proto", "--spawn-backend", "--ll", "--tl"];

/** Words for `run` that run a test again without capture, otherwise as it hung. */
export function confirmWords({ id, seconds, command }: HungTest): string[] {
  const kept = (command ?? []).flatMap((word, index, all) => {
    if (KEPT.some((option) => word.startsWith(`${option}=`))) return [word];
    const value = all[index + 1];
    return KEPT.includes(word) && value !== undefined && !value.startsWith("-")
      ? [`${word}=${value}`]
      : [];
  });
  return ["-s", "--wait", `--timeout=${confirmLimit(seconds)}`, ...kept, id];
}

/** Seconds after which the rerun is ended. */
export function confirmLimit(hungSeconds: number | null): number {
  return Math.ceil(Math.min(LIMITS.most, Math.max(LIMITS.least, (hungSeconds ?? 0) / 2)));
}

/** The part of `tractest.run/1` that decides. */
export interface Rerun {
  readonly exitCode: number;
  readonly seconds: number | null;
  readonly counts:
    | { readonly passed: number; readonly failed: number; readonly errors: number }
    | null;
}

/** Decides: capture is the cause if with `-s` the test passes in half of the time it had hung. */
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
    return of(null, "it could not be rerun");
  }
  const { counts: { passed, failed, errors }, exitCode } = rerun;
  if (exitCode === 124) {
    const limit = confirmLimit(hungSeconds);
    return of(false, `with -s it did not end within ${limit} s either: capture is not the cause`);
  }
  if (passed + failed + errors === 0) {
    return of(null, `with -s no test ran (exit code ${exitCode})`);
  }
  const took = `${rerun.seconds.toFixed(1)} s`;
  if (passed === 0 || failed + errors > 0 || exitCode !== 0) {
    return of(false, `with -s it did not pass (exit code ${exitCode} after ${took})`);
  }
  if (hungSeconds === null || quickSeconds === null) {
    return of(null, `with -s it passes in ${took}, but how long it had hung is unknown`);
  }
  const hung = `it had hung for ${hungSeconds.toFixed(1)} s`;
  return rerun.seconds <= quickSeconds
    ? of(true, `with -s it passes in ${took}; ${hung}: full capture pipes are the cause`)
    : of(false, `with -s it passes only after ${took}; ${hung}`);
}
