import { median } from "../base/median.ts";
import { plural } from "../base/plural.ts";
import type { Strain } from "../base/strain.ts";
import type { CpuFacts, Frequency } from "../system/programs/cpu_facts.ts";
import { type CheckResult, checkResult } from "./rules.ts";

/** What a load on every processor showed. */
export interface CpuMeasurement {
  /** The work of each processor in each window, in units of no meaning. */
  readonly work: readonly (readonly number[])[];
  readonly seconds: number;
  /** When the first window began. */
  readonly before: CpuFacts;
  /** In the middle of the load. */
  readonly during: CpuFacts;
  readonly after: CpuFacts;
  /** Seconds between `before` and `after`. */
  readonly watched: number;
  readonly strain: Strain | null;
}

/** Bounds beyond which something slows tests down. */
const LIMITS = {
  /** Of the speed of the best window at the beginning, at the end. */
  kept: 0.85,
  /** Of the best speed: a window below it is slow. */
  slowWindow: 0.7,
  /** The share of slow windows from which they are more than a hiccup. */
  slowShare: 0.15,
  /** Of the CPU time that a program gets on a machine that does nothing else. */
  obtained: 0.85,
  stolen: 0.05,
  throttled: 0.02,
  /** Of the base frequency; of the highest one, which all processors together don't reach. */
  base: 0.9,
  highest: 0.55,
} as const;
const TICKS_PER_SECOND = 100;

/** Decides whether the machine is slower than it should be, and why. */
export function cpuCheck(measured: CpuMeasurement): CheckResult {
  const problems = problemsOf(measured);
  const details = [
    ...problems.map(({ detail }) => detail),
    loadText(measured),
    frequencyText(measured.during),
  ];
  if (problems.length === 0) return checkResult("cpu", "ok", details.join("\n"));
  const fixes = [...new Set(problems.map(({ fix }) => fix))];
  const effect = "time limits of tests may be missed on unchanged code (TooSlowError, timeouts)";
  return checkResult("cpu", "warn", [...details, effect].join("\n"), fixes.join("\n"));
}

function loadText(measured: CpuMeasurement): string {
  const { work, seconds } = measured;
  const loaded = `${plural(work.length, "processor")} under load for ${seconds.toFixed(1)} s`;
  const obtained = obtainedOf(measured);
  if (obtained !== null && obtained < LIMITS.obtained) {
    return `${loaded}, which got ${percent(obtained)} of their time: their speed is not judged`;
  }
  const { kept, slow } = speedOf(work);
  const waves = slow > 0
    ? `; ${percent(slow)} of the time below ${percent(LIMITS.slowWindow)} of the best`
    : "";
  return `${loaded}: at the end ${percent(kept)} of the speed at the beginning${waves}`;
}

interface Problem {
  readonly detail: string;
  readonly fix: string;
}

function problemsOf(measured: CpuMeasurement): Problem[] {
  const { work, before, during, after, strain } = measured;
  const problems: Problem[] = [];
  const heat = before.heatEvents === null || after.heatEvents === null
    ? 0
    : after.heatEvents - before.heatEvents;
  if (heat > 0) {
    problems.push({
      detail: `the kernel slowed processors down for heat ${times(heat)}`,
      fix: COOL,
    });
  }
  const throttled = strain?.throttled ?? 0;
  if (throttled >= LIMITS.throttled) {
    problems.push({
      detail: `the CPU quota of this control group was used up ${percent(throttled)} of the time`,
      fix: "give the container or the service more CPU, or run fewer processes: --jobs 1",
    });
  }
  const stolen = share(before.ticks, after.ticks);
  if (stolen >= LIMITS.stolen) {
    problems.push({
      detail: `the hypervisor gave ${percent(stolen)} of the CPU time to other machines`,
      fix: "use a machine with processors of its own, or repeat it later",
    });
  }
  const obtained = obtainedOf(measured);
  const isCutShort = throttled >= LIMITS.throttled || stolen >= LIMITS.stolen;
  if (obtained !== null && obtained < LIMITS.obtained && !isCutShort) {
    problems.push({
      detail: `other programs took ${percent(1 - obtained)} of the CPU time`,
      fix: "ps -eo pid,pcpu,args --sort=-pcpu | head  # stop what is not needed, then repeat it",
    });
  }
  const low = during.frequencies.filter(isLow).length;
  if (low > 0) {
    const of = `${low} of ${plural(during.frequencies.length, "processor")}`;
    problems.push({ detail: `${of} stay far below their frequency`, fix: fixOfClock(during) });
  }
  // The speed says something of the clock only where nothing else took CPU time.
  const isAlone = !isCutShort && (obtained ?? 1) >= LIMITS.obtained;
  const { kept, slow } = speedOf(work);
  if (isAlone && heat === 0 && kept < LIMITS.kept) {
    problems.push({ detail: "it becomes slower under load", fix: COOL });
  } else if (isAlone && heat === 0 && slow >= LIMITS.slowShare) {
    problems.push({ detail: "its speed comes in waves", fix: COOL });
  }
  return problems;
}

const COOL = "let it cool down, plug it in, choose the performance profile; then repeat it";

function fixOfClock({ governor }: CpuFacts): string {
  return governor === null || governor === "performance"
    ? COOL
    : `sudo cpupower frequency-set -g performance  # now ${governor}`;
}

/** Windows at the beginning and at the end that are compared. */
const COMPARED = 5;

/** How the speed of all processors together changed: shares of the best window. */
function speedOf(work: readonly (readonly number[])[]): { kept: number; slow: number } {
  const windows = (work[0] ?? []).map((_, at) =>
    work.reduce((sum, counts) => sum + (counts[at] ?? 0), 0)
  );
  const first = Math.max(1, ...windows.slice(0, COMPARED));
  const best = Math.max(1, ...windows);
  const last = median(windows.slice(-COMPARED)) ?? first;
  const slow = windows.filter((count) => count < best * LIMITS.slowWindow).length;
  return { kept: Math.min(1, last / first), slow: slow / Math.max(1, windows.length) };
}

/** The share of the CPU time that this program got; null where unknown. */
function obtainedOf({ work, before, after, watched }: CpuMeasurement): number | null {
  if (before.ownTicks === null || after.ownTicks === null || watched <= 0) return null;
  const used = (after.ownTicks - before.ownTicks) / TICKS_PER_SECOND;
  return Math.min(1, used / (work.length * watched));
}

function share(before: CpuFacts["ticks"], after: CpuFacts["ticks"]): number {
  if (before === null || after === null || after.all <= before.all) return 0;
  return (after.stolen - before.stolen) / (after.all - before.all);
}

function isLow({ now, most, base }: Frequency): boolean {
  return base === null ? now < most * LIMITS.highest : now < base * LIMITS.base;
}

function frequencyText({ frequencies, governor }: CpuFacts): string {
  if (frequencies.length === 0) return "this system does not show the frequency of its processors";
  const now = median(frequencies.map((each) => each.now))!;
  const most = Math.max(...frequencies.map((each) => each.most));
  return `${gigahertz(now)} of at most ${gigahertz(most)} GHz under load` +
    (governor === null ? "" : `, governor ${governor}`);
}

function gigahertz(megahertz: number): string {
  return (megahertz / 1000).toFixed(1);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)}%`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
