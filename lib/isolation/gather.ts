import type { Host } from "../system/host.ts";
import { probe } from "../system/programs/probe.ts";
import { NETWORK_SETTINGS } from "./network_settings.ts";
import { type EtcName, NETWORK_FILES, type OutsideNetwork, settingFile } from "./rules_network.ts";

/** Reads what the network outside is like, with one program; null if that fails. */
export async function readNetwork(host: Host): Promise<OutsideNetwork | null> {
  const files = [
    ...Object.values(NETWORK_FILES),
    ...NETWORK_SETTINGS.map(({ path }) => settingFile(path)),
  ];
  const etc = async (name: EtcName) =>
    [name, await host.files.readText(`/etc/${name}`).catch(() => null)] as const;
  const [read, ...texts] = await Promise.all([
    probe(host, "grep", ["-asH", "", ...files], {
      why: "the network that an isolation resembles",
      // 2: this kernel lacks some of them.
      codes: [0, 2],
    }),
    etc("hosts"),
    etc("nsswitch.conf"),
    etc("resolv.conf"),
  ]);
  if (read.text === null) return null;
  return {
    lines: linesByFile(read.text),
    etc: Object.fromEntries(texts) as Record<EtcName, string | null>,
  };
}

/** Parses `grep -H ''`. */
function linesByFile(text: string): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, file, rest] = /^(\/[^:]*):(.*)$/.exec(line) ?? [];
    if (file === undefined) continue;
    const lines = files.get(file);
    if (lines) lines.push(rest!);
    else files.set(file, [rest!]);
  }
  return files;
}
