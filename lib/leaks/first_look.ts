import type { Host } from "../host/host.ts";
import { listProcesses, type ProcessList } from "../programs/ps.ts";
import { listTcpListeners, type SocketList, type TcpListener } from "../programs/ss.ts";

/** The two programs that a look begins with: they need no project. */
export interface FirstLook {
  readonly listeners: Promise<SocketList<TcpListener>>;
  readonly processes: Promise<ProcessList>;
}

/** Starts the first look, so that a caller can find the project meanwhile. Never rejects for what the programs do. */
export function startFirstLook(host: Host): FirstLook {
  // The slower one first: starting a program takes its time too.
  const processes = listProcesses(host);
  return { listeners: listTcpListeners(host, false), processes };
}
