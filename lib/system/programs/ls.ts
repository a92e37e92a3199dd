import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** Names that `ls -b` prints without escapes; others are ignored. */
const PLAIN = /^[A-Za-z0-9_.+-]+$/;

/**
 * Lists a directory that Deno refuses to read, such as `/dev`. Names with other characters than
 * letters, digits and `_.+-` are ignored. Null with the reason on failure; a missing directory is
 * empty.
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
