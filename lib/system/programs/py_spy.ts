import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** A Python stack as `py-spy` prints it, or why there is none. */
export type Stack = { readonly text: string; readonly failure: null } | {
  readonly text: null;
  readonly failure: string;
};

/** Milliseconds for one process: a run that is to be ended waits for it. */
const LIMIT_MS = 2_000;

/**
 * The Python stacks of a process, by `py-spy`: it reads the memory of the process and does not stop
 * it.
 *
 * @param program the path of py-spy, which is started through `env`
 */
export async function readStack(host: Host, pid: number, program: string): Promise<Stack> {
  const args = ["--", program, "dump", "--nonblocking", "--pid", String(pid)];
  const { text, failure } = await probe(host, "env", args, {
    why: "where it is in its Python code",
    timeoutMs: LIMIT_MS,
  });
  return text === null
    ? { text: null, failure: reason(failure.replace('"env"', '"py-spy"')) }
    : { text, failure: null };
}

/** What is to be done about what py-spy says. */
function reason(failure: string): string {
  return /permission denied|operation not permitted|root/i.test(failure)
    ? `${failure}: this system lets nobody but root read the memory of others`
    : failure;
}
