/** What the system counts about CPU time, in seconds that only grow. Null where it does not say. */
export interface CpuCounts {
  /** In which some task was ready and had to wait for a CPU, on the whole machine. */
  readonly waited: number | null;
  /** For which our control group was held back by its quota. */
  readonly throttled: number | null;
}

/** How short of CPU time the machine was: shares between 0 and 1, null where unknown. */
export interface Strain {
  readonly waited: number | null;
  readonly throttled: number | null;
  /** Whether timing-sensitive tests may have failed because of it. */
  readonly strained: boolean;
}

/**
 * From these shares on a machine counts as short of CPU: a suite of many processes makes some of
 * its own tasks wait.
 */
const SHORT = { waited: 0.5, throttled: 0.05 } as const;

/**
 * Parses pressure stall information (`some … total=MICROSECONDS`) and a control group's `cpu.stat`,
 * of version 2 (`throttled_usec`) or 1 (`throttled_time`, nanoseconds), in any order.
 */
export function parseCpuCounts(text: string): CpuCounts {
  const number = (pattern: RegExp, unit: number) => {
    const found = pattern.exec(text);
    return found ? Number(found[1]) / unit : null;
  };
  return {
    waited: number(/^some .*\btotal=(\d+)$/m, 1e6),
    throttled: number(/^throttled_usec (\d+)$/m, 1e6) ?? number(/^throttled_time (\d+)$/m, 1e9),
  };
}

/** Seconds that are too few to say anything about a machine. */
const TOO_FEW_SECONDS = 1;

/**
 * How short of CPU the machine was between two looks, `seconds` apart; null when the system does
 * not say, or when that is too soon to tell.
 */
export function strainBetween(before: CpuCounts, after: CpuCounts, seconds: number): Strain | null {
  const share = (from: number | null, to: number | null) =>
    from === null || to === null || seconds < TOO_FEW_SECONDS
      ? null
      : Math.min(1, Math.max(0, to - from) / seconds);
  const [waited, throttled] = [
    share(before.waited, after.waited),
    share(before.throttled, after.throttled),
  ];
  if (waited === null && throttled === null) return null;
  return {
    waited,
    throttled,
    strained: (waited ?? 0) >= SHORT.waited || (throttled ?? 0) >= SHORT.throttled,
  };
}

/**
 * That a machine was short of CPU; null for one that was not.
 *
 * @param bad whether something failed meanwhile
 */
export function strainText(strain: Strain | null, bad: boolean): string | null {
  if (strain === null || !strain.strained) return null;
  const percent = (share: number) => `${(share * 100).toFixed(0)}%`;
  const { waited, throttled } = strain;
  const parts = [
    ...(waited !== null && waited >= SHORT.waited
      ? [`tasks waited for a CPU ${percent(waited)} of the time`]
      : []),
    ...(throttled !== null && throttled >= SHORT.throttled
      ? [`the quota held it back ${percent(throttled)} of the time`]
      : []),
  ];
  return `the machine was short of CPU (${parts.join(", ")})${
    bad ? ": missed time limits may be its doing" : ""
  }`;
}
