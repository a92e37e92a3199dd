import type { Host } from "../host.ts";
import { catFiles, splitFiles } from "./cat.ts";
import type { Read } from "./proc.ts";

/** A semaphore in the memory of a process that it shares with all that map the same file. */
export interface MappedSemaphore {
  /** Addresses, the second one excluded. */
  readonly from: number;
  readonly to: number;
  /** Device and inode: the same in each process. */
  readonly key: string;
}

/** Reads which POSIX semaphores processes map; without those whose memory can't be read. */
export async function readSemaphores(
  host: Host,
  pids: readonly number[],
): Promise<Read<readonly MappedSemaphore[]>> {
  const paths = pids.map((pid) => `/proc/${pid}/maps`);
  const { text, failure } = await catFiles(host, paths, "who shares the semaphores they wait for");
  const parts = splitFiles(text ?? "", paths.length) ?? [];
  const read = parts.flatMap((part, index) =>
    part === "" ? [] : [[pids[index]!, parseSemaphores(part)] as const]
  );
  return { rows: new Map(read), failure };
}

/**
 * Parses `/proc/PID/maps`, for what glibc maps of `/dev/shm/sem.NAME`. Only those that no other
 * process can open: of multiprocessing, whose names are random, and those whose name is gone.
 */
export function parseSemaphores(text: string): MappedSemaphore[] {
  const row =
    /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ (\S+ \d+) +\/dev\/shm\/sem\.(?:mp-\S+|.* \(deleted\))$/gm;
  return Array.from(text.matchAll(row), ([, from, to, key]) => ({
    from: parseInt(from!, 16),
    to: parseInt(to!, 16),
    key: key!,
  }));
}
