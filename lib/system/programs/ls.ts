import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** Names that mean the same with and without escapes; others are left out. */
const PLAIN = /^[A-Za-z0-9_.+-]+$/;

/**
 * The names in a directory that Deno itself may not read (it refuses what the kernel makes up, as
 * below `/dev`). Names with anything but letters, digits and `_.+-` are left out. Null with the
 * reason when it can't be listed; a directory that is not there is empty.
 */
export async function listNames(
  host: Host,
  directory: string,
  why: string,
): Promise<{ names: readonly string[] | null; failure: string | null }> {
  const { text, failure } = await probe(host, "ls", ["-1", "-A", "-b", "-U", directory], {
    why,
    codes: [0, 2],
  });
  return text === null
    ? { names: null, failure }
    : { names: text.split("\n").filter((name) => PLAIN.test(name)), failure: null };
}
