import type { Host } from "../host.ts";
import { probe } from "./probe.ts";
import type { ProcessRow } from "./ps.ts";

/** What the files of `/proc/PID` say. Null: that one could not be read. */
export interface ProcessFiles extends Omit<ProcessRow, "args"> {
  /** The pid that it has in its own pid namespace; the same where that is ours. */
  readonly innerPid: number;
  /** How many pid namespaces, from that of our `/proc` to its own, know it. */
  readonly depth: number;
  /** Clock ticks from boot to the start of the process. */
  readonly startTicks: number;
  /** The process that leads its process group. */
  readonly group: number;
  /** The process that began its session; 0 for one outside of its pid namespace. */
  readonly session: number;
  /** Whether it was forked and never became another program. */
  readonly isForkedCopy: boolean;
  /** The kernel's name for it, at most 15 bytes. */
  readonly comm: string;
  /** Null when it has none: a zombie or a kernel thread. */
  readonly argv: readonly string[] | null;
  /** Paths of mapped files, each once; ` (deleted)` is kept. */
  readonly mapped: readonly string[] | null;
}

/** What the links of `/proc/PID` say. Null: that one could not be read. */
export interface ProcessLinks {
  /** As the process sees it; ` (deleted)` is kept. */
  readonly cwd: string | null;
  readonly root: string | null;
  /** Its mount and pid namespace, as `mnt:[…]` and `pid:[…]`. */
  readonly namespaces: readonly [string, string] | null;
}

/**
 * What was read, by pid; a process that is not in it is gone. `failure` says why nothing could be
 * read.
 */
export interface Read<Row> {
  readonly rows: ReadonlyMap<number, Row>;
  readonly failure: string | null;
}

/** The kernel's PF_FORKNOEXEC among the flags of a process. */
const FORKED_WITHOUT_EXEC = 0x40;

/**
 * The id of this boot. Between files under /proc it says where each ends: they themselves say
 * neither that nor how long they are.
 */
export const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * Reads who processes are: identity and command line, with `mapped` their mapped files too. One
 * `cat` for all.
 */
export async function readProcessFiles(
  host: Host,
  pids: readonly number[],
  options: { mapped: boolean; why: string },
): Promise<Read<ProcessFiles>> {
  if (pids.length === 0) return { rows: new Map(), failure: null };
  const files = pids.flatMap((pid) => {
    const of = `/proc/${pid}`;
    return [
      `${of}/stat`,
      `${of}/status`,
      BOOT_ID,
      `${of}/cmdline`,
      BOOT_ID,
      ...(options.mapped ? [`${of}/maps`] : []),
      BOOT_ID,
    ];
  });
  const { text, failure } = await probe(host, "cat", [BOOT_ID, ...files], {
    why: options.why,
    codes: [0, 1],
  });
  if (text === null) return { rows: new Map(), failure };
  const rows = parseProcessFiles(text, pids);
  return rows
    ? { rows, failure: null }
    : { rows: new Map(), failure: 'the output of "cat" for files under /proc can\'t be read' };
}

/**
 * Parses what {@linkcode readProcessFiles} makes `cat` print; null if it is not what was asked for.
 */
export function parseProcessFiles(
  text: string,
  pids: readonly number[],
): Map<number, ProcessFiles> | null {
  const separator = text.slice(0, 37);
  if (!/^[0-9a-f-]{36}\n$/.test(separator)) return null;
  const parts = text.slice(separator.length).split(separator);
  if (parts.length !== pids.length * 3 + 1 || parts.at(-1) !== "") return null;
  const rows = new Map<number, ProcessFiles>();
  for (const [index, pid] of pids.entries()) {
    const [status, commandLine, maps] = parts.slice(index * 3, index * 3 + 3) as [
      string,
      string,
      string,
    ];
    const row = parseStatus(status, pid);
    if (row === "unreadable") return null;
    if (row === "gone") continue;
    rows.set(pid, { ...row, argv: parseCommandLine(commandLine), mapped: parseMaps(maps) });
  }
  return rows;
}

/**
 * `/proc/PID/stat` followed by `/proc/PID/status`. The name stands in parentheses and may hold
 * anything, `)` and line ends too; what follows it is over 40 numbers, which no name has room for.
 */
function parseStatus(
  text: string,
  pid: number,
): Omit<ProcessFiles, "argv" | "mapped"> | "gone" | "unreadable" {
  if (text === "") return "gone";
  const stat = /^(\d+) \(([\s\S]{0,64}?)\) ([A-Za-z]) (-?\d+(?: -?\d+){40,60})\n/.exec(text);
  if (!stat || Number(stat[1]) !== pid) return "unreadable";
  const uid = /^Uid:\t(\d+)\t/m.exec(text.slice(stat[0].length));
  // It ended between the two files.
  if (!uid) return "gone";
  const numbers = stat[4]!.split(" ").map(Number);
  const [, namespaced = `\t${pid}`] = /^NSpid:((?:\t\d+)+)$/m.exec(text.slice(stat[0].length)) ??
    [];
  const pids = namespaced.slice(1).split("\t").map(Number);
  return {
    pid,
    innerPid: pids.at(-1)!,
    depth: pids.length,
    comm: stat[2]!,
    state: stat[3]!,
    ppid: numbers[0]!,
    group: numbers[1]!,
    session: numbers[2]!,
    isForkedCopy: (numbers[5]! & FORKED_WITHOUT_EXEC) !== 0,
    startTicks: numbers[18]!,
    uid: Number(uid[1]),
  };
}

function parseCommandLine(text: string): string[] | null {
  // A title that a process gave itself is padded with NULs to the length of what it replaced.
  const words = text.replace(/\0+$/, "");
  return words === "" ? null : words.split("\0");
}

function parseMaps(text: string): string[] | null {
  if (text === "") return null;
  const paths = new Set<string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const row = /^[0-9a-f]+-[0-9a-f]+ \S{4} [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+\s*(.*)$/.exec(line);
    if (!row) return null;
    if (row[1]!.startsWith("/")) paths.add(row[1]!.replaceAll("\\012", "\n"));
  }
  return [...paths];
}

/**
 * Reads where processes are: working directory, root, namespaces, and this process's namespaces as
 * `own`. One `readlink` for all.
 */
export async function readProcessLinks(
  host: Host,
  pids: readonly number[],
): Promise<Read<ProcessLinks> & { own: ProcessLinks["namespaces"] }> {
  // `/proc/self` is readlink's own pid: digits alone, which no other of these links can be; it
  // separates the processes.
  const links = (
    of: string,
  ) => [`${of}/ns/mnt`, `${of}/ns/pid`, `${of}/cwd`, `${of}/root`, "/proc/self"];
  const { text, failure } = await probe(host, "readlink", [
    "-z",
    "/proc/self",
    ...links("/proc/self"),
    ...pids.flatMap((pid) => links(`/proc/${pid}`)),
  ], { why: "working directories and namespaces", codes: [0, 1] });
  if (text === null) return { rows: new Map(), failure, own: null };
  const parsed = parseProcessLinks(text, pids);
  return parsed ? { ...parsed, failure: null } : {
    rows: new Map(),
    failure: 'the output of "readlink" for links under /proc can\'t be read',
    own: null,
  };
}

/**
 * Parses what {@linkcode readProcessLinks} makes `readlink` print; null if it is not what was asked
 * for.
 */
export function parseProcessLinks(
  text: string,
  pids: readonly number[],
): { rows: Map<number, ProcessLinks>; own: ProcessLinks["namespaces"] } | null {
  const words = text.split("\0");
  const separator = words.shift()!;
  if (!/^\d+$/.test(separator) || words.pop() !== "") return null;
  const groups: string[][] = [[]];
  for (const word of words) word === separator ? groups.push([]) : groups.at(-1)!.push(word);
  if (groups.length !== pids.length + 2 || groups.pop()!.length > 0) return null;
  const [own, ...others] = groups.map(linksOf);
  return { own: own!.namespaces, rows: new Map(pids.map((pid, index) => [pid, others[index]!])) };
}

function linksOf(words: readonly string[]): ProcessLinks {
  const mount = words.find((word) => /^mnt:\[\d+\]$/.test(word));
  const pid = words.find((word) => /^pid:\[\d+\]$/.test(word));
  const paths = words.filter((word) => word.startsWith("/"));
  const [cwd, root] = paths.length === 2 ? paths as [string, string] : [null, null];
  return { cwd, root, namespaces: mount && pid ? [mount, pid] : null };
}

/** Reads which file each process executes, by pid; those that can't be read are left out. */
export async function readExecutables(
  host: Host,
  pids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  if (pids.length === 0) return new Map();
  const { text } = await probe(host, "readlink", [
    "-z",
    "/proc/self",
    ...pids.flatMap((pid) => [`/proc/${pid}/exe`, "/proc/self"]),
  ], { why: "which of these is a Python", codes: [0, 1] });
  const words = text?.split("\0").slice(0, -1) ?? [];
  const separator = words.shift();
  const groups: string[][] = [[]];
  for (const word of words) word === separator ? groups.push([]) : groups.at(-1)!.push(word);
  if (groups.length !== pids.length + 1) return new Map();
  return new Map(
    pids.flatMap((pid, index) =>
      groups[index]!.map((path) => [pid, path.replace(/ \(deleted\)$/, "")])
    ),
  );
}

/**
 * Device and inode of the working directories of processes, as they themselves see them; by pid,
 * those that could be read.
 */
export async function readWorkingDirectories(
  host: Host,
  pids: readonly number[],
): Promise<Read<{ readonly device: number; readonly inode: number }>> {
  if (pids.length === 0) return { rows: new Map(), failure: null };
  const { text, failure } = await probe(host, "stat", [
    "-L",
    "-c",
    "%n %d %i",
    ...pids.map((pid) => `/proc/${pid}/cwd`),
  ], { why: "is that path the same directory here", codes: [0, 1] });
  return { rows: text === null ? new Map() : parseWorkingDirectories(text), failure };
}

/** Parses `stat -L -c '%n %d %i' /proc/PID/cwd …`; lines that do not parse are left out. */
export function parseWorkingDirectories(
  text: string,
): Map<number, { device: number; inode: number }> {
  const rows = new Map<number, { device: number; inode: number }>();
  for (const [, pid, device, inode] of text.matchAll(/^\/proc\/(\d+)\/cwd (\d+) (\d+)\n/gm)) {
    rows.set(Number(pid), { device: Number(device), inode: Number(inode) });
  }
  return rows;
}

/**
 * The value of one variable in the environment with which each process was started; no other
 * variable is read.
 */
export async function readVariable(
  host: Host,
  pids: readonly number[],
  name: string,
): Promise<ReadonlyMap<number, string>> {
  if (pids.length === 0) return new Map();
  const files = pids.flatMap((pid) => [`/proc/${pid}/environ`, BOOT_ID]);
  const { text } = await probe(host, "cat", [BOOT_ID, ...files], {
    why: `${name} of these processes`,
    codes: [0, 1],
  });
  const separator = text?.slice(0, 37) ?? "";
  const parts = text?.slice(37).split(separator) ?? [];
  if (!/^[0-9a-f-]{36}\n$/.test(separator) || parts.length !== pids.length + 1) return new Map();
  const values = pids.map((pid, index): [number, string | undefined] => [
    pid,
    parts[index]!.split("\0").find((entry) => entry.startsWith(`${name}=`)),
  ]);
  return new Map(
    values.flatMap(([pid, entry]) =>
      entry === undefined ? [] : [[pid, entry.slice(name.length + 1)] as const]
    ),
  );
}
