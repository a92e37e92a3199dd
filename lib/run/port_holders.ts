import { inWords } from "../base/durations.ts";
import { escapeText } from "../base/escape.ts";
import { portsInUse } from "../pytest/collision.ts";
import type { Failure } from "../pytest/failure.ts";
import type { Host } from "../system/host.ts";
import { listUsage, type UsageRow } from "../system/programs/ps.ts";
import { listTcpListeners, type TcpListener } from "../system/programs/ss.ts";

/** Ports that are named, at most. */
const MOST_PORTS = 3;
/** Characters of a command line that are shown. */
const MOST_TITLE = 80;

/**
 * Who holds the ports that failures name as in use, a line each: pid, program, whose, for how long.
 * Empty where no port is named, or who listens is unknown.
 */
export async function portHolders(host: Host, failures: readonly Failure[]): Promise<string[]> {
  const { said, inSource } = portsInUse(failures);
  if (said.length + inSource.length === 0) return [];
  const [listeners, { processes }] = await Promise.all([
    listTcpListeners(host, true),
    listUsage(host),
  ]);
  if (listeners.failure !== null) return [];
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const holderOf = (port: number) => listeners.rows.find((row) => row.port === port);
  // A port of the source that is free now need not be the one of the error.
  const ports = [...said, ...inSource.filter((port) => holderOf(port) !== undefined)];
  return ports.slice(0, MOST_PORTS).map((port) =>
    holderText(port, holderOf(port), byPid, host.uid())
  );
}

function holderText(
  port: number,
  listener: TcpListener | undefined,
  processes: ReadonlyMap<number, UsageRow>,
  uid: number | null,
): string {
  if (listener === undefined) return `nothing listens on port ${port} (TCP) now`;
  const [pid] = listener.pids;
  if (pid === undefined) {
    return `port ${port} is held by a process you can't see (another user or container)`;
  }
  const process = processes.get(pid);
  if (process === undefined) return `port ${port} is held by pid ${pid}`;
  const title = escapeText(process.args.slice(0, MOST_TITLE));
  const whose = process.uid === uid ? "yours" : `of user id ${process.uid}`;
  return `port ${port} is held by pid ${pid} (${title}), ${whose}, for ${inWords(process.age)}`;
}
