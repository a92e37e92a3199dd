import type { ProcessIdentity, RecordedIdentity, Surroundings } from "../processes/process.ts";

/** A process that belongs to a run. */
export interface LedgerEntry extends RecordedIdentity {
  readonly uid: number;
  readonly runId: string;
  /** `runner` is tractest itself, `root` its child; while either lives the run is unfinished. */
  readonly role: "runner" | "root" | "process";
  /** The test that ran when it was seen first; null when none did. */
  readonly test: string | null;
  /** Its command line or title when it was seen first; for readers of the file, never compared. */
  readonly title: string;
}

/** A segment of shared memory that appeared during a run and that a process of the run mapped. */
export interface SegmentEntry {
  readonly runId: string;
  /** Memory does not outlive a boot. */
  readonly bootId: string;
  readonly name: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * What the ledger, or its environment, says about a process that lives: which run it came from, and
 * which test.
 */
export interface Recorded {
  /** Null for a test of a plain pytest. */
  readonly runId: string | null;
  readonly test: string | null;
  /**
   * When the first process of that run was started, in ticks; whatever is older did not come from
   * it. Null when not recorded.
   */
  readonly since: number | null;
  /**
   * Its environment says so. `run`: that a run of this project started it; `test`: that a test did,
   * of whatever project.
   */
  readonly mark?: "run" | "test";
  /**
   * With `test`: pytest's id as the environment has it, and whether this project has such a file.
   */
  readonly id?: string | null;
  readonly isFileHere?: boolean;
}

/** The living processes that the ledger names. */
export interface RecordedProcesses {
  /** Left over from finished runs. */
  readonly over: ReadonlyMap<number, Recorded>;
  /** Of unfinished runs: they are in use. */
  readonly live: ReadonlyMap<number, Recorded>;
  /** Started by a tractest that was killed itself, and still running: usually a pytest. */
  readonly abandoned: ReadonlyMap<number, Recorded>;
}

const SCHEMA = "tractest.ledger/1";
/** Characters of a title or a test id that are kept. */
const TEXT_LIMIT = 500;

/** One line of the file, its line end included. */
export function ledgerLine(entry: LedgerEntry): string {
  const { title, test, ...identity } = entry;
  const texts = { test: test?.slice(0, TEXT_LIMIT) ?? null, title: title.slice(0, TEXT_LIMIT) };
  return `${JSON.stringify({ schema: SCHEMA, ...identity, ...texts })}\n`;
}

/**
 * Reads lines of the ledger; incomplete lines, garbage and other versions are ignored: they prove
 * nothing.
 */
export function parseLedger(text: string): LedgerEntry[] {
  return text.split("\n").flatMap((line) => entryOf(line) ?? []);
}

/** A line for a segment, its line end included. */
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
 * Who lives now, as far as the ledger has to know: what a pid is at this moment. Pids that are not
 * in it are gone.
 */
export type Living = ReadonlyMap<number, Pick<ProcessIdentity, "uid" | "startTicks">>;

/** Whether a recorded pid means something here: pids are those of one boot and one namespace. */
export function isHere(entry: Surroundings, here: Surroundings | null): boolean {
  return here !== null && entry.bootId === here.bootId && entry.pidNamespace === here.pidNamespace;
}

/**
 * Whether an entry is about the very process that has its pid now. Each part of the identity has to
 * fit; a pid alone says nothing.
 */
export function fits(entry: LedgerEntry, living: Living, here: Surroundings): boolean {
  const now = living.get(entry.pid);
  return now !== undefined && now.startTicks === entry.startTicks && now.uid === entry.uid &&
    isHere(entry, here);
}

/**
 * The living processes that runs recorded, by pid. One that a live run recorded is in use, whoever
 * recorded it before.
 *
 * @param own this program's pid: when it looks after its own run, that run is over
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
  ): [number, Recorded] => [pid, { runId, test, since: beginOf(runId, entries, here) }];
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

/** Ticks at which the first process of a run was started; null where that is not recorded. */
export function beginOf(
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
 * The runs that are not over: their tractest, unless it is this program, or what it started, lives.
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
