import type { Host } from "../host.ts";
import { catFiles, splitFiles } from "./cat.ts";
import { probe, type Probed } from "./probe.ts";
import type { Read } from "./proc.ts";

/** The open files and threads of a process. Null: could not be read. */
export interface ProcessListing {
  readonly files: readonly OpenFile[] | null;
  readonly threads: readonly number[] | null;
}

/** What was read, by pid, and why not everything was. */
export interface Listings {
  readonly rows: ReadonlyMap<number, ProcessListing>;
  readonly failure: string | null;
}

/** Lists open files and threads of processes in one call, from `/proc/PID/fd` and `task`. */
export async function listOpenFiles(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<Listings> {
  const directories = pids.flatMap((pid) => [`/proc/${pid}/fd`, `/proc/${pid}/task`]);
  const { text, failure } = await list(host, directories, why);
  return { rows: text === null ? new Map() : parseOpenFiles(text), failure };
}

/** Finds which of many processes have any of these files open, in one call. */
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
  // `ls` prints headings only for more than one directory.
  return probe(host, "ls", ["-l", "-n", "-b", "-U", "/proc/self/task", ...directories], {
    why,
    codes: [0, 1, 2],
  });
}

/**
 * Parses `ls -lnbU /proc/PID/fd /proc/PID/task …`. Unknown lines are ignored; a directory without a
 * heading could not be read.
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

/** Parses `ls -lnbU /proc/PID/fd …` for these files only: there may be thousands of lines. */
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
  // The mode of the link is the mode in which the file was opened.
  const link = /^l([r-])([w-])\S+ +\d+ +\d+ +\d+ +\d+ +\S+ +\S+ +\S+ (\d+) -> (.*)$/.exec(line);
  if (!link) return null;
  const [, reads, writes, fd, target] = link;
  return {
    fd: Number(fd),
    reads: reads === "r",
    writes: writes === "w",
    target: unescape(target!),
  };
}

/** Decodes the escapes of `ls -b`. */
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

/** A file that an epoll set watches: under its number the process may have another one by now. */
export interface WatchedFile {
  readonly fd: number;
  /** Null: an older kernel does not show it. */
  readonly inode: number | null;
}

/** The details of an epoll set or a pidfd. */
export interface SpecialFile {
  readonly pid: number;
  readonly fd: number;
  /** Descriptors that an epoll set watches; otherwise empty. */
  readonly watches: readonly WatchedFile[];
  /** The process of a pidfd; null if that is gone, and for anything else. */
  readonly of: number | null;
}

/** Reads `/proc/PID/fdinfo/FD` of these files. */
export async function readSpecialFiles(
  host: Host,
  files: readonly { readonly pid: number; readonly fd: number }[],
): Promise<SpecialFile[]> {
  if (files.length === 0) return [];
  const paths = files.map(({ pid, fd }) => `/proc/${pid}/fdinfo/${fd}`);
  const { text } = await catFiles(host, paths, "which files and processes an event loop watches");
  return text === null ? [] : parseSpecialFiles(text, files);
}

/** Parses the output of {@linkcode readSpecialFiles}; empty if it is malformed. */
export function parseSpecialFiles(
  text: string,
  files: readonly { readonly pid: number; readonly fd: number }[],
): SpecialFile[] {
  return (splitFiles(text, files.length) ?? []).map((part, index) => {
    const { pid, fd } = files[index]!;
    const watched = part.matchAll(/^tfd: +(\d+) events:(?:.* ino:([0-9a-f]+) )?/gm);
    const watches = Array.from(watched, ([, fd, inode]) => ({
      fd: Number(fd),
      inode: inode === undefined ? null : parseInt(inode, 16),
    }));
    return { pid, fd, watches, of: Number(/^Pid:\t(\d+)$/m.exec(part)?.[1] ?? 0) || null };
  });
}

/**
 * Reads files that processes have open, without moving their offsets. Null for one that is not a
 * regular file, is larger than `mostBytes`, or can't be read.
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
  const regular = (about.text ?? "").matchAll(/^(\S+) (\d+) regular (?:empty )?file$/gm);
  const sizes = new Map(Array.from(regular, ([, path, size]) => [path!, Number(size)]));
  const chosen = paths.filter((path) => (sizes.get(path) ?? Infinity) <= mostBytes);
  if (chosen.length === 0) return paths.map(() => null);
  const { text } = await catFiles(host, chosen, "what was written so far");
  const parts = splitFiles(text ?? "", chosen.length) ?? [];
  return paths.map((path) => parts[chosen.indexOf(path)] ?? null);
}

/** A file that a process has open. */
export interface OpenFile {
  readonly fd: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** The kernel's name: a path, `pipe:[INODE]`, `socket:[INODE]`, `anon_inode:[eventpoll]` … */
  readonly target: string;
}
