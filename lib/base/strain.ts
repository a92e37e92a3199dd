/** Counters of CPU time, in seconds since boot. Null where the system has none. */
export interface CpuCounts {
  /** Time in which a task that was ready waited for a CPU, on the whole machine. */
  readonly waited: number | null;
  /** Time in which our control group was held back by its quota. */
  readonly throttled: number | null;
}

/** How short of CPU time the machine was: shares between 0 and 1, null where unknown. */
export interface Strain {
  readonly waited: number | null;
  readonly throttled: number | null;
  /** Whether timing-sensitive tests may have failed because of it. */
  readonly strained: boolean;
}

/** Shares from which a machine is overloaded. A suite of many processes causes some wait itself. */
const LIMITS = { waited: 0.5, throttled: 0.05 } as const;

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

/** An interval shorter than this is not judged. */
const LEAST_SECONDS = 1;

/**
 * How short of CPU the machine was between two readings, `seconds` apart; null if the system does
 * not count it or the interval is too short.
 */
export function strainBetween(before: CpuCounts, after: CpuCounts, seconds: number): Strain | null {
  const share = (from: number | null, to: number | null) =>
    from === null || to === null || seconds < LEAST_SECONDS
      ? null
      : Math.min(1, Math.max(0, to - from) / seconds);
  const waited = share(before.waited, after.waited);
  const throttled = share(before.throttled, after.throttled);
  if (waited === null && throttled === null) return null;
  const strained = (waited ?? 0) >= LIMITS.waited || (throttled ?? 0) >= LIMITS.throttled;
  return { waited, throttled, strained };
}

/**
 * Says that the machine was overloaded; null if it was not.
 *
 * @param bad whether something failed meanwhile
 */
export function strainText(strain: Strain | null, bad: boolean): string | null {
  if (strain === null || !strain.strained) return null;
  const percent = (share: number) => `${(share * 100).toFixed(0)}%`;
  const [waited, throttled] = [strain.waited ?? 0, strain.throttled ?? 0];
  const parts: string[] = [];
  if (waited >= LIMITS.waited) {
    parts.push(`tasks waited for a CPU ${percent(waited)} of the time`);
  }
  if (throttled >= LIMITS.throttled) {
    parts.push(`the CPU quota was used up ${percent(throttled)} of the time`);
  }
  const effect = bad ? "; timeouts may be spurious" : "";
  return `the machine was overloaded (${parts.join(", ")})${effect}`;
}
