import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** A row of the list of all processes: enough for a first look and for who started whom. */
export interface ListedProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  /** State letter, the first of `ps`'s STAT. */
  readonly state: string;
  /** Command line or title as `ps` shows it: one line, what is not ASCII replaced. */
  readonly args: string;
}

/**
 * All processes, or why they could not be listed. `rejected` counts rows that could not be read.
 */
export interface ProcessList {
  readonly processes: readonly ListedProcess[];
  readonly rejected: number;
  readonly failure: string | null;
}

/** Lists all processes that this user can see. */
export async function listProcesses(host: Host): Promise<ProcessList> {
  const { text, failure } = await probe(host, "ps", ["-eo", "pid=,ppid=,uid=,stat=,args="], {
    why: "look for actors, and for what is above and below them",
  });
  return text === null
    ? { processes: [], rejected: 0, failure }
    : { ...parseProcessList(text), failure: null };
}

/**
 * A row of the list that also says in which session the process is: the pid of the process that
 * began it.
 */
export interface SessionProcess extends ListedProcess {
  readonly session: number;
}

/**
 * Lists all processes that this user can see, with their sessions; nothing where they can't be
 * listed.
 */
export async function listSessions(host: Host, why: string): Promise<SessionProcess[]> {
  const { text } = await probe(host, "ps", ["-eo", "sess=,pid=,ppid=,uid=,stat=,args="], { why });
  return text === null ? [] : parseSessions(text);
}

/**
 * Parses `ps -eo sess=,pid=,ppid=,uid=,stat=,args=`; a row that does not parse, or a last line that
 * was cut short, is left out.
 */
export function parseSessions(text: string): SessionProcess[] {
  return text.split("\n").slice(0, -1).flatMap((line) => {
    const [, session, rest] = /^ *(\d+) (.*)$/s.exec(line) ?? [];
    const [process] = rest === undefined ? [] : parseProcessList(`${rest}\n`).processes;
    return process ? [{ ...process, session: Number(session) }] : [];
  });
}

/**
 * Parses `ps -eo pid=,ppid=,uid=,stat=,args=`; a row that does not parse, or a last line that was
 * cut short, is counted and left out.
 */
export function parseProcessList(text: string): Pick<ProcessList, "processes" | "rejected"> {
  const processes: ListedProcess[] = [];
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
 * Whether this program is in the foreground of its terminal; false where that can't be told. Who is
 * not is stopped when it sets the terminal's mode.
 */
export async function inForeground(host: Host): Promise<boolean> {
  const { text } = await probe(host, "ps", ["-o", "pgid=,tpgid=", "-p", String(host.pid)], {
    why: "whether the keyboard is ours",
  });
  const [, group, foreground] = /^ *(\d+) +(\d+)\s*$/.exec(text ?? "") ?? [];
  return group !== undefined && group === foreground;
}
