import type { Host } from "../host.ts";
import { probe, type Probed } from "./probe.ts";
import type { Read } from "./proc.ts";

/** What `ls` shows below `/proc/PID`. Null: that could not be read. */
export interface ProcessListing {
  readonly files: readonly OpenFile[] | null;
  readonly threads: readonly number[] | null;
}

/** What was read, by pid, and why something could not be. */
export interface Listings {
  readonly rows: ReadonlyMap<number, ProcessListing>;
  readonly failure: string | null;
}

/**
 * `/proc/PID/fd` and `/proc/PID/task` of processes, in one call. The permissions of a link there
 * are those with which the file was opened.
 */
export async function listOpenFiles(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<Listings> {
  const { text, failure } = await list(
    host,
    pids.flatMap((pid) => [`/proc/${pid}/fd`, `/proc/${pid}/task`]),
    why,
  );
  return { rows: text === null ? new Map() : parseOpenFiles(text), failure };
}

/**
 * Who of many processes has any of these files open, in one call: of each that can be read those
 * files alone.
 */
export async function findHolders(
  host: Host,
  pids: readonly number[],
  targets: ReadonlySet<string>,
  why: string,
): Promise<Read<readonly OpenFile[]>> {
  const { text, failure } = await list(host, pids.map((pid) => `/proc/${pid}/fd`), why);
  return { rows: text === null ? new Map() : parseHolders(text, targets), failure };
}

function list(host: Host, directories: readonly string[], why: string): Promise<Probed> {
  // More than one directory, so that each has its heading.
  return probe(host, "ls", ["-l", "-n", "-b", "-U", "/proc/self/task", ...directories], {
    why,
    codes: [0, 1, 2],
  });
}

/**
 * Parses `ls -lnbU /proc/PID/fd /proc/PID/task …`; what does not parse is left out, and a directory
 * without a heading could not be read.
 */
export function parseOpenFiles(text: string): Map<number, ProcessListing> {
  const rows = new Map<number, { files: OpenFile[] | null; threads: number[] | null }>();
  let row: { files: OpenFile[] | null; threads: number[] | null } | null = null;
  let list: "files" | "threads" = "files";
  for (const line of text.split("\n")) {
    const heading = /^\/proc\/(\d+)\/(fd|task):$/.exec(line);
    if (heading) {
      const pid = Number(heading[1]);
      row = rows.get(pid) ?? { files: null, threads: null };
      rows.set(pid, row);
      list = heading[2] === "fd" ? "files" : "threads";
      row[list] = [];
      continue;
    }
    if (row === null) continue;
    const file = list === "files" ? parseLink(line) : null;
    if (file) row.files!.push(file);
    const thread = /^d\S+ .* (\d+)$/.exec(line);
    if (thread && list === "threads") row.threads!.push(Number(thread[1]));
  }
  return rows;
}

/**
 * Parses `ls -lnbU /proc/PID/fd …` for these files alone. Of thousands of lines most are about
 * something else: only the others are taken apart.
 */
export function parseHolders(
  text: string,
  targets: ReadonlySet<string>,
): Map<number, readonly OpenFile[]> {
  const rows = new Map<number, OpenFile[]>();
  let row: OpenFile[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("/proc/")) {
      row = [];
      const pid = /^\/proc\/(\d+)\/fd:$/.exec(line)?.[1];
      if (pid !== undefined) rows.set(Number(pid), row);
    } else if (line.endsWith("]") && targets.has(line.slice(line.lastIndexOf(" ") + 1))) {
      const file = parseLink(line);
      if (file) row.push(file);
    }
  }
  return rows;
}

function parseLink(line: string): OpenFile | null {
  const link = /^l([r-])([w-])\S+ +\d+ +\d+ +\d+ +\d+ +\S+ +\S+ +\S+ (\d+) -> (.*)$/.exec(line);
  return link &&
    {
      fd: Number(link[3]),
      reads: link[1] === "r",
      writes: link[2] === "w",
      target: unescape(link[4]!),
    };
}

/** Takes the escapes of `ls -b` back. */
function unescape(text: string): string {
  const names: Readonly<Record<string, string>> = {
    n: "\n",
    t: "\t",
    r: "\r",
    f: "\f",
    v: "\v",
    a: "\x07",
    b: "\b",
  };
  return text.replace(
    /\\([0-7]{3}|.)/g,
    (_, code: string) =>
      /^[0-7]{3}$/.test(code) ? String.fromCharCode(parseInt(code, 8)) : names[code] ?? code,
  );
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const THREAD_FILES = ["stat", "status", "syscall", "wchan"] as const;

/**
 * Threads at one moment, by process, and the number of `read` here, which tells the architecture.
 */
export interface Look {
  readonly threads: ReadonlyMap<number, readonly ThreadLook[]>;
  readonly readNumber: number | null;
  readonly failure: string | null;
}

/** Looks at threads: what each does now, and how much it has done so far. One `cat` for all. */
export async function lookAtThreads(
  host: Host,
  threads: ReadonlyMap<number, readonly number[]>,
  why: string,
): Promise<Look> {
  const tasks = [...threads].flatMap(([pid, tids]) => tids.map((tid) => ({ pid, tid })));
  const files = tasks.flatMap(({ pid, tid }) =>
    THREAD_FILES.flatMap((file) => [`/proc/${pid}/task/${tid}/${file}`, BOOT_ID])
  );
  // `cat` shows its own call first: it reads.
  const { text, failure } = await probe(host, "cat", [
    BOOT_ID,
    "/proc/self/syscall",
    BOOT_ID,
    ...files,
  ], { why, codes: [0, 1] });
  const parsed = text === null ? null : parseThreads(text, tasks);
  if (parsed !== null) return { ...parsed, failure: null };
  return {
    threads: new Map(),
    readNumber: null,
    failure: failure ?? 'the output of "cat" for threads under /proc can\'t be read',
  };
}

/**
 * Parses what {@linkcode lookAtThreads} makes `cat` print; null if it is not what was asked for.
 */
export function parseThreads(
  text: string,
  tasks: readonly { readonly pid: number; readonly tid: number }[],
): Pick<Look, "threads" | "readNumber"> | null {
  const separator = text.slice(0, 37);
  if (!/^[0-9a-f-]{36}\n$/.test(separator)) return null;
  const [own, ...parts] = text.slice(separator.length).split(separator);
  if (parts.length !== tasks.length * THREAD_FILES.length + 1) return null;
  const threads = new Map<number, ThreadLook[]>();
  for (const [index, { pid, tid }] of tasks.entries()) {
    const at = index * THREAD_FILES.length;
    const [stat, status, syscall, channel] = parts.slice(at, at + THREAD_FILES.length) as [
      string,
      string,
      string,
      string,
    ];
    const look = parseThread(tid, stat, status, syscall, channel);
    if (look) threads.set(pid, [...threads.get(pid) ?? [], look]);
  }
  const call = parseSyscall(own ?? "");
  return { threads, readNumber: typeof call === "object" && call !== null ? call.number : null };
}

function parseThread(
  tid: number,
  stat: string,
  status: string,
  syscall: string,
  channel: string,
): ThreadLook | null {
  const row = /^(\d+) \(([\s\S]{0,64}?)\) ([A-Za-z]) (-?\d+(?: -?\d+){36,60})\n$/.exec(stat);
  if (!row || Number(row[1]) !== tid) return null;
  const numbers = row[4]!.split(" ").map(Number);
  const field = (name: string) =>
    new RegExp(`^${name}:\\t([0-9a-f]+)$`, "m").exec(status)?.[1] ?? null;
  const hasInterrupt = (name: string) => {
    const mask = field(name);
    // SIGINT is 2: the second bit.
    return mask === null ? null : (parseInt(mask.slice(-1), 16) & 2) !== 0;
  };
  const [switches, forced] = [
    field("voluntary_ctxt_switches"),
    field("nonvoluntary_ctxt_switches"),
  ];
  const pending = [hasInterrupt("SigPnd"), hasInterrupt("ShdPnd")];
  return {
    tid,
    ownTid: Number(/^NSpid:(?:\t\d+)*\t(\d+)$/m.exec(status)?.[1] ?? tid),
    state: row[3]!,
    group: numbers[1]!,
    session: numbers[2]!,
    terminal: numbers[3]!,
    foreground: numbers[4]!,
    cpuTicks: numbers[10]! + numbers[11]!,
    switches: switches === null || forced === null ? null : Number(switches) + Number(forced),
    syscall: parseSyscall(syscall),
    waitsIn: /^[a-zA-Z_][\w.]*$/.test(channel) ? channel : null,
    interrupt: {
      ignored: hasInterrupt("SigIgn"),
      caught: hasInterrupt("SigCgt"),
      blocked: hasInterrupt("SigBlk"),
      pending: pending.includes(true) ? true : pending.includes(null) ? null : false,
    },
  };
}

/** `/proc/PID/syscall`; null where that can't be read. */
function parseSyscall(text: string): RawSyscall | "running" | null {
  if (text === "running\n") return "running";
  const row = /^(-?\d+)((?: 0x[0-9a-f]+)+)\n$/.exec(text);
  if (!row) return null;
  const values = row[2]!.trim().split(" ").map(Number);
  // The last two are the stack and the place in the program; outside of a call there is nothing
  // else.
  return { number: Number(row[1]), args: values.slice(0, -2) };
}

/** What an epoll set watches, or which process a pidfd stands for. */
export interface SpecialFile {
  readonly pid: number;
  readonly fd: number;
  /** Descriptors that the set watches; empty for anything else. */
  readonly watches: readonly number[];
  /** The process that a pidfd stands for; null for anything else, and once that is gone. */
  readonly of: number | null;
}

/** Reads `/proc/PID/fdinfo/FD` of these. */
export async function readSpecialFiles(
  host: Host,
  files: readonly { readonly pid: number; readonly fd: number }[],
): Promise<SpecialFile[]> {
  if (files.length === 0) return [];
  const paths = files.flatMap(({ pid, fd }) => [`/proc/${pid}/fdinfo/${fd}`, BOOT_ID]);
  const { text } = await probe(host, "cat", [BOOT_ID, ...paths], {
    why: "which files and processes an event loop watches",
    codes: [0, 1],
  });
  return text === null ? [] : parseSpecialFiles(text, files);
}

/**
 * Parses what {@linkcode readSpecialFiles} makes `cat` print; empty if it is not what was asked
 * for.
 */
export function parseSpecialFiles(
  text: string,
  files: readonly { readonly pid: number; readonly fd: number }[],
): SpecialFile[] {
  const separator = text.slice(0, 37);
  const parts = text.slice(separator.length).split(separator);
  if (!/^[0-9a-f-]{36}\n$/.test(separator) || parts.length !== files.length + 1) return [];
  return files.map(({ pid, fd }, index) => {
    const watches = [...parts[index]!.matchAll(/^tfd: +(\d+) events:/gm)].map((match) =>
      Number(match[1])
    );
    const of = /^Pid:\t(\d+)$/m.exec(parts[index]!)?.[1];
    return { pid, fd, watches, of: of === undefined || of === "0" ? null : Number(of) };
  });
}

/** When a thread ran last, in milliseconds of the clock of its processor. */
export interface LastRun {
  readonly pid: number;
  readonly processor: number;
  readonly ms: number;
}

/** Reads when the main threads of processes ran last; nothing where the kernel does not tell. */
export async function readLastRuns(host: Host, pids: readonly number[]): Promise<LastRun[]> {
  if (pids.length === 0) return [];
  const paths = pids.flatMap((
    pid,
  ) => [`/proc/${pid}/stat`, BOOT_ID, `/proc/${pid}/sched`, BOOT_ID]);
  const { text } = await probe(host, "cat", [BOOT_ID, ...paths], {
    why: "for how long each has been asleep",
    codes: [0, 1],
  });
  return text === null ? [] : parseLastRuns(text, pids);
}

/** Parses what {@linkcode readLastRuns} makes `cat` print; what does not parse is left out. */
export function parseLastRuns(text: string, pids: readonly number[]): LastRun[] {
  const separator = text.slice(0, 37);
  const parts = text.slice(separator.length).split(separator);
  if (!/^[0-9a-f-]{36}\n$/.test(separator) || parts.length !== pids.length * 2 + 1) return [];
  return pids.flatMap((pid, index) => {
    const [stat, sched] = parts.slice(index * 2, index * 2 + 2) as [string, string];
    const fields = /\) [A-Za-z] (-?\d+(?: -?\d+){36,60})\n$/.exec(stat)?.[1]?.split(" ");
    const ms = /^se\.exec_start +: +(\d+\.\d+)$/m.exec(sched)?.[1];
    return fields === undefined || ms === undefined
      ? []
      : [{ pid, processor: Number(fields[35]), ms: Number(ms) }];
  });
}

/**
 * The contents of files that processes have open, in the order in which they are named: null for
 * what is no regular file, is larger than `mostBytes`, or can't be read. The files' own places are
 * not touched: each is opened anew.
 */
export async function readRegularFiles(
  host: Host,
  files: readonly { readonly pid: number; readonly fd: number }[],
  mostBytes: number,
): Promise<(string | null)[]> {
  if (files.length === 0) return [];
  const paths = files.map(({ pid, fd }) => `/proc/${pid}/fd/${fd}`);
  const about = await probe(host, "stat", ["-L", "-c", "%n %s %F", ...paths], {
    why: "what kind of files output goes to",
    codes: [0, 1],
  });
  const sizes = new Map(
    [...(about.text ?? "").matchAll(/^(\S+) (\d+) regular (?:empty )?file$/gm)].map((
      [, path, size],
    ) => [path!, Number(size)]),
  );
  const chosen = paths.filter((path) => (sizes.get(path) ?? Infinity) <= mostBytes);
  if (chosen.length === 0) return paths.map(() => null);
  const all = chosen.flatMap((path) => [path, BOOT_ID]);
  const { text } = await probe(host, "cat", [BOOT_ID, ...all], {
    why: "what was written so far",
    codes: [0, 1],
  });
  const separator = text?.slice(0, 37) ?? "";
  const parts = text?.slice(37).split(separator) ?? [];
  if (!/^[0-9a-f-]{36}\n$/.test(separator) || parts.length !== chosen.length + 1) {
    return paths.map(() => null);
  }
  const texts = new Map(chosen.map((path, index) => [path, parts[index]!]));
  return paths.map((path) => texts.get(path) ?? null);
}

/** A file that a process has open. */
export interface OpenFile {
  readonly fd: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /**
   * As the kernel names it: a path, `pipe:[INODE]`, `socket:[INODE]`, `anon_inode:[eventpoll]` …
   */
  readonly target: string;
}

/**
 * A call into the kernel: its number on this architecture (-1: it sleeps outside of any), and its
 * arguments.
 */
export interface RawSyscall {
  readonly number: number;
  readonly args: readonly number[];
}

/** What a thread does with SIGINT. Null: that could not be read. */
export interface InterruptMask {
  readonly ignored: boolean | null;
  readonly caught: boolean | null;
  readonly blocked: boolean | null;
  readonly pending: boolean | null;
}

/** A thread at one moment. */
export interface ThreadLook {
  readonly tid: number;
  /** What it is called in its own pid namespace, in which its calls name processes. */
  readonly ownTid: number;
  /** State letter: R, S, D, T, t, Z, X, I. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Device number of the controlling terminal; 0 when there is none. */
  readonly terminal: number;
  /** The group that has that terminal; -1 when there is none. */
  readonly foreground: number;
  /** Clock ticks of processor time used so far. */
  readonly cpuTicks: number;
  /** How often it was put to sleep or taken off a processor so far; null when unknown. */
  readonly switches: number | null;
  /** Null: could not be read. */
  readonly syscall: RawSyscall | "running" | null;
  /** The kernel function that it sleeps in; null when none is shown. */
  readonly waitsIn: string | null;
  readonly interrupt: InterruptMask;
}
