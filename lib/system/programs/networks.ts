import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** Processes by the network namespace that they are in. */
export interface Networks {
  /** In the one of this program. */
  readonly own: readonly number[];
  /** In other ones, a list for each. */
  readonly others: readonly (readonly number[])[];
  /** Those whose namespace can't be read. */
  readonly hidden: readonly number[];
}

/** Groups processes by their network namespaces, or says why that can't be done. */
export async function readNetworks(
  host: Host,
  pids: readonly number[],
): Promise<Networks & { readonly failure: string | null }> {
  const none = { own: [], others: [], hidden: pids };
  if (pids.length === 0) return { ...none, failure: null };
  const links = ["self", ...pids].flatMap(linksOf);
  const { text, failure } = await probe(host, "readlink", ["-z", "/proc/self", ...links], {
    why: "which processes have another network namespace",
    codes: [0, 1],
  });
  if (text === null) return { ...none, failure };
  const networks = parseNetworks(text, pids);
  return networks
    ? { ...networks, failure: null }
    : { ...none, failure: 'the output of "readlink" for networks can\'t be read' };
}

/**
 * The network link of a process, then one that marks where its answer ends: readlink leaves out
 * what it can't read.
 */
function linksOf(pid: number | string): string[] {
  return [`/proc/${pid}/ns/net`, "/proc/self"];
}

/** Parses what {@linkcode readNetworks} makes `readlink` print; null for any other text. */
export function parseNetworks(text: string, pids: readonly number[]): Networks | null {
  const words = text.split("\0");
  const separator = words.shift()!;
  if (!/^\d+$/.test(separator) || words.pop() !== "") return null;
  const networks: (string | null)[] = [];
  let network: string | null = null;
  for (const word of words) {
    if (word === separator) {
      networks.push(network);
      network = null;
    } else if (/^net:\[\d+\]$/.test(word)) network = word;
    else return null;
  }
  const [own, ...others] = networks;
  if (others.length !== pids.length || own === null) return null;
  const byNetwork = Map.groupBy(pids, (_, index) => others[index] ?? null);
  return {
    own: byNetwork.get(own!) ?? [],
    others: [...byNetwork].flatMap(([key, found]) => key === null || key === own ? [] : [found]),
    hidden: byNetwork.get(null) ?? [],
  };
}
