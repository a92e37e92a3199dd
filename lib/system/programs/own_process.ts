import type { Host } from "../host.ts";
import { probe } from "./probe.ts";
import { BOOT_ID, parseProcessFiles } from "./proc.ts";

/** What `/proc` says about this program itself. */
export interface OwnProcess {
  readonly bootId: string;
  /** When it was started, in clock ticks since boot. */
  readonly startTicks: number;
  /** Whether it was started with SIGINT ignored; null if unknown. */
  readonly ignoresSigint: boolean | null;
  /** The environment that it was started with, as `NAME=value` records that end with NUL. */
  readonly environment: string;
}

const known = new WeakMap<Host, Promise<OwnProcess | null>>();

/**
 * The identity of this program and what it was started with; null where `/proc` can't be read.
 * None of it changes, so one `cat` reads it once. Call it early, without waiting, to have it later.
 */
export function ownProcess(host: Host): Promise<OwnProcess | null> {
  let own = known.get(host);
  if (!own) {
    known.set(host, own = host.platform === "linux" ? readOwn(host) : Promise.resolve(null));
  }
  return own;
}

async function readOwn(host: Host): Promise<OwnProcess | null> {
  const of = `/proc/${host.pid}`;
  const files = [BOOT_ID, `${of}/stat`, `${of}/status`, BOOT_ID, `${of}/environ`];
  const { text } = await probe(host, "cat", files, {
    why: "what this program was started with, and its identity",
  });
  return text === null ? null : parseOwnProcess(text, host.pid);
}

/** Parses what `cat` printed for {@linkcode ownProcess}; null if it is anything else. */
export function parseOwnProcess(text: string, pid: number): OwnProcess | null {
  const separator = text.slice(0, text.indexOf("\n") + 1);
  // The environment comes last because it may hold anything.
  const end = text.indexOf(separator, separator.length) + separator.length;
  const row = parseProcessFiles(text.slice(0, end) + separator + separator, [pid])?.get(pid);
  if (!row) return null;
  return {
    bootId: separator.trim(),
    startTicks: row.startTicks,
    ignoresSigint: sigintBit(text.slice(0, end)),
    environment: text.slice(end),
  };
}

/**
 * Whether SIGINT (bit 1) is in the `SigIgn` mask of a `/proc/PID/status`; null if there is none.
 */
export function sigintBit(status: string): boolean | null {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask === undefined ? null : (BigInt(`0x${mask}`) & 2n) !== 0n;
}
