import { lastPart } from "../../base/paths.ts";
import type { Host } from "../host.ts";
import { readNetworks } from "./networks.ts";
import { probe } from "./probe.ts";
import { listProcesses } from "./ps.ts";

/**
 * Names of the Unix sockets that are bound in other network namespaces; `ss` shows only its own.
 */
export interface SocketsElsewhere {
  /** The last component of each name: the same file may have another path in that namespace. */
  readonly names: ReadonlySet<string>;
  /** Why some could not be read; null if all were. */
  readonly failure: string | null;
}

/** Processes of one network namespace whose tables are read: one may end before it is read. */
const READ_OF_EACH = 3;

/**
 * Lists the Unix sockets that are bound in the other network namespaces of this user's processes;
 * for root, of all processes.
 */
export async function listUnixSocketsElsewhere(host: Host): Promise<SocketsElsewhere> {
  const { processes, failure } = await listProcesses(host);
  if (failure !== null) return { names: new Set(), failure };
  const uid = host.uid();
  const pids = processes.filter((row) =>
    row.state !== "Z" && row.pid !== 2 && row.ppid !== 2 && (uid === 0 || row.uid === uid)
  )
    .map((row) => row.pid);
  const networks = await readNetworks(host, pids);
  if (networks.failure !== null) return { names: new Set(), failure: networks.failure };
  const chosen = [
    ...networks.others.flatMap((found) => found.slice(0, READ_OF_EACH)),
    ...networks.hidden,
  ];
  if (chosen.length === 0) return { names: new Set(), failure: null };
  const tables = await probe(host, "cat", chosen.map((pid) => `/proc/${pid}/net/unix`), {
    why: "which Unix sockets are bound in other network namespaces",
    codes: [0, 1],
  });
  return tables.text === null
    ? { names: new Set(), failure: tables.failure }
    : { names: parseNames(tables.text), failure: null };
}

/** Names in `/proc/PID/net/unix` without their directories; abstract ones are left out. */
export function parseNames(text: string): Set<string> {
  const names = new Set<string>();
  for (
    const [, name] of text.matchAll(
      /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ [0-9A-F]+ [0-9A-F]+ [0-9A-F]+ +\d+ ([^@].*)$/gim,
    )
  ) {
    names.add(lastPart(name!));
  }
  return names;
}
