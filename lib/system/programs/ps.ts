import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** A process as `ps` shows it. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  /** Real user id. */
  readonly uid: number;
  /** State letter, the first of `ps`'s STAT. */
  readonly state: string;
  /** Command line or title as `ps` shows it: one line, what is not ASCII replaced. */
  readonly args: string;
  /** The pid of the process that began its session; left out where that was not asked for. */
  readonly session?: number;
}

/** All processes, or why they could not be listed. `rejected` counts unreadable rows. */
export interface ProcessList {
  readonly processes: readonly ProcessRow[];
  readonly rejected: number;
  readonly failure: string | null;
}

/** Lists all processes that this user can see. */
export async function listProcesses(host: Host): Promise<ProcessList> {
  const { text, failure } = await probe(host, "ps", ["-eo", "pid=,ppid=,uid=,stat=,args="], {
    why: "look for processes, and for what is above and below them",
  });
  return text === null
    ? { processes: [], rejected: 0, failure }
    : { ...parseProcessList(text), failure: null };
}

/** Lists all processes that this user can see, with their sessions. */
export async function listSessions(host: Host, why: string): Promise<ProcessList> {
  const columns = "sess=,pid=,ppid=,uid=,stat=,args=";
  const { text, failure } = await probe(host, "ps", ["-eo", columns], { why });
  return text === null
    ? { processes: [], rejected: 0, failure }
    : { ...parseSessions(text), failure: null };
}

/** What a process uses. */
export interface UsageRow extends ProcessRow {
  /** Seconds since it was started. */
  readonly age: number;
  /** Seconds of processor time that it has used. */
  readonly cpu: number;
  /** Bytes of memory that it has in use (its resident set). */
  readonly memory: number;
}

/** Lists all processes that this user can see, with what they use. */
export async function listUsage(
  host: Host,
): Promise<Omit<ProcessList, "processes"> & { readonly processes: readonly UsageRow[] }> {
  const columns = "etimes=,cputimes=,rss=,pid=,ppid=,uid=,stat=,args=";
  const { text, failure } = await probe(host, "ps", ["-eo", columns], {
    why: "look for processes, and for what they use",
  });
  return text === null
    ? { processes: [], rejected: 0, failure }
    : { ...parseUsage(text), failure: null };
}

/** Parses the rows of {@linkcode listUsage}; incomplete rows are counted and left out. */
export function parseUsage(
  text: string,
): { readonly processes: UsageRow[]; readonly rejected: number } {
  const lines = text.split("\n");
  const cut = lines.pop();
  const processes = lines.flatMap((line) => {
    const [, age, cpu, kilobytes, rest] = /^ *(\d+) +(\d+) +(\d+) (.*)$/s.exec(line) ?? [];
    const [process] = rest === undefined ? [] : parseProcessList(`${rest}\n`).processes;
    if (process === undefined) return [];
    return [{ ...process, age: Number(age), cpu: Number(cpu), memory: Number(kilobytes) * 1024 }];
  });
  const rejected = lines.length - processes.length + (cut === "" ? 0 : 1);
  return { processes, rejected };
}

/** Parses the rows of {@linkcode listSessions}; incomplete rows are counted and left out. */
export function parseSessions(text: string): Pick<ProcessList, "processes" | "rejected"> {
  const lines = text.split("\n");
  const cut = lines.pop();
  const processes = lines.flatMap((line) => {
    const [, session, rest] = /^ *(\d+) (.*)$/s.exec(line) ?? [];
    const [process] = rest === undefined ? [] : parseProcessList(`${rest}\n`).processes;
    return process ? [{ ...process, session: Number(session) }] : [];
  });
  return { processes, rejected: lines.length - processes.length + (cut === "" ? 0 : 1) };
}

/** Parses `ps -eo pid=,ppid=,uid=,stat=,args=`; incomplete rows are counted and left out. */
export function parseProcessList(text: string): Pick<ProcessList, "processes" | "rejected"> {
  const processes: ProcessRow[] = [];
  const lines = text.split("\n");
  let rejected = lines.pop() === "" ? 0 : 1;
  for (const line of lines) {
    const row = /^ *(\d+) +(\d+) +(\d+) +([A-Za-z])\S* *(?: (.*))?$/.exec(line);
    if (row) {
      processes.push({
        pid: Number(row[1]),
        ppid: Number(row[2]),
        uid: Number(row[3]),
        state: row[4]!,
        args: row[5] ?? "",
      });
    } else rejected++;
  }
  return { processes, rejected };
}

/**
 * Whether this program is in the foreground of its terminal; false where that is unknown. A
 * background process that changes the terminal mode is stopped (SIGTTOU).
 */
export async function inForeground(host: Host): Promise<boolean> {
  const { text } = await probe(host, "ps", ["-o", "pgid=,tpgid=", "-p", String(host.pid)], {
    why: "whether the keyboard is ours",
  });
  const [, group, foreground] = /^ *(\d+) +(\d+)\s*$/.exec(text ?? "") ?? [];
  return group !== undefined && group === foreground;
}
