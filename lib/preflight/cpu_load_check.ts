import type { Strain } from "../base/strain.ts";
import type { Host } from "../system/host.ts";
import { watchCpu } from "../system/programs/cpu_counts.ts";
import { type CpuFacts, readCpuFacts } from "../system/programs/cpu_facts.ts";
import { type CheckResult, checkResult } from "./rules.ts";
import { cpuCheck } from "./rules_cpu.ts";

/** Windows of the load, and their length. */
const [WINDOWS, WINDOW_MS] = [20, 100];

/** What is known when the load begins. */
interface Beginning {
  readonly facts: CpuFacts;
  readonly at: number;
  readonly strainSince: () => Promise<Strain | null>;
}

/** Loads every processor for two seconds, and says whether the machine is throttled. */
export async function checkCpu(host: Host): Promise<CheckResult> {
  const { loadProcessors } = await import("../system/cpu_load.ts");
  const begin = async (): Promise<Beginning> => {
    const [facts, strainSince] = await Promise.all([readCpuFacts(host), watchCpu(host)]);
    return { facts, strainSince, at: host.clock.monotonic() };
  };
  let [beginning, halfway]: [Beginning | null, CpuFacts | null] = [null, null];
  try {
    const work = await loadProcessors({
      processors: host.processors,
      windows: WINDOWS,
      windowMs: WINDOW_MS,
      begun: async () => void (beginning = await begin()),
      halfway: async () => void (halfway = await readCpuFacts(host)),
    });
    const { facts: before, at, strainSince } = beginning! as Beginning;
    const watched = (host.clock.monotonic() - at) / 1000;
    const [after, strain] = await Promise.all([readCpuFacts(host), strainSince()]);
    const seconds = WINDOWS * WINDOW_MS / 1000;
    return cpuCheck({ work, seconds, before, during: halfway!, after, watched, strain });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return checkResult("cpu", "unknown", `no load could be made: ${why}`);
  }
}
