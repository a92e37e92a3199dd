import type { Host } from "../host.ts";

/** A call of `poll`, with the place of its list in the memory of its process. */
export interface PollCall {
  readonly pid: number;
  readonly tid: number;
  readonly address: number;
  /** Entries of the list. */
  readonly count: number;
}

/** Bytes of an entry, `struct pollfd` of `include/uapi/asm-generic/poll.h`. */
const ENTRY = 8;
/** Calls that are read, and entries of each, at most. */
const [MOST_CALLS, MOST_ENTRIES] = [30, 1024] as const;

/** Reads the descriptors at which threads sleep in `poll`, by their tid; unreadable ones miss. */
export async function readPollLists(
  host: Host,
  calls: readonly PollCall[],
): Promise<Map<number, readonly number[]>> {
  const read = calls.slice(0, MOST_CALLS).filter(({ count }) => count <= MOST_ENTRIES);
  const lists = await Promise.all(read.map(async ({ pid, tid, address, count }) => {
    const where = [`bs=${count * ENTRY}`, "count=1", `skip=${address}`, "iflag=skip_bytes"];
    const { stdout } = await host.programs.run(
      "dd",
      [`if=/proc/${pid}/mem`, ...where, "status=none"],
      { why: "which files a thread waits for" },
    );
    return [tid, parsePollList(stdout, count)] as const;
  }));
  return new Map(lists.flatMap(([tid, list]) => list === null ? [] : [[tid, list]]));
}

/** The descriptors in a list as it is in memory; null if it is not whole. */
export function parsePollList(bytes: Uint8Array, count: number): number[] | null {
  if (bytes.length !== count * ENTRY) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const all = Array.from({ length: count }, (_, index) => view.getInt32(index * ENTRY, true));
  // The kernel ignores negative ones.
  return all.filter((fd) => fd >= 0);
}
