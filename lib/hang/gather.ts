import {
  type LastRun,
  readLastRuns,
  readThreads,
  type ThreadSnapshot,
  type ThreadState,
} from "../system/programs/proc_threads.ts";
import { Forest } from "../processes/forest.ts";
import type { Host } from "../system/host.ts";
import {
  findHolders,
  listOpenFiles,
  type OpenFile,
  type ProcessListing,
  readSpecialFiles,
  type SpecialFile,
} from "../system/programs/proc_files.ts";
import { listSocketsByNetwork, type SocketsByNetwork } from "../system/programs/net_tables.ts";
import { readPollLists } from "../system/programs/poll_lists.ts";
import { type MappedSemaphore, readSemaphores } from "../system/programs/proc_maps.ts";
import { readNetworks } from "../system/programs/networks.ts";
import { listProcesses, type ProcessList, type ProcessRow } from "../system/programs/ps.ts";
import { isPipe } from "./activity.ts";
import {
  type Connection,
  connectionsOf,
  type Files,
  holdersOf,
  isSame,
  socketsOf,
} from "./connections.ts";
import { listenersOf } from "./listeners.ts";
import { countUnseenEnds } from "./unseen_ends.ts";
import {
  endlessPollCalls,
  endsWaitedAt,
  type Peers,
  peersOf,
  type Polled,
  polledBy,
  unixEndsOf,
  waitForSemaphores,
} from "./waited_ends.ts";
import type {
  DeadChild,
  HangScene,
  Listener,
  SeenProcess,
  SessionProgress,
  StartedIn,
  Thread,
} from "./scene.ts";

/** Which tree to inspect, and what is known of it. */
export interface GatherRequest {
  readonly root: number;
  /** Further processes of the run that recorded them, wherever they are by now. */
  readonly also: readonly number[];
  /** Addresses of the registry, as `host:port`. */
  readonly registries: readonly string[];
  /** The list of all processes, if it was made just now. */
  readonly processes?: ProcessList;
  /** The progress of the session; null where no run recorded it. */
  readonly session: SessionProgress | null;
  /** The tests in which processes were started, as far as they have inherited that. */
  readonly startedIn: ReadonlyMap<number, StartedIn>;
}

/** Milliseconds between the two snapshots: what runs in between is not stuck. */
const BETWEEN_MS = 200;
/** Processes of a tree, and threads of each, that are inspected: more would only take time. */
const MOST_PROCESSES = 300;
const MOST_THREADS = 40;
/** Dead children that are inspected. */
const MOST_DEAD = 50;
/** Ancestors and siblings of the tree that are inspected with it. */
const MOST_KIN = 20;
/**
 * Processes with the lowest pids, which are kernel threads: these run all the time, on every
 * processor, and show the time of its clock.
 */
const KERNEL_THREADS = 100;
const TICKS_PER_SECOND = 100;

/**
 * Gathers what a tree waits for: two snapshots, {@linkcode BETWEEN_MS} apart. Changes nothing. Any
 * process may hold the other end of a pipe or socket that the tree waits at: all of the machine is
 * searched for these, if there are any, between the snapshots.
 */
export async function gatherHang(host: Host, request: GatherRequest): Promise<HangScene> {
  return await new Gathering(host, request, request.processes ?? await listProcesses(host)).scene();
}

/** The gathering of one scene. */
class Gathering {
  readonly #forest: Forest;
  /** The tree, without this program. */
  readonly #pids: readonly number[];
  readonly #inTree: ReadonlySet<number>;
  /** All other processes but kernel threads, which have no files. */
  readonly #others: readonly number[];
  /** Ancestors and siblings of the tree: most likely what reads its output. */
  readonly #kin: ReadonlySet<number>;
  readonly #dead: readonly ProcessRow[];
  readonly #rows = new Map<number, ProcessListing>();
  readonly #files = new Map<number, readonly OpenFile[]>();
  /** Thread ids of the processes whose threads are inspected. */
  readonly #tids = new Map<number, readonly number[]>();
  /** The threads at the first snapshot. */
  readonly #earlier = new Map<number, readonly ThreadState[]>();
  readonly #failures = new Set<string>();
  #unseenEnds = 0;
  /** Pipes and Unix sockets at which the tree waits. */
  #ends: readonly string[] = [];
  /** The semaphores that processes map; null: the tree waits for none. */
  #semaphores: ReadonlyMap<number, readonly MappedSemaphore[]> | null = null;

  constructor(
    private readonly host: Host,
    private readonly request: GatherRequest,
    list: ProcessList,
  ) {
    const { processes } = this.#kept(list);
    this.#forest = new Forest(processes);
    this.#pids = treePids(request, this.#forest, host.pid);
    const inTree = new Set(this.#pids);
    this.#inTree = inTree;
    this.#others = processes.filter(({ pid, state, args }) =>
      state !== "Z" && !/^\[.*\]$/.test(args) && pid !== host.pid && !inTree.has(pid)
    ).map(({ pid }) => pid);
    this.#kin = kinOf(request.root, this.#forest);
    this.#dead = processes.filter(({ state, ppid }) => state === "Z" && inTree.has(ppid))
      .slice(0, MOST_DEAD);
  }

  async scene(): Promise<HangScene> {
    const { host, request } = this;
    const near = this.#others.filter((pid) => this.#kin.has(pid));
    const dead = this.#dead.map(({ pid }) => pid);
    const networks = this.#kept(await readNetworks(host, this.#pids));
    const [sockets] = await Promise.all([
      listSocketsByNetwork(host, networks),
      this.#list([...this.#pids, ...near, ...dead, host.pid], "open files of the tree"),
    ]);
    for (const failure of sockets.failures) this.#failures.add(failure);
    const first = this.#connections(sockets);
    const listeners = this.#listeners(sockets);
    for (const pid of [...this.#pids, ...near]) this.#tids.set(pid, this.#threadsOf(pid));
    // A process whose first thread has ended seems to be dead, but may have other threads.
    const corpses = dead.filter((pid) => (this.#rows.get(pid)?.threads ?? []).length <= 1)
      .map((pid) => [pid, [pid]] as const);
    const began = host.clock.monotonic();
    const { readNumber } = await this.#firstSnapshot(new Map([...this.#tids, ...corpses]));
    const peers = peersOf(sockets.networks.flatMap(({ unix }) => unix));
    const polling = await this.#readPolling(readNumber);
    const waits = { ...polling, peers };
    const runs = await this.#betweenSnapshots(readNumber, first, waits);
    const pipes = pipesOf(this.#files);
    await this.#addHolders(near, pipes, first);
    const seconds = (host.clock.monotonic() - began) / 1000;
    const isNetworked = first.length > 0 || listeners.length > 0;
    const [after, socketsAgain] = await Promise.all([
      readThreads(host, new Map([...this.#tids, ...corpses]), "their threads again"),
      isNetworked ? listSocketsByNetwork(host, networks) : sockets,
    ]);
    const held = socketsOf(this.#files);
    const stayed = this.#connections(socketsAgain)
      .filter((connection) => first.some((other) => isSame(other, connection)));
    return {
      root: request.root,
      processes: this.#processes(this.#kept(after), polling, asleepSeconds(runs)),
      dead: this.#dead.flatMap((row) => this.#stillDead(row, after) ?? []),
      session: request.session,
      startedIn: request.startedIn,
      pipes,
      sockets: unixEndsOf(this.#ends, peers, this.#files),
      semaphores: holdersBySemaphore(this.#semaphores ?? new Map()),
      unseenEnds: this.#unseenEnds,
      unreadable: this.#others.filter((pid) => !this.#files.has(pid)).length,
      connections: stayed.map(({ inodes, ...connection }) => ({
        ...connection,
        holders: holdersOf(inodes, held),
      })),
      listeners: this.#listeners(socketsAgain).filter((now) =>
        listeners.some((before) => JSON.stringify(before) === JSON.stringify(now))
      ),
      readNumber: after.readNumber,
      ticksPerSecond: TICKS_PER_SECOND,
      seconds,
      stacks: new Map(),
      unknowns: [...this.#failures],
    };
  }

  /** Keeps why something could not be read. */
  #kept<Part extends { readonly failure: string | null }>(part: Part): Part {
    if (part.failure !== null) this.#failures.add(part.failure);
    return part;
  }

  async #list(pids: readonly number[], why: string): Promise<void> {
    for (const [pid, row] of this.#kept(await listOpenFiles(this.host, pids, why)).rows) {
      this.#rows.set(pid, row);
      if (row.files !== null && pid !== this.host.pid) this.#files.set(pid, row.files);
    }
  }

  #threadsOf(pid: number): readonly number[] {
    return (this.#rows.get(pid)?.threads ?? [pid]).slice(0, MOST_THREADS);
  }

  async #firstSnapshot(tids: ReadonlyMap<number, readonly number[]>): Promise<ThreadSnapshot> {
    const snapshot = this.#kept(await readThreads(this.host, tids, "their threads"));
    for (const [pid, threads] of snapshot.threads) this.#earlier.set(pid, threads);
    return snapshot;
  }

  #connections({ networks }: SocketsByNetwork): Connection[] {
    const sockets = socketsOf(this.#files);
    return networks.flatMap(({ tcp, unix }) =>
      connectionsOf(this.request.registries, this.#pids, sockets, tcp, unix)
    );
  }

  #listeners({ networks }: SocketsByNetwork): Listener[] {
    const sockets = socketsOf(this.#files);
    return networks.flatMap(({ tcp, unix }) => listenersOf(this.#pids, sockets, tcp, unix));
  }

  /** Reads what event loops of the tree watch, and at what its threads sleep in a poll. */
  async #readPolling(
    readNumber: number | null,
  ): Promise<{ readonly special: readonly SpecialFile[]; readonly polled: Polled }> {
    const own = new Map(this.#pids.map((pid) => [pid, this.#earlier.get(pid) ?? []]));
    const [special, lists] = await Promise.all([
      readSpecialFiles(this.host, specialFilesOf(this.#pids, this.#files)),
      readPollLists(this.host, endlessPollCalls(own, readNumber)),
    ]);
    return {
      special,
      polled: polledBy(own, readNumber, lists, { special, files: this.#files }),
    };
  }

  /** Reads what does not change, while the tree has time to run. */
  async #betweenSnapshots(
    readNumber: number | null,
    connections: readonly Connection[],
    waits: { readonly polled: Polled; readonly peers: Peers },
  ): Promise<LastRun[]> {
    const { host } = this;
    const ends = this.#ends = this.#pids.flatMap((pid) =>
      endsWaitedAt(this.#files.get(pid) ?? [], this.#earlier.get(pid) ?? [], readNumber, waits)
    );
    const own = new Map(this.#pids.map((pid) => [pid, this.#earlier.get(pid) ?? []]));
    const isShared = waitForSemaphores(own, readNumber);
    const isSearched = ends.length > 0 || isShared;
    // Of others an answer is due only from this tree, once they are accepted.
    const sockets = connections.filter(({ isRegistry, state }) =>
      isRegistry || state !== "accepted"
    ).flatMap(({ inodes }) => inodes.map((one) => `socket:[${one}]`));
    const waitedAt = new Set([...ends, ...sockets]);
    const far = this.#others.filter((pid) => !this.#kin.has(pid));
    // A container hides kernel threads; those of this program have run just now.
    const clocks = [
      ...[...this.#forest.keys()].toSorted((a, b) => a - b).slice(0, KERNEL_THREADS),
      ...this.#rows.get(host.pid)?.threads ?? [],
    ];
    // Who was started after the list was made may have inherited an end.
    const now = isSearched ? this.#kept(await listProcesses(host)).processes : [];
    const newcomers = now.filter(({ pid, state }) =>
      !this.#forest.has(pid) && state !== "Z" && pid !== host.pid
    );
    const again = isSearched ? this.#pids : [];
    const searched = [...far, ...newcomers.map(({ pid }) => pid), ...again];
    const [runs, holders, semaphores] = await Promise.all([
      readLastRuns(host, [...new Set([...this.#tids.keys(), ...clocks])]),
      waitedAt.size === 0 && !isShared
        ? null
        : findHolders(host, searched, waitedAt, "the other ends of their pipes and sockets"),
      isShared ? readSemaphores(host, [...new Set([...searched, ...this.#others])]) : null,
      host.clock.sleep(BETWEEN_MS),
    ]);
    this.#semaphores = semaphores && this.#kept(semaphores).rows;
    if (holders) {
      const { rows } = this.#kept(holders);
      for (const [pid, files] of rows) if (!this.#inTree.has(pid)) this.#files.set(pid, files);
      if (isSearched) await this.#countUnseen(new Set(ends), now, newcomers, rows);
    }
    return runs;
  }

  async #countUnseen(
    ends: ReadonlySet<string>,
    now: readonly ProcessRow[],
    newcomers: readonly ProcessRow[],
    again: Files,
  ): Promise<void> {
    const count = await countUnseenEnds(this.host, {
      root: this.request.root,
      inTree: this.#inTree,
      others: this.#others,
      now,
      newcomers,
      files: this.#files,
      ends,
      again,
      maps: this.#semaphores,
    });
    // A process whose first thread has ended hides its files; this program shows its own.
    const hidden = this.#dead.filter(({ pid }) => (this.#rows.get(pid)?.threads ?? []).length > 1);
    const own = (this.#rows.get(this.host.pid)?.files ?? [])
      .filter(({ target }) => ends.has(target));
    this.#unseenEnds = count + hidden.length + own.length;
  }

  /** Inspects the holders of other ends for as long as the tree, and nothing else around it. */
  async #addHolders(
    near: readonly number[],
    pipes: HangScene["pipes"],
    connections: readonly Connection[],
  ): Promise<void> {
    const sockets = socketsOf(this.#files);
    const outside = new Set([
      ...readersOf(this.#pids, this.#files, pipes),
      ...connections.flatMap(({ inodes }) => holdersOf(inodes, sockets)),
    ]);
    for (const pid of near) if (!outside.has(pid)) this.#tids.delete(pid);
    const strangers = [...outside].filter((pid) => !this.#inTree.has(pid) && !this.#kin.has(pid));
    if (strangers.length === 0) return;
    await this.#list(strangers, "open files of other ends' holders");
    const tids = new Map(strangers.map((pid) => [pid, this.#threadsOf(pid)]));
    await this.#firstSnapshot(tids);
    for (const [pid, threads] of tids) this.#tids.set(pid, threads);
    await this.host.clock.sleep(BETWEEN_MS);
  }

  #processes(
    { threads }: ThreadSnapshot,
    { special, polled }: { readonly special: readonly SpecialFile[]; readonly polled: Polled },
    asleep: ReadonlyMap<number, number>,
  ): ReadonlyMap<number, SeenProcess> {
    return new Map([...this.#tids.keys()].map((pid) => [pid, {
      pid,
      ppid: this.#forest.get(pid)!.ppid,
      title: this.#forest.get(pid)!.args,
      inTree: this.#inTree.has(pid),
      files: this.#rows.get(pid)?.files ?? null,
      threads: compareThreads(this.#earlier.get(pid) ?? [], threads.get(pid) ?? []),
      polled,
      semaphores: this.#semaphores?.get(pid) ?? null,
      ...watchedBy(pid, special),
      asleepSeconds: asleep.get(pid) ?? null,
    }]));
  }

  /** A child that was dead at both snapshots: after one its parent may still reap it. */
  #stillDead({ pid, ppid, args }: ProcessRow, after: ThreadSnapshot): DeadChild | null {
    const [before] = this.#earlier.get(pid) ?? [];
    const [now] = after.threads.get(pid) ?? [];
    if (before?.state !== "Z" || now?.state !== "Z") return null;
    const title = args.replace(/^\[(.*)\](?: <defunct>)?$/, "$1");
    return { pid, ownPid: now.ownTid, ppid, title };
  }
}

function treePids({ root, also }: GatherRequest, forest: Forest, own: number): number[] {
  const roots = [root, ...also].filter((pid) => forest.has(pid));
  const pids = new Set(forest.withDescendants(roots));
  // Called from inside the tree, this program and its probes are no part of it.
  if (pids.has(own)) { for (const pid of forest.withDescendants([own])) pids.delete(pid); }
  return [...pids].filter((pid) => forest.get(pid)!.state !== "Z").slice(0, MOST_PROCESSES);
}

function kinOf(root: number, forest: Forest): ReadonlySet<number> {
  const above = forest.ancestorsOf(root);
  const [parent = 1] = above;
  const siblings = parent === 1 ? [] : [...forest.values()].filter(({ ppid }) => ppid === parent);
  return new Set([...above, ...siblings.map(({ pid }) => pid)].slice(0, MOST_KIN));
}

function holdersBySemaphore(
  maps: ReadonlyMap<number, readonly MappedSemaphore[]>,
): HangScene["semaphores"] {
  const holders = [...maps].flatMap(([pid, own]) => own.map(({ key }) => ({ key, pid })));
  return new Map(
    [...Map.groupBy(holders, ({ key }) => key)].map((
      [key, all],
    ) => [key, all.map(({ pid }) => pid)]),
  );
}

function pipesOf(files: Files): HangScene["pipes"] {
  const ends = [...files].flatMap(([pid, open]) =>
    open.filter(isPipe).map(({ target, reads, writes }) => ({ target, pid, reads, writes }))
  );
  return Map.groupBy(ends, ({ target }) => target);
}

/** Processes that hold the read end of a pipe into which one of these can write. */
function readersOf(pids: readonly number[], files: Files, pipes: HangScene["pipes"]): number[] {
  const written = pids.flatMap((pid) => files.get(pid) ?? [])
    .filter((file) => file.writes && isPipe(file));
  const ends = written.flatMap(({ target }) => pipes.get(target) ?? []);
  return [...new Set(ends.filter(({ reads }) => reads).map(({ pid }) => pid))]
    .slice(0, MOST_PROCESSES);
}

function specialFilesOf(pids: readonly number[], files: Files): { pid: number; fd: number }[] {
  const special = /^anon_inode:\[?(eventpoll|pidfd)\]?$|^pidfd:/;
  return pids.flatMap((pid) =>
    (files.get(pid) ?? []).filter(({ target }) => special.test(target))
      .map(({ fd }) => ({ pid, fd }))
  );
}

function watchedBy(
  pid: number,
  special: readonly SpecialFile[],
): Pick<SeenProcess, "watched" | "watchedProcesses" | "heldProcesses" | "pidfds"> {
  const own = special.filter((file) => file.pid === pid);
  const watched = own.flatMap(({ watches }) => watches.map((file) => file.fd));
  const pidfds = own.flatMap(({ fd, of }) => of === null ? [] : [{ fd, of }]);
  return {
    watched,
    watchedProcesses: pidfds.filter(({ fd }) => watched.includes(fd)).map(({ of }) => of),
    heldProcesses: pidfds.map(({ of }) => of),
    pidfds,
  };
}

function compareThreads(before: readonly ThreadState[], after: readonly ThreadState[]): Thread[] {
  return after.map((thread) => {
    const earlier = before.find(({ tid }) => tid === thread.tid);
    if (earlier === undefined) return { ...thread, ran: true, usedTicks: 0 };
    const usedTicks = thread.cpuTicks - earlier.cpuTicks;
    return { ...thread, ran: hasRun(earlier, thread, usedTicks), usedTicks };
  });
}

function hasRun(earlier: ThreadState, thread: ThreadState, usedTicks: number): boolean | null {
  if (usedTicks > 0 || thread.state === "R" || earlier.switches !== thread.switches) return true;
  if (thread.switches === null) return null;
  return JSON.stringify(earlier.syscall) !== JSON.stringify(thread.syscall);
}

/**
 * For how long each has been asleep, at least. Each processor has its own clock; the latest time at
 * which anything ran there is a lower bound of what it shows now.
 */
function asleepSeconds(runs: readonly LastRun[]): Map<number, number> {
  const now = new Map<number, number>();
  for (const { processor, ms } of runs) now.set(processor, Math.max(now.get(processor) ?? 0, ms));
  return new Map(runs.map(({ pid, processor, ms }) => [pid, (now.get(processor)! - ms) / 1000]));
}
