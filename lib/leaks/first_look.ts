import type { Mark } from "../base/cookie.ts";
import type { Host } from "../system/host.ts";
import { readMarks } from "../system/programs/environ.ts";
import type { Read } from "../system/programs/proc.ts";
import { listProcesses, type ProcessList } from "../system/programs/ps.ts";
import { listTcpListeners, type SocketList, type TcpListener } from "../system/programs/ss.ts";

/** The programs that a look begins with: they need no project. */
export interface FirstLook {
  readonly listeners: Promise<SocketList<TcpListener>>;
  readonly processes: Promise<ProcessList>;
  /** Which of this user's processes a test started, as far as their environments say so. */
  readonly marks: Promise<Read<Mark>>;
}

/**
 * Starts the first look, so that a caller can find the project meanwhile. Never rejects for what
 * the programs do.
 */
export function startFirstLook(host: Host): FirstLook {
  // The slower one first: starting a program takes its time too.
  const processes = listProcesses(host);
  return {
    listeners: listTcpListeners(host, false),
    processes,
    marks: processes.then((list) => marksOf(host, list)),
  };
}

function marksOf(host: Host, { processes }: ProcessList): Promise<Read<Mark>> {
  const uid = host.uid();
  // Threads of the kernel have no environment.
  const own = processes.filter((row) =>
    row.uid === uid && row.state !== "Z" && row.ppid !== 2 && row.pid !== host.pid
  );
  return readMarks(host, own.map((row) => row.pid), "which processes a test started");
}
