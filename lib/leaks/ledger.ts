import { Forest } from "../processes/forest.ts";
import {
  type NamedProcess,
  processOf,
  type Refusal,
  type Surroundings,
} from "../processes/process.ts";
import { basename, join } from "@std/path";
import {
  type LedgerEntry,
  ledgerLine,
  parseLedger,
  parseSegments,
  type SegmentEntry,
  segmentLine,
} from "./rules_ledger.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { listNames } from "../system/programs/ls.ts";
import { ownProcess } from "../system/programs/own_process.ts";
import { type FileFacts, statPaths } from "../system/programs/stat.ts";
import { readProcessFiles, readProcessLinks } from "../system/programs/proc.ts";
import { listSessions, type ProcessList } from "../system/programs/ps.ts";
import { ledgerDirectory, stateDirectory, usable } from "../project/directories.ts";

/** Sessions whose files are kept. */
const KEPT_SESSIONS = 60;
/** Processes of one run that are recorded; further ones are judged by other evidence. */
const KEPT_PROCESSES = 2_000;
/** Bytes that are read of one session's file. */
const READ_LIMIT = 4 * 1024 * 1024;

const surroundings = new WeakMap<Host, Promise<Surroundings | null>>();

/**
 * This boot and this pid namespace; null where there is no /proc. Read once: neither changes while
 * this program runs.
 */
export function surroundingsOf(host: Host): Promise<Surroundings | null> {
  let known = surroundings.get(host);
  if (!known) surroundings.set(host, known = readSurroundings(host));
  return known;
}

async function readSurroundings(host: Host): Promise<Surroundings | null> {
  const [own, links] = await Promise.all([ownProcess(host), readProcessLinks(host, [])]);
  return own && links.own ? { bootId: own.bootId, pidNamespace: links.own[1] } : null;
}

/** The test that started a process, by its start in clock ticks; null if unknown. */
export type TestOf = (startTicks: number) => string | null;

/** What the runs of a project recorded, and the files that can't be trusted. */
export interface Ledger {
  readonly entries: readonly LedgerEntry[];
  readonly segments: readonly SegmentEntry[];
  readonly refused: readonly Refusal[];
}

/**
 * Reads the ledger of a project. It counts as empty if it is missing, or if others can write to it.
 */
export async function readLedger(host: Host, root: string): Promise<Ledger> {
  const refused: Refusal[] = [];
  const entries: LedgerEntry[] = [];
  const segments: SegmentEntry[] = [];
  try {
    const directory = await ledgerDirectory(host, root);
    if (directory === null || !directory.exists) return { entries, segments, refused };
    if (directory.problem !== null) {
      return {
        entries,
        segments,
        refused: [{
          path: directory.path ?? "",
          reason: `the ledger is not used: ${directory.problem}`,
        }],
      };
    }
    for (const name of await runFiles(host, directory.path)) {
      const path = join(directory.path, name);
      const problem = await untrusted(host, path);
      if (problem !== null) refused.push({ path, reason: `the ledger is not used: ${problem}` });
      if (problem !== null) continue;
      const text = new TextDecoder().decode(
        await host.files.readFrom(path, 0, READ_LIMIT) ?? new Uint8Array(),
      );
      for (const entry of parseLedger(text)) {
        // RUN-SESSION.jsonl
        const session = name.slice(entry.runId.length + 1, -".jsonl".length);
        entries.push({ ...entry, session });
      }
      segments.push(...parseSegments(text));
    }
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    refused.push({ reason: `the ledger can't be read: ${error.message}` });
  }
  return { entries, segments, refused };
}

/** Where Linux has segments of shared memory. */
export const SHARED_MEMORY = "/dev/shm";

/** All segments of shared memory, whoever owns them: plain files, by path. */
export async function sharedMemoryFiles(host: Host): Promise<ReadonlyMap<string, FileFacts>> {
  const { names } = await listNames(
    host,
    SHARED_MEMORY,
    "list segments of shared memory",
  );
  const files = await statPaths(
    host,
    (names ?? []).map((name) => join(SHARED_MEMORY, name)),
    "identify segments of shared memory",
  );
  return new Map([...files].filter(([, file]) => file.kind === "file"));
}

/** Names of the runs' files, oldest first. */
async function runFiles(host: Host, directory: string): Promise<string[]> {
  return (await host.files.readDirectory(directory) ?? []).map((entry) => entry.name).filter((
    name,
  ) => name.endsWith(".jsonl")).sort();
}

/** Why a file can't be trusted; null for one that only this user can have written. */
async function untrusted(host: Host, path: string): Promise<string | null> {
  const status = await host.files.lstat(path);
  if (status === null) return "it is gone";
  if (status.kind !== "file") return `it is a ${status.kind}, not a file`;
  if (status.uid !== host.uid()) return `it belongs to uid ${status.uid}`;
  return (status.mode & 0o077) === 0
    ? null
    : `others may read or write it (mode ${status.mode.toString(8)})`;
}

/**
 * Writes the ledger of one session: a file that no other process writes to, one line per process.
 * A failed write means less evidence later; it never fails a test.
 */
export class RunLedger {
  #seen = new Map<number, string>();
  /** The recorded processes by pid and start, and whether they are the run's own. */
  #recorded = new Map<string, LedgerEntry["role"]>();
  #here: Surroundings | null = null;
  /** Inodes of segments that existed before the run or are recorded. */
  #segments = new Set<number>();
  #root: number | null = null;
  #busy: Promise<boolean> = Promise.resolve(false);
  #isScanning = false;
  #rootIsGone = false;
  /** All processes, as the last scan listed them after the root had ended; null without one. */
  listedAfterwards: ProcessList | null = null;

  private constructor(
    private readonly host: Host,
    private readonly runId: string,
    private readonly file: string | null,
    private readonly isolated: boolean,
  ) {}

  /**
   * Opens the ledger of a session and removes the oldest ones. Without a usable directory it writes
   * nothing.
   *
   * @param isolated whether the session has shared memory of its own: no segment out here is its
   *   own then, whatever its name
   */
  static async open(
    host: Host,
    root: string,
    runId: string,
    session: string,
    isolated = false,
  ): Promise<RunLedger> {
    const none = new RunLedger(host, runId, null, isolated);
    if (host.platform !== "linux") return none;
    try {
      const directory = await ledgerDirectory(host, root);
      if (directory === null || directory.problem !== null) return none;
      if (await usable(host, await stateDirectory(host)) === null) return none;
      await host.files.makeDirectory(directory.path);
      const names = await runFiles(host, directory.path);
      for (const name of names.slice(0, Math.max(0, names.length - KEPT_SESSIONS + 1))) {
        await host.files.remove(join(directory.path, name));
      }
      return new RunLedger(
        host,
        runId,
        join(directory.path, `${runId}-${session}.jsonl`),
        isolated,
      );
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      return none;
    }
  }

  /**
   * Records this program and the root process that it has started. Returns the root's identity;
   * null where it can't be read.
   */
  async begin(root: number): Promise<LedgerEntry | null> {
    const [here, { rows }] = await Promise.all([
      surroundingsOf(this.host),
      readProcessFiles(this.host, [this.host.pid, root], {
        mapped: false,
        why: "identities by which later runs recognize this one",
      }),
    ]);
    if (here === null) return null;
    this.#here = here;
    this.#root = root;
    if (!this.isolated) {
      for (const { inode } of (await sharedMemoryFiles(this.host)).values()) {
        this.#segments.add(inode);
      }
    }
    const entries = [[this.host.pid, "runner"], [root, "root"]] as const;
    for (const [pid, role] of entries) {
      const row = rows.get(pid);
      if (row) await this.#write([{ ...processOf(row), role }], () => null);
    }
    const row = rows.get(root);
    return row
      ? {
        ...here,
        pid: root,
        uid: row.uid,
        startTicks: row.startTicks,
        runId: this.runId,
        role: "root",
        test: null,
        title: "",
      }
      : null;
  }

  /**
   * Records new processes below the root, and in the session that it leads. Takes one `ps`, and one
   * `cat` if there are new processes. A call during a scan joins that scan.
   *
   * @param tests called if there are new processes, to find the tests that started them
   * @returns whether the root was still alive: a scan finds only what is below it or in its session
   */
  scan(tests: () => Promise<TestOf>): Promise<boolean> {
    if (this.#isScanning) return this.#busy;
    this.#isScanning = true;
    const scan = async () => {
      try {
        return await this.#scan(tests);
      } catch (error) {
        // A system that starts no more programs leaves less evidence; it never fails a test.
        if (!(error instanceof TractestError)) throw error;
        return false;
      } finally {
        this.#isScanning = false;
      }
    };
    return this.#busy = this.#busy.then(scan);
  }

  /** The root has ended: from now on another process may have its pid. */
  rootIsGone(): void {
    this.#rootIsGone = true;
  }

  async #scan(tests: () => Promise<TestOf>): Promise<boolean> {
    const root = this.#root;
    if (root === null || this.file === null || this.#recorded.size >= KEPT_PROCESSES) return false;
    const isOver = this.#rootIsGone;
    const list = await listSessions(this.host, "which processes belong to this run");
    if (isOver) this.listedAfterwards = list;
    const { processes } = list;
    const forest = new Forest(processes);
    const isRootAlive = !this.#rootIsGone && (forest.get(root)?.state ?? "Z") !== "Z";
    const below = new Set(this.#rootIsGone ? [] : forest.descendantsOf(root));
    // The kernel does not reuse a session's number while it has members; a new session of that
    // number would have its leader too.
    const isSession = !this.#rootIsGone || !forest.has(root);
    for (const row of isSession ? processes : []) {
      if (row.session !== root || row.pid === root || below.has(row.pid)) continue;
      for (const pid of [row.pid, ...forest.descendantsOf(row.pid)]) below.add(pid);
    }
    // Processes that lost their parent are identified again; those below them come with them.
    const strays = [...this.#seen.keys()].filter((pid) => forest.has(pid) && !below.has(pid));
    const again = await readProcessFiles(this.host, strays, {
      mapped: false,
      why: "whether these are still processes of this run",
    });
    for (const pid of strays) {
      const ticks = again.rows.get(pid)?.startTicks;
      if (ticks === undefined || !this.#recorded.has(`${pid} ${ticks}`)) continue;
      for (const one of [pid, ...forest.descendantsOf(pid)]) below.add(one);
    }
    below.delete(this.host.pid);
    const rows = [...below].map((pid) => forest.get(pid)!).filter((row) =>
      row.state !== "Z" && row.uid === this.host.uid()
    );
    // A pid with another command line than before may be another process: it is read again.
    const fresh = rows.filter((row) => this.#seen.get(row.pid) !== row.args).map((row) => row.pid);
    this.#seen = new Map(rows.map((row) => [row.pid, row.args]));
    const { rows: files } = await readProcessFiles(this.host, fresh, {
      mapped: false,
      why: "processes of this run, for the ledger",
    });
    // A pid with another parent than in the list may be another process.
    const same = [...files.values()].filter((row) =>
      row.state !== "Z" && row.ppid === forest.get(row.pid)?.ppid
    );
    const found = same.map((row) => ({ ...processOf(row), role: "process" as const }));
    if (found.length > 0) await this.#write(found, await tests());
    await this.recordSegments(rows.map((row) => row.pid));
    return isRootAlive;
  }

  /** Records segments that appeared since the run began and that one of these processes maps. */
  async recordSegments(pids: readonly number[]): Promise<void> {
    if (this.isolated || pids.length === 0) return;
    const here = this.#here;
    const uid = this.host.uid();
    const fresh = [...await sharedMemoryFiles(this.host)].filter(([, file]) =>
      file.uid === uid && !this.#segments.has(file.inode)
    );
    if (here === null || fresh.length === 0) return;
    const { rows } = await readProcessFiles(this.host, pids, {
      mapped: true,
      why: "which segments of shared memory this run maps",
    });
    const known = [...rows.values()].filter((row) =>
      this.#recorded.has(`${row.pid} ${row.startTicks}`)
    );
    const mapped = new Set(known.flatMap((row) => row.mapped ?? []));
    const lines = fresh.filter(([path]) => mapped.has(path)).map(([path, { device, inode }]) => {
      this.#segments.add(inode);
      return segmentLine({
        runId: this.runId,
        bootId: here.bootId,
        name: basename(path),
        device,
        inode,
      });
    });
    await this.#append(lines);
  }

  /** What tests or pytest have started: the processes that are recorded by now. */
  get processes(): readonly Pick<LedgerEntry, "pid" | "startTicks">[] {
    return [...this.#recorded].flatMap(([key, role]) => {
      const [pid, startTicks] = key.split(" ").map(Number);
      return role === "process" ? [{ pid: pid!, startTicks: startTicks! }] : [];
    });
  }

  /** Resolves when all scans are done. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  /** Records processes that are already known to belong to the run. */
  async add(identities: readonly NamedProcess[], tests: () => Promise<TestOf>): Promise<void> {
    const own = [this.#root, this.host.pid];
    await this.#write(
      identities.filter(({ pid }) => !own.includes(pid)).map((identity) => ({
        ...identity,
        role: "process" as const,
      })),
      await tests(),
    );
  }

  async #write(
    found: readonly (NamedProcess & Pick<LedgerEntry, "role">)[],
    testOf: TestOf,
  ): Promise<void> {
    const here = this.#here;
    if (here === null || this.file === null) return;
    const lines: string[] = [];
    for (const { pid, uid, startTicks, args, role } of found) {
      const key = `${pid} ${startTicks}`;
      if (
        startTicks === null || uid !== this.host.uid() || this.#recorded.has(key) ||
        this.#recorded.size >= KEPT_PROCESSES
      ) continue;
      this.#recorded.set(key, role);
      lines.push(
        ledgerLine({
          runId: this.runId,
          role,
          pid,
          uid,
          startTicks,
          ...here,
          test: testOf(startTicks),
          title: args,
        }),
      );
    }
    await this.#append(lines);
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0 || this.file === null) return;
    try {
      await this.host.files.appendFile(this.file, lines.join(""));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
    }
  }
}
