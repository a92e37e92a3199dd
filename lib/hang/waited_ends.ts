import type { OpenFile, SpecialFile } from "../system/programs/proc_files.ts";
import type { ThreadState } from "../system/programs/proc_threads.ts";
import type { PollCall } from "../system/programs/poll_lists.ts";
import type { UnixConnection } from "../system/programs/ss.ts";
import { activityOf, fileOf, isEndlessPoll, isPipe, lockOf, pipesWaitedAt } from "./activity.ts";
import type { Files } from "./connections.ts";
import type { UnixEnds } from "./scene.ts";

/** Threads by pid. */
export type Threads = ReadonlyMap<number, readonly ThreadState[]>;

/** The descriptors at which threads sleep in an endless poll, by tid. */
export type Polled = ReadonlyMap<number, readonly number[]>;

/** The other ends of connected Unix sockets, by `socket:[INODE]`. */
export type Peers = ReadonlyMap<string, { readonly target: string; readonly isPair: boolean }>;

/** The calls of `poll` that have no time limit: their lists are in memory. */
export function endlessPollCalls(threads: Threads, readNumber: number | null): PollCall[] {
  return all(threads).flatMap(({ pid, thread }) => {
    const activity = activityOf(thread, readNumber);
    const [address, count] = activity.args;
    const isCall = isEndlessPoll(activity) && !activity.name.startsWith("epoll");
    return isCall ? [{ pid, tid: thread.tid, address: address!, count: count! }] : [];
  });
}

/** Adds the descriptors that endless waits at epoll sets are about; unknown ones miss. */
export function polledBy(
  threads: Threads,
  readNumber: number | null,
  lists: Polled,
  { special, files }: { readonly special: readonly SpecialFile[]; readonly files: Files },
): Polled {
  const sets = all(threads).flatMap(({ pid, thread }) => {
    const activity = activityOf(thread, readNumber);
    if (!isEndlessPoll(activity) || !activity.name.startsWith("epoll")) return [];
    const set = special.find((one) => one.pid === pid && one.fd === activity.args[0]);
    const own = { files: files.get(pid) ?? null };
    // A set keeps a file that its process has closed, if another one still has it.
    const isKnown = set?.watches.every(({ fd, inode }) => {
      const target = fileOf(own, fd)?.target ?? "";
      return inode !== null && (!/^(pipe|socket):/.test(target) || target.endsWith(`:[${inode}]`));
    });
    return isKnown ? [[thread.tid, set!.watches.map(({ fd }) => fd)] as const] : [];
  });
  return new Map([...lists, ...sets]);
}

/** The other ends of connected Unix sockets that processes can have open. */
export function peersOf(rows: readonly UnixConnection[]): Peers {
  // Until it is accepted, the other end has no inode.
  const open = rows.filter(({ inode }) => inode !== 0);
  const nameOf = new Map(open.map(({ inode, name }) => [inode, name]));
  return new Map(
    open.filter(({ state, peer }) => state === "ESTAB" && nameOf.has(peer)).map((row) => [
      `socket:[${row.inode}]`,
      {
        target: `socket:[${row.peer}]`,
        isPair: row.name === "*" && nameOf.get(row.peer) === "*",
      },
    ]),
  );
}

/** The pipes, and both ends of the Unix sockets, at which a process waits. */
export function endsWaitedAt(
  files: readonly OpenFile[],
  threads: readonly ThreadState[],
  readNumber: number | null,
  { polled, peers }: { readonly polled: Polled; readonly peers: Peers },
): string[] {
  const reads = threads.map((thread) => activityOf(thread, readNumber))
    .flatMap(({ does, fd }) => does === "read" && fd !== null ? [fd] : []);
  const fds = [...reads, ...threads.flatMap(({ tid }) => polled.get(tid) ?? [])];
  const others = fds.flatMap((fd) => {
    const file = fileOf({ files }, fd);
    if (file === null) return [];
    if (isPipe(file)) return [file.target];
    const peer = peers.get(file.target);
    return peer === undefined ? [] : [file.target, peer.target];
  });
  return [...pipesWaitedAt(files, threads, readNumber), ...others];
}

/** Who holds the ends of the Unix sockets among these; without those whose other end is hidden. */
export function unixEndsOf(
  targets: readonly string[],
  peers: Peers,
  files: Files,
): Map<string, UnixEnds> {
  return new Map(targets.flatMap((target) => {
    const peer = peers.get(target);
    if (peer === undefined) return [];
    const holdersOf = (end: string) =>
      [...files].filter(([, open]) => open.some((file) => file.target === end))
        .map(([pid]) => pid);
    const others = holdersOf(peer.target);
    if (others.length === 0) return [];
    const holders = [...new Set([...holdersOf(target), ...others])];
    return [[target, { isPair: peer.isPair, holders }] as const];
  }));
}

/** Whether a thread waits for a semaphore that processes may share. */
export function waitForSemaphores(threads: Threads, readNumber: number | null): boolean {
  return all(threads).some(({ thread }) => lockOf(activityOf(thread, readNumber)) === "shared");
}

function all(threads: Threads): { readonly pid: number; readonly thread: ThreadState }[] {
  return [...threads].flatMap(([pid, own]) => own.map((thread) => ({ pid, thread })));
}
