import type { ProcessIdentity, RecordedIdentity, Surroundings } from "../processes/process.ts";

/** A process that belongs to a run. */
export interface LedgerEntry extends RecordedIdentity {
  readonly uid: number;
  readonly runId: string;
  /** `runner` is tractest itself, `root` its child; while either lives the run is unfinished. */
  readonly role: "runner" | "root" | "process";
  /** The test that was running when the process was first seen; null if there was none. */
  readonly test: string | null;
  /** Its command line or title when first seen; for people who read the file, never compared. */
  readonly title: string;
  /** The session that recorded it; the name of its file has it, not the line. */
  readonly session?: string;
}

/** A segment of shared memory that appeared during a run and that a process of the run mapped. */
export interface SegmentEntry {
  readonly runId: string;
  /** Shared memory ends with the boot. */
  readonly bootId: string;
  readonly name: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * The run and the test that a living process came from, by the ledger or by its environment.
 */
export interface Recorded {
  /** Null if a plain pytest ran the test. */
  readonly runId: string | null;
  readonly test: string | null;
  /**
   * Start of the first process of that run, in ticks; what is older did not come from it. Null if
   * not recorded.
   */
  readonly since: number | null;
  /**
   * Set if this comes from the environment. `run`: a run of this project started the process;
   * `test`: a test of any project did.
   */
  readonly mark?: "run" | "test";
  /**
   * With `test`: pytest's id from the environment, and whether this project has such a file.
   */
  readonly id?: string | null;
  readonly isFileHere?: boolean;
}

/** The living processes that the ledger names. */
export interface RecordedProcesses {
  /** Left over from finished runs. */
  readonly over: ReadonlyMap<number, Recorded>;
  /** From unfinished runs: in use. */
  readonly live: ReadonlyMap<number, Recorded>;
  /** Still running though the tractest that started them was killed: usually pytests. */
  readonly abandoned: ReadonlyMap<number, Recorded>;
}

const SCHEMA = "tractest.ledger/1";
/** Characters kept of a title or a test id. */
const TEXT_LIMIT = 500;

/** One line of the file, including its line end. */
export function ledgerLine(entry: LedgerEntry): string {
  const { title, test, ...identity } = entry;
  const texts = { test: test?.slice(0, TEXT_LIMIT) ?? null, title: title.slice(0, TEXT_LIMIT) };
  return `${JSON.stringify({ schema: SCHEMA, ...identity, ...texts })}\n`;
}

/**
 * Reads the lines of a ledger; incomplete lines, garbage and other versions are ignored.
 */
export function parseLedger(text: string): LedgerEntry[] {
  return text.split("\n").flatMap((line) => entryOf(line) ?? []);
}

/** A line for a segment, including its line end. */
export function segmentLine(entry: SegmentEntry): string {
  return `${JSON.stringify({ schema: SCHEMA, role: "segment", ...entry })}\n`;
}

/** Reads the lines about segments; anything else is ignored. */
export function parseSegments(text: string): SegmentEntry[] {
  return text.split("\n").flatMap((line) => {
    try {
      const { schema, role, runId, bootId, name, device, inode } = JSON.parse(line);
      const isWhole = [runId, bootId, name].every((value) => typeof value === "string") &&
        [device, inode].every(Number.isSafeInteger);
      return schema === SCHEMA && role === "segment" && isWhole
        ? [{ runId, bootId, name, device, inode }]
        : [];
    } catch {
      return [];
    }
  });
}

function entryOf(line: string): LedgerEntry | null {
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (value?.schema !== SCHEMA) return null;
  const { runId, role, pid, uid, startTicks, bootId, pidNamespace, test, title } = value;
  const numbers = [pid, uid, startTicks].every((number) =>
    Number.isSafeInteger(number) && number >= 0
  );
  const texts = [runId, bootId, pidNamespace, title].every((text) => typeof text === "string");
  if (!numbers || !texts) return null;
  if (
    !/^[0-9a-zA-Z-]{1,64}$/.test(runId) || !["runner", "root", "process"].includes(role) ||
    (test !== null && typeof test !== "string")
  ) {
    return null;
  }
  if (!/^[0-9a-f-]{36}$/.test(bootId) || !/^pid:\[\d+\]$/.test(pidNamespace)) return null;
  return { runId, role, pid, uid, startTicks, bootId, pidNamespace, test, title };
}

/**
 * The processes that live now, by pid, as far as the ledger needs them. Pids that are missing are
 * gone.
 */
export type Living = ReadonlyMap<number, Pick<ProcessIdentity, "uid" | "startTicks">>;

/** Whether a recorded pid is of this boot and pid namespace; elsewhere it means nothing. */
export function isHere(entry: Surroundings, here: Surroundings | null): boolean {
  return here !== null && entry.bootId === here.bootId && entry.pidNamespace === here.pidNamespace;
}

/**
 * Whether an entry is about the very process that has its pid now. Every part of the identity must
 * agree; a pid alone proves nothing.
 */
export function fits(entry: LedgerEntry, living: Living, here: Surroundings): boolean {
  const now = living.get(entry.pid);
  return now !== undefined && now.startTicks === entry.startTicks && now.uid === entry.uid &&
    isHere(entry, here);
}

/**
 * The living processes that runs recorded, by pid. One that a live run recorded is in use,
 * whichever run recorded it before.
 *
 * @param own this program's pid: when it checks its own run, that run is over
 */
export function recordedProcesses(
  entries: readonly LedgerEntry[],
  living: Living,
  here: Surroundings,
  own: number,
): RecordedProcesses {
  const unfinished = unfinishedRuns(entries, living, here, own);
  const fitting = entries.filter((entry) => entry.pid !== own && fits(entry, living, here));
  const recorded = (
    { pid, runId, test }: LedgerEntry,
  ): [number, Recorded] => [pid, { runId, test, since: startOfRun(runId, entries, here) }];
  const live = new Map(fitting.filter((entry) => unfinished.has(entry.runId)).map(recorded));
  const over = fitting.filter((entry) => entry.role === "process" && !live.has(entry.pid));
  const led = new Set(
    fitting.filter((entry) => entry.role === "runner").map((entry) => entry.runId),
  );
  const ran = new Set(
    entries.filter((entry) => entry.role === "runner" && isHere(entry, here)).map((entry) =>
      entry.runId
    ),
  );
  const roots = fitting.filter((entry) =>
    entry.role === "root" && ran.has(entry.runId) && !led.has(entry.runId) &&
    unfinished.has(entry.runId)
  );
  return { over: new Map(over.map(recorded)), live, abandoned: new Map(roots.map(recorded)) };
}

/** Start of the first process of a run, in ticks; null where that is not recorded. */
export function startOfRun(
  runId: string,
  entries: readonly LedgerEntry[],
  here: Surroundings,
): number | null {
  const heads = entries.filter((entry) =>
    entry.runId === runId && entry.role !== "process" && isHere(entry, here)
  );
  return heads.length > 0 ? Math.min(...heads.map((entry) => entry.startTicks)) : null;
}

/**
 * The runs that are not over: their tractest (unless it is this program) or its root lives.
 */
export function unfinishedRuns(
  entries: readonly LedgerEntry[],
  living: Living,
  here: Surroundings,
  own: number,
): Set<string> {
  const heads = entries.filter((entry) =>
    entry.role !== "process" && entry.pid !== own && fits(entry, living, here)
  );
  return new Set(heads.map((entry) => entry.runId));
}
