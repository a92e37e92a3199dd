import type { Host } from "../host.ts";
import { probe } from "./probe.ts";
import { BOOT_ID, parseProcessFiles } from "./proc.ts";

/** What `/proc` says of this program itself. */
export interface OwnProcess {
  readonly bootId: string;
  /** Clock ticks from boot to its start. */
  readonly startTicks: number;
  /** Whether it was started with SIGINT ignored; null if that is not said. */
  readonly ignoresSigint: boolean | null;
  /** The environment that it was started with, as `NAME=value` records that end with NUL. */
  readonly environment: string;
}

const known = new WeakMap<Host, Promise<OwnProcess | null>>();

/**
 * Who this program is and what it was started with; null where `/proc` can't be read. None of it
 * changes: one `cat` is asked once for all of it, and whoever calls first needs not wait for the
 * answer.
 */
export function ownProcess(host: Host): Promise<OwnProcess | null> {
  let asked = known.get(host);
  if (!asked) {
    known.set(host, asked = host.platform === "linux" ? ask(host) : Promise.resolve(null));
  }
  return asked;
}

async function ask(host: Host): Promise<OwnProcess | null> {
  const of = `/proc/${host.pid}`;
  const files = [BOOT_ID, `${of}/stat`, `${of}/status`, BOOT_ID, `${of}/environ`];
  const { text } = await probe(host, "cat", files, {
    why: "what this program was started with, and what others know it by",
  });
  return text === null ? null : parseOwnProcess(text, host.pid);
}

/** Parses what {@linkcode ownProcess} makes `cat` print; null if it is not what was asked for. */
export function parseOwnProcess(text: string, pid: number): OwnProcess | null {
  const separator = text.slice(0, text.indexOf("\n") + 1);
  // The environment comes last, for it may hold anything.
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
