import { Forest } from "../processes/forest.ts";
import type {
  DeadChild,
  HangScene,
  RegistryConnection,
  SeenProcess,
  SessionProgress,
  StartedIn,
  Thread,
} from "./hang_scene.ts";
import { isPipe, pipesWaitedAt } from "./activity.ts";
import { occupies, parseRegistryAddress } from "../leaks/registry.ts";
import type { Host } from "../system/host.ts";
import { listProcesses, type ProcessList, type ProcessRow } from "../system/programs/ps.ts";
import {
  findHolders,
  type Listings,
  listOpenFiles,
  type Look,
  lookAtThreads,
  type OpenFile,
  readLastRuns,
  readSpecialFiles,
  type SpecialFile,
  type ThreadLook,
} from "../system/programs/proc_activity.ts";
import { probe } from "../system/programs/probe.ts";
import {
  listTcpConnections,
  listUnixConnections,
  type SocketList,
  type TcpConnection,
  type UnixConnection,
} from "../system/programs/ss.ts";

/** What to look at. */
export interface GatherRequest {
  readonly root: number;
  /** Processes that belong to it too, wherever they are by now: of a run that recorded them. */
  readonly also: readonly number[];
  /** Addresses of the registry, as `host:port`. */
  readonly registries: readonly string[];
  /** The list of all processes, if it was made just now. */
  readonly processes?: ProcessList;
  /** How far the session is; null where no run recorded it. */
  readonly session: SessionProgress | null;
  /** The tests in which processes were started, as far as they have inherited that. */
  readonly startedIn: ReadonlyMap<number, StartedIn>;
}

/** Milliseconds between the two looks: what moves in between is not stuck. */
const BETWEEN_MS = 200;
/**
 * Processes of a tree that are looked at, and threads of each: more say nothing new, and cost time.
 */
const MOST_PROCESSES = 300;
const MOST_THREADS = 40;
/** Dead children that are looked at. */
const MOST_DEAD = 50;
/** Processes next to the tree that are looked at with it. */
const MOST_KIN = 20;
/**
 * Processes with the lowest pids, which are threads of the kernel: they run all the time, on every
 * processor, and tell what time it is there.
 */
const KERNEL_THREADS = 100;
const TICKS_PER_SECOND = 100;

/**
 * Gathers what a tree waits for: everything at one moment, and what may have moved once more after
 * {@linkcode BETWEEN_MS}. Changes nothing. Anybody may hold the other end of a pipe or a socket
 * that the tree waits at: all of the machine is asked about these, if there are any, and between
 * the two looks, when there is nothing else to do.
 */
export async function gatherHang(host: Host, request: GatherRequest): Promise<HangScene> {
  const list = request.processes ?? await listProcesses(host);
  const forest = new Forest(list.processes);
  const pids = treePids(request, forest, host.pid);
  const inTree = new Set(pids);
  // Those of the kernel have no files.
  const others = list.processes.filter((row) =>
    row.state !== "Z" && !/^\[.*\]$/.test(row.args) && row.pid !== host.pid && !inTree.has(row.pid)
  )
    .map((row) => row.pid);
  const kin = kinOf(request.root, forest);
  const near = others.filter((pid) => kin.has(pid));
  const ended = list.processes.filter((row) => row.state === "Z" && inTree.has(row.ppid)).slice(
    0,
    MOST_DEAD,
  );
  const [network, listings, tcp, unix] = await Promise.all([
    otherNetwork(host, request.root),
    listOpenFiles(
      host,
      [...pids, ...near, ...ended.map(({ pid }) => pid), host.pid],
      "what it has open, and who is next to it",
    ),
    listTcpConnections(host),
    listUnixConnections(host),
  ]);
  const files = new Map(
    [...listings.rows].flatMap(([pid, row]) =>
      row.files === null || pid === host.pid ? [] : [[pid, row.files] as const]
    ),
  );
  const first = connectionsOf(request.registries, pids, socketsOf(files), tcp, unix);
  const threads = new Map<number, readonly number[]>();
  const take = (pid: number, from: Listings) =>
    threads.set(pid, (from.rows.get(pid)?.threads ?? [pid]).slice(0, MOST_THREADS));
  for (const pid of [...pids, ...near]) take(pid, listings);
  const began = host.clock.monotonic();
  // One whose other threads live has one that ended first, and is not dead.
  const corpses = new Map(
    ended.filter(({ pid }) => (listings.rows.get(pid)?.threads ?? []).length <= 1).map((
      { pid },
    ) => [pid, [pid]]),
  );
  const before = await lookAtThreads(
    host,
    new Map([...threads, ...corpses]),
    "what each thread does",
  );
  const asked = new Set([
    ...pids.flatMap((pid) =>
      pipesWaitedAt(files.get(pid) ?? [], before.threads.get(pid) ?? [], before.readNumber)
    ),
    ...first.flatMap((connection) => connection.inodes).map((inode) => `socket:[${inode}]`),
  ]);
  // In a container threads of the kernel can't be seen; those of this program have run just now.
  const clocks = [
    ...[...forest.keys()].toSorted((a, b) => a - b).slice(0, KERNEL_THREADS),
    ...listings.rows.get(host.pid)?.threads ?? [],
  ];
  const far = others.filter((pid) => !kin.has(pid));
  const [special, runs, holders] = await Promise.all([
    readSpecialFiles(host, specialFilesOf(pids, files)),
    readLastRuns(host, [...new Set([...threads.keys(), ...clocks])]),
    asked.size === 0
      ? null
      : findHolders(host, far, asked, "who else holds an end of these pipes and sockets"),
    host.clock.sleep(BETWEEN_MS),
  ]);
  for (const [pid, held] of holders?.rows ?? []) files.set(pid, held);
  const pipes = pipesOf(files);
  const sockets = socketsOf(files);
  const outside = new Set([
    ...readersOf(pids, files, pipes),
    ...first.flatMap((connection) => holdersOf(connection, sockets)),
  ]);
  for (const pid of near) if (!outside.has(pid)) threads.delete(pid);
  const strangers = [...outside].filter((pid) => !inTree.has(pid) && !kin.has(pid));
  const met = await meet(host, strangers);
  for (const pid of strangers) take(pid, met.listings);
  const between = (host.clock.monotonic() - began) / 1000;
  const [after, tcpAgain, unixAgain] = await Promise.all([
    lookAtThreads(host, new Map([...threads, ...corpses]), "what has moved since"),
    first.length > 0 ? listTcpConnections(host) : tcp,
    first.length > 0 ? listUnixConnections(host) : unix,
  ]);
  const again = connectionsOf(request.registries, pids, sockets, tcpAgain, unixAgain);
  const asleep = asleepSeconds(runs);
  const processes = new Map<number, SeenProcess>();
  for (const pid of threads.keys()) {
    processes.set(pid, {
      pid,
      ppid: forest.get(pid)?.ppid ?? 0,
      title: forest.get(pid)?.args ?? "",
      inTree: inTree.has(pid),
      files: (met.listings.rows.get(pid) ?? listings.rows.get(pid))?.files ?? null,
      threads: threadsOf(
        before.threads.get(pid) ?? met.look.threads.get(pid) ?? [],
        after.threads.get(pid) ?? [],
      ),
      ...watchedBy(pid, special),
      asleepSeconds: asleep.get(pid) ?? null,
    });
  }
  return {
    root: request.root,
    processes,
    dead: ended.flatMap((row) =>
      deadChild(row, before.threads.get(row.pid)?.[0], after.threads.get(row.pid)?.[0])
    ),
    session: request.session,
    startedIn: request.startedIn,
    pipes,
    unreadable: others.filter((pid) => !files.has(pid)).length,
    connections: again.filter((connection) => first.some((other) => isSame(other, connection)))
      .map(({ inodes, ...connection }) => ({
        ...connection,
        holders: holdersOf({ inodes }, sockets),
      })),
    readNumber: after.readNumber,
    ticksPerSecond: TICKS_PER_SECOND,
    seconds: between,
    stacks: new Map(),
    unknowns: [
      ...unknownsOf(
        [list, listings, before, after, tcp, unix, holders ?? [], met.listings, met.look].flat(),
      ),
      ...network,
    ],
  };
}

/** A child that was dead at both looks; its parent may be about to take note of it at one. */
function deadChild(
  { pid, ppid, args }: ProcessRow,
  before: ThreadLook | undefined,
  after: ThreadLook | undefined,
): DeadChild[] {
  if (before?.state !== "Z" || after?.state !== "Z") return [];
  return [{
    pid,
    ownPid: after.ownTid,
    ppid,
    title: args.replace(/^\[(.*)\](?: <defunct>)?$/, "$1"),
  }];
}

/** `ss` sees the connections of its own network only. */
async function otherNetwork(host: Host, root: number): Promise<string[]> {
  const { text } = await probe(host, "readlink", ["/proc/self/ns/net", `/proc/${root}/ns/net`], {
    why: "is it in the same network",
    codes: [0, 1],
  });
  const [own, others] = text?.split("\n") ?? [];
  return own && others && own !== others
    ? ["connections to the registry: the tree is in a network of its own"]
    : [];
}

function treePids(
  { root, also }: GatherRequest,
  forest: Forest,
  own: number,
): number[] {
  const pids = new Set(
    forest.withDescendants([root, ...also].filter((pid) => forest.has(pid))),
  );
  // Asked from inside of the tree, this program and its probes are no part of it.
  if (pids.has(own)) { for (const pid of forest.withDescendants([own])) pids.delete(pid); }
  return [...pids].filter((pid) => forest.get(pid)!.state !== "Z").slice(0, MOST_PROCESSES);
}

/** Who is above a tree, or was started beside it: most likely what reads its output. */
function kinOf(root: number, forest: Forest): ReadonlySet<number> {
  const above = forest.ancestorsOf(root);
  const parent = above[0];
  const beside = parent === undefined || parent === 1
    ? []
    : [...forest.values()].filter((row) => row.ppid === parent).map((row) => row.pid);
  return new Set([...above, ...beside].slice(0, MOST_KIN));
}

/**
 * Looks at processes that turned out to hold the other end of something, for as long as at all the
 * others.
 */
async function meet(
  host: Host,
  pids: readonly number[],
): Promise<{ readonly listings: Listings; readonly look: Look }> {
  if (pids.length === 0) {
    return {
      listings: { rows: new Map(), failure: null },
      look: { threads: new Map(), readNumber: null, failure: null },
    };
  }
  const listings = await listOpenFiles(host, pids, "what holds the other end");
  const threads = new Map(
    pids.map((pid) => [pid, (listings.rows.get(pid)?.threads ?? [pid]).slice(0, MOST_THREADS)]),
  );
  const look = await lookAtThreads(host, threads, "what it does");
  await host.clock.sleep(BETWEEN_MS);
  return { listings, look };
}

type Files = ReadonlyMap<number, readonly OpenFile[]>;

function pipesOf(files: Files): HangScene["pipes"] {
  const pipes = new Map<string, { pid: number; reads: boolean; writes: boolean }[]>();
  for (const [pid, open] of files) {
    for (const file of open) {
      if (!isPipe(file)) continue;
      const ends = pipes.get(file.target);
      const end = { pid, reads: file.reads, writes: file.writes };
      if (ends) ends.push(end);
      else pipes.set(file.target, [end]);
    }
  }
  return pipes;
}

/** Processes that hold the read end of a pipe into which one of these can write. */
function readersOf(pids: readonly number[], files: Files, pipes: HangScene["pipes"]): number[] {
  const found = new Set<number>();
  for (const pid of pids) {
    for (const file of files.get(pid) ?? []) {
      if (!isPipe(file) || !file.writes) continue;
      for (const end of pipes.get(file.target) ?? []) if (end.reads) found.add(end.pid);
    }
  }
  return [...found].slice(0, MOST_PROCESSES);
}

function specialFilesOf(pids: readonly number[], files: Files): { pid: number; fd: number }[] {
  return pids.flatMap((pid) =>
    (files.get(pid) ?? []).filter((file) =>
      /^anon_inode:\[?(eventpoll|pidfd)\]?$|^pidfd:/.test(file.target)
    ).map(({ fd }) => ({ pid, fd }))
  );
}

function watchedBy(
  pid: number,
  special: readonly SpecialFile[],
): Pick<SeenProcess, "watched" | "watchedProcesses" | "heldProcesses" | "pidfds"> {
  const own = special.filter((file) => file.pid === pid);
  const watched = own.flatMap((file) => file.watches);
  const pidfds = own.flatMap(({ fd, of }) => of === null ? [] : [{ fd, of }]);
  return {
    watched,
    watchedProcesses: pidfds.filter((file) => watched.includes(file.fd)).map((file) => file.of),
    heldProcesses: pidfds.map((file) => file.of),
    pidfds,
  };
}

function threadsOf(before: readonly ThreadLook[], after: readonly ThreadLook[]): Thread[] {
  return after.map((thread) => {
    const earlier = before.find((other) => other.tid === thread.tid);
    if (earlier === undefined) return { ...thread, moved: true, usedTicks: 0 };
    const usedTicks = thread.cpuTicks - earlier.cpuTicks;
    const moved = usedTicks > 0 || thread.state === "R" || earlier.switches !== thread.switches
      ? true
      : thread.switches === null
      ? null
      : JSON.stringify(earlier.syscall) !== JSON.stringify(thread.syscall);
    return { ...thread, moved, usedTicks };
  });
}

/**
 * For how long each has been asleep, at least. Each processor has a clock of its own; what ran
 * there last of all that was read tells how far it is at least.
 */
function asleepSeconds(
  runs: readonly { readonly pid: number; readonly processor: number; readonly ms: number }[],
): Map<number, number> {
  const now = new Map<number, number>();
  for (const { processor, ms } of runs) now.set(processor, Math.max(now.get(processor) ?? 0, ms));
  return new Map(runs.map(({ pid, processor, ms }) => [pid, (now.get(processor)! - ms) / 1000]));
}

interface SocketUser {
  readonly pid: number;
  readonly fd: number;
}

/** Who holds which socket, by its inode. */
function socketsOf(files: Files): ReadonlyMap<number, readonly SocketUser[]> {
  const sockets = new Map<number, SocketUser[]>();
  for (const [pid, open] of files) {
    for (const { fd, target } of open) {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? 0);
      if (inode === 0) continue;
      const users = sockets.get(inode);
      if (users) users.push({ pid, fd });
      else sockets.set(inode, [{ pid, fd }]);
    }
  }
  return sockets;
}

/** A connection to the registry, with the sockets of its other side instead of who holds them. */
type Connection = Omit<RegistryConnection, "holders"> & { readonly inodes: readonly number[] };

function holdersOf(
  { inodes }: Pick<Connection, "inodes">,
  sockets: ReadonlyMap<number, readonly SocketUser[]>,
): number[] {
  return [...new Set(inodes.flatMap((inode) => sockets.get(inode) ?? []).map((user) => user.pid))];
}

/** Connections of these processes to the registry, over TCP and Unix sockets. */
function connectionsOf(
  registries: readonly string[],
  pids: readonly number[],
  sockets: ReadonlyMap<number, readonly SocketUser[]>,
  tcp: SocketList<TcpConnection>,
  unix: SocketList<UnixConnection>,
): Connection[] {
  const found: Connection[] = [];
  const add = (client: { readonly inode: number }, facts: Omit<Connection, "pid" | "fd">) => {
    for (const { pid, fd } of sockets.get(client.inode) ?? []) {
      if (pids.includes(pid)) found.push({ ...facts, pid, fd });
    }
  };
  for (const address of registries) {
    const registry = parseRegistryAddress(address);
    const isRegistry = (text: string) => {
      const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? [];
      return port !== undefined && occupies({ host: host!, port: Number(port) }, registry);
    };
    const listeners = tcp.rows.filter((row) => row.state === "LISTEN" && isRegistry(row.local)).map(
      (row) => row.inode,
    );
    for (const client of tcp.rows) {
      if (!isRegistry(client.peer) || !["ESTAB", "SYN-SENT"].includes(client.state)) continue;
      const other = tcp.rows.find((row) => row.local === client.peer && row.peer === client.local);
      const state = client.state === "SYN-SENT"
        ? "connecting"
        : other?.inode === 0
        ? "unaccepted"
        : "accepted";
      const inodes = state === "accepted" && other !== undefined ? [other.inode] : listeners;
      add(client, { address: client.peer, state, unread: other?.unread ?? 0, inodes });
    }
  }
  for (const server of unix.rows.filter((row) => /(^|\/)registry@[^/]*\.sock$/.test(row.name))) {
    const isListener = server.state === "LISTEN";
    for (
      const client of unix.rows.filter((row) =>
        isListener ? server.waiting.includes(row.inode) : row.inode === server.peer
      )
    ) {
      add(client, {
        address: server.name,
        state: isListener ? "unaccepted" : "accepted",
        unread: isListener ? 0 : server.unread,
        inodes: [server.inode],
      });
    }
  }
  return found;
}

function isSame(one: Connection, other: Connection): boolean {
  return one.pid === other.pid && one.fd === other.fd && one.address === other.address &&
    one.state === other.state && one.unread === other.unread;
}

function unknownsOf(parts: readonly { readonly failure: string | null }[]): string[] {
  return [...new Set(parts.map((part) => part.failure).filter((failure) => failure !== null))];
}
