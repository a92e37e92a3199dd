import type { Mark } from "../base/cookie.ts";
import type { Host } from "../system/host.ts";
import { readMarks } from "../system/programs/environ.ts";
import type { Read } from "../system/programs/proc.ts";
import { listProcesses, type ProcessList } from "../system/programs/ps.ts";
import { listTcpListeners, type SocketList, type TcpListener } from "../system/programs/ss.ts";

/** The programs that a search for leaks begins with: they need no project. */
export interface FirstScan {
  readonly listeners: Promise<SocketList<TcpListener>>;
  readonly processes: Promise<ProcessList>;
  /** Those of this user's processes whose environments name the test that started them. */
  readonly marks: Promise<Read<Mark>>;
}

/**
 * Starts the first scan, so that a caller can find the project meanwhile. Never rejects.
 *
 * @param list all processes, where they were just listed
 */
export function startFirstScan(host: Host, list?: ProcessList): FirstScan {
  // The slower one first: starting a program takes time too.
  const processes = list ? Promise.resolve(list) : listProcesses(host);
  return {
    listeners: listTcpListeners(host, false),
    processes,
    marks: processes.then((list) => marksOf(host, list)),
  };
}

function marksOf(host: Host, { processes }: ProcessList): Promise<Read<Mark>> {
  const uid = host.uid();
  // Kernel threads have no environment.
  const own = processes.filter((row) =>
    row.uid === uid && row.state !== "Z" && row.ppid !== 2 && row.pid !== host.pid
  );
  return readMarks(host, own.map((row) => row.pid), "which processes a test started");
}
