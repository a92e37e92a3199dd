import type { Host } from "../host.ts";
import { catFiles, splitFiles } from "./cat.ts";

/** What the kernel says of the processors at one moment. */
export interface CpuFacts {
  /** Clock ticks of this program's own CPU time; null where unknown. */
  readonly ownTicks: number | null;
  /** Clock ticks of all processors together, and those that a hypervisor took. */
  readonly ticks: { readonly all: number; readonly stolen: number } | null;
  /** Of each processor whose frequency can be read, in MHz. */
  readonly frequencies: readonly Frequency[];
  /** How often processors were slowed down for heat since boot; null where it is not counted. */
  readonly heatEvents: number | null;
  readonly governor: string | null;
}

/** The frequency of a processor, in MHz. */
export interface Frequency {
  readonly now: number;
  readonly most: number;
  /** What it is made to keep up; null where that is not known. */
  readonly base: number | null;
}

/** Processors whose files are read, at most: two files of each fit on a command line. */
const MOST_PROCESSORS = 128;

/** Reads what is known of the processors, by one `cat`. */
export async function readCpuFacts(host: Host): Promise<CpuFacts> {
  const count = Math.min(host.processors, MOST_PROCESSORS);
  const own = `/proc/${host.pid}/stat`;
  const of = (index: number) => {
    const cpu = `/sys/devices/system/cpu/cpu${index}`;
    return [
      `${cpu}/cpufreq/scaling_cur_freq`,
      `${cpu}/cpufreq/cpuinfo_max_freq`,
      `${cpu}/cpufreq/base_frequency`,
      `${cpu}/thermal_throttle/core_throttle_count`,
    ];
  };
  const governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  const files = [own, "/proc/stat", governor, ...Array.from({ length: count }, (_, i) => of(i))]
    .flat();
  const { text } = await catFiles(host, files, "clock and throttling of the processors");
  return parseCpuFacts(splitFiles(text ?? "", files.length) ?? []);
}

/** Parses the texts of the files of {@linkcode readCpuFacts}; an empty one could not be read. */
export function parseCpuFacts(texts: readonly string[]): CpuFacts {
  const [own = "", all = "", governor = "", ...each] = texts;
  const numbers = each.map((text) => /^\d+$/.test(text.trim()) ? Number(text) : null);
  const frequencies: Frequency[] = [];
  let heatEvents: number | null = null;
  for (let at = 0; at + 3 < numbers.length; at += 4) {
    const [now, most, base, heat] = numbers.slice(at, at + 4) as (number | null)[];
    if (now && most) {
      frequencies.push({ now: now / 1000, most: most / 1000, base: base ? base / 1000 : null });
    }
    if (heat != null) heatEvents = (heatEvents ?? 0) + heat;
  }
  // After the name in brackets, which may hold anything: user and system time are fields 14, 15.
  const fields = own.slice(own.lastIndexOf(")") + 2).split(" ").map(Number);
  const ticks = /^cpu +([\d ]+)$/m.exec(all)?.[1]?.split(" ").map(Number);
  return {
    ownTicks: own === "" ? null : fields[11]! + fields[12]!,
    // Time of guests is part of the user's.
    ticks: ticks === undefined
      ? null
      : { all: ticks.slice(0, 8).reduce((sum, each) => sum + each, 0), stolen: ticks[7] ?? 0 },
    frequencies,
    heatEvents,
    governor: governor.trim() || null,
  };
}
