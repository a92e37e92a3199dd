import type { Host, Signal } from "../host.ts";
import { missingTool } from "./probe.ts";

/**
 * Whether a signal was sent; `gone` if there is no such process any more, else why it was refused.
 */
export type Signalled = "sent" | "gone" | { readonly refused: string };

/**
 * A process to signal: its pid and, where the system has one, the inode of its pidfd, which is
 * never reused.
 */
export interface SignalTarget {
  readonly pid: number;
  readonly inode: string | null;
}

/**
 * Whether a `kill` takes `PID:INODE`, so that a signal can't reach another process that got the pid
 * in the meantime. By its changelog util-linux does from 2.42 on; procps does not.
 *
 * @param version what `kill --version` prints
 */
export function killTakesInode(version: string): boolean {
  const [, major, minor] = /util-linux (\d+)\.(\d+)/.exec(version) ?? [];
  return major !== undefined && (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 42));
}

const methods = new WeakMap<Host, Promise<boolean>>();

/**
 * How to signal a process. Call this before identifying the process, so that what is identified is
 * what the inode stands for. Asks `kill` for its version once, before the first signal.
 */
export async function signalTarget(host: Host, pid: number): Promise<SignalTarget> {
  let takesInode = methods.get(host);
  if (!takesInode) methods.set(host, takesInode = asksForVersion(host));
  return { pid, inode: await takesInode ? await inodeOf(host, pid) : null };
}

async function asksForVersion(host: Host): Promise<boolean> {
  const { outcome, code, stdout } = await host.programs.run("kill", ["--version"], {
    why: 'whether "kill" takes PID:INODE',
  });
  return outcome === "exited" && code === 0 && killTakesInode(new TextDecoder().decode(stdout));
}

/** `getino -p PID` prints `PID:INODE`; null where there is no such program, or no such process. */
async function inodeOf(host: Host, pid: number): Promise<string | null> {
  const { outcome, code, stdout } = await host.programs.run("getino", ["-p", String(pid)], {
    why: "the inode of the process, which is never reused",
  });
  const [, own, inode] = /^(\d+):(\d+)\s*$/.exec(new TextDecoder().decode(stdout)) ?? [];
  return outcome === "exited" && code === 0 && own === String(pid) ? inode! : null;
}

/**
 * Sends a signal to one process. The caller has identified the process just before.
 */
export async function sendSignal(
  host: Host,
  { pid, inode }: SignalTarget,
  signal: Signal,
): Promise<Signalled> {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new RangeError(`Cannot signal pid ${pid}`);
  const target = inode === null ? String(pid) : `${pid}:${inode}`;
  const { outcome, code, stderr } = await host.programs.run(
    "kill",
    ["-s", signal.slice(3), target],
    {
      why: `${signal} to a verified process`,
    },
  );
  if (outcome === "missing") return { refused: missingTool("kill") };
  if (outcome === "timed-out") return { refused: '"kill" timed out' };
  if (code === 0) return "sent";
  const [message = ""] = new TextDecoder().decode(stderr).split("\n");
  if (message.includes("No such process")) return "gone";
  return {
    refused: message.includes("not permitted")
      ? "no permission to signal it"
      : `"kill" failed: ${message}`,
  };
}
