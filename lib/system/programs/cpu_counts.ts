import { type CpuCounts, parseCpuCounts, type Strain, strainBetween } from "../../base/strain.ts";
import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** Pressure of the machine, and the quota of our control group (version 2 and 1). */
const FILES = [
  "/proc/pressure/cpu",
  "/sys/fs/cgroup/cpu.stat",
  "/sys/fs/cgroup/cpu/cpu.stat",
] as const;

/** Starts to measure CPU time; the returned function says how short of it the machine was since. */
export async function watchCpu(host: Host): Promise<() => Promise<Strain | null>> {
  const began = host.clock.monotonic();
  const before = await readCpuCounts(host);
  return async () =>
    strainBetween(before, await readCpuCounts(host), (host.clock.monotonic() - began) / 1000);
}

async function readCpuCounts(host: Host): Promise<CpuCounts> {
  const { text } = await probe(host, "cat", FILES, {
    why: "whether the machine is short of CPU",
    codes: [0, 1],
  });
  return parseCpuCounts(text ?? "");
}
