import type { ProcessState } from "../core/hang.ts";
import type { Host } from "../host/host.ts";
import { probe } from "./probe.ts";

/** What these processes are doing; those that are gone are left out, and so are all where `ps` is missing. */
export async function processStates(host: Host, pids: readonly number[]): Promise<ProcessState[]> {
  if (pids.length === 0) return [];
  const { text } = await probe(host, "ps", ["-o", "pid=,ppid=,stat=,wchan:32=,args=", "-p", pids.join(",")], {
    why: "what each process of the run waits for",
    codes: [0, 1],
  });
  return parseProcessStates(text ?? "");
}

/** Parses `ps -o pid=,ppid=,stat=,wchan:32=,args=`; lines that do not parse are left out. */
export function parseProcessStates(text: string): ProcessState[] {
  return [...text.matchAll(/^ *(\d+) +(\d+) +(\S+) +(\S+) +(.*)$/gm)].map(([, pid, ppid, state, waitsIn, title]) => (
    { pid: Number(pid), ppid: Number(ppid), state: state!, waitsIn: waitsIn!, title: title!.trimEnd() }
  ));
}
