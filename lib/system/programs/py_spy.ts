import type { Host } from "../host.ts";
import { probe, type Probed } from "./probe.ts";

/** Milliseconds for one process; the end of a run waits for it. */
const LIMIT_MS = 2_000;

/**
 * The Python stacks of a process by `py-spy`, which reads its memory without stopping it.
 *
 * @param program the path of py-spy, which is started through `env`
 */
export async function readStack(host: Host, pid: number, program: string): Promise<Probed> {
  const args = ["--", program, "dump", "--nonblocking", "--pid", String(pid)];
  const { text, failure } = await probe(host, "env", args, {
    why: "the Python code that it is executing",
    timeoutMs: LIMIT_MS,
  });
  return text === null
    ? { text: null, failure: reason(failure.replace('"env"', '"py-spy"')) }
    : { text, failure: null };
}

/** Explains a failure of py-spy. */
function reason(failure: string): string {
  return /permission denied|operation not permitted|root/i.test(failure)
    ? `${failure}: on this system only root may read the memory of other processes`
    : failure;
}
