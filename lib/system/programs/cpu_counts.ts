import { type CpuCounts, parseCpuCounts, type Strain, strainBetween } from "../../base/strain.ts";
import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/**
 * Pressure of the machine, then the quota of our control group (version 2, then 1): whichever are
 * there.
 */
const FILES = [
  "/proc/pressure/cpu",
  "/sys/fs/cgroup/cpu.stat",
  "/sys/fs/cgroup/cpu/cpu.stat",
] as const;

/**
 * Looks at what the system counts about CPU time now; the returned function tells how short of it
 * the machine was since.
 */
export async function watchCpu(host: Host): Promise<() => Promise<Strain | null>> {
  const began = host.clock.monotonic();
  const before = await readCpuCounts(host);
  return async () =>
    strainBetween(before, await readCpuCounts(host), (host.clock.monotonic() - began) / 1000);
}

async function readCpuCounts(host: Host): Promise<CpuCounts> {
  const { text } = await probe(host, "cat", FILES, {
    why: "is the machine short of CPU",
    codes: [0, 1],
  });
  return parseCpuCounts(text ?? "");
}
