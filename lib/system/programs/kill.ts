import type { Host, Signal } from "../host.ts";
import { missingTool } from "./probe.ts";

/**
 * What became of a signal: `gone` when there is no such process any more, else why it was not sent.
 */
export type Signalled = "sent" | "gone" | { readonly refused: string };

/**
 * A process to signal: its pid, and where the system has one the inode of its pidfd, which is never
 * given again.
 */
export interface SignalTarget {
  readonly pid: number;
  readonly inode: string | null;
}

/**
 * Whether a `kill` takes `PID:INODE`, so that a signal can't reach another process that has got the
 * pid meanwhile: util-linux does from 2.42 on, by its changelog; procps does not.
 *
 * @param version what `kill --version` prints
 */
export function killTakesInode(version: string): boolean {
  const [, major, minor] = /util-linux (\d+)\.(\d+)/.exec(version) ?? [];
  return major !== undefined && (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 42));
}

const methods = new WeakMap<Host, Promise<boolean>>();

/**
 * How a process is to be signalled. It has to be asked for before the process is identified: what
 * is identified then is what the inode stands for. Asks `kill` for its version once, when the first
 * signal is due.
 */
export async function signalTarget(host: Host, pid: number): Promise<SignalTarget> {
  let takesInode = methods.get(host);
  if (!takesInode) methods.set(host, takesInode = asksForVersion(host));
  return { pid, inode: await takesInode ? await inodeOf(host, pid) : null };
}

async function asksForVersion(host: Host): Promise<boolean> {
  const { outcome, code, stdout } = await host.programs.run("kill", ["--version"], {
    why: "whether it takes PID:INODE",
  });
  return outcome === "exited" && code === 0 && killTakesInode(new TextDecoder().decode(stdout));
}

/** `getino -p PID` prints `PID:INODE`; null where there is no such program, or no such process. */
async function inodeOf(host: Host, pid: number): Promise<string | null> {
  const { outcome, code, stdout } = await host.programs.run("getino", ["-p", String(pid)], {
    why: "the inode of the process, which is never given again",
  });
  const [, own, inode] = /^(\d+):(\d+)\s*$/.exec(new TextDecoder().decode(stdout)) ?? [];
  return outcome === "exited" && code === 0 && own === String(pid) ? inode! : null;
}

/**
 * Sends a signal to one process. The caller has made sure, just now, that it is the one that is
 * meant.
 */
export async function sendSignal(
  host: Host,
  { pid, inode }: SignalTarget,
  signal: Signal,
): Promise<Signalled> {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new RangeError(`Cannot signal pid ${pid}`);
  const whom = inode === null ? String(pid) : `${pid}:${inode}`;
  const { outcome, code, stderr } = await host.programs.run("kill", ["-s", signal.slice(3), whom], {
    why: `${signal} to a verified process`,
  });
  if (outcome === "missing") return { refused: missingTool("kill") };
  if (outcome === "timed-out") return { refused: '"kill" timed out' };
  if (code === 0) return "sent";
  const [said = ""] = new TextDecoder().decode(stderr).split("\n");
  if (said.includes("No such process")) return "gone";
  return {
    refused: said.includes("not permitted")
      ? "the system does not permit to signal it"
      : `"kill" failed: ${said}`,
  };
}
