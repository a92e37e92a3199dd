import type { Host } from "../host/host.ts";
import { missingTool, probe } from "./probe.ts";

/** A Python stack as `py-spy` prints it, or why there is none. */
export type Stack = { readonly text: string; readonly failure: null } | { readonly text: null; readonly failure: string };

/** Milliseconds for one process. */
const LIMIT_MS = 3_000;

/**
 * The Python stacks of a process, by `py-spy`: it reads the memory of the process and does not stop it.
 *
 * @param program the path of a py-spy outside of the standard places, started through `env`; null: the one at a standard place
 */
export async function readStack(host: Host, pid: number, program: string | null): Promise<Stack> {
  const args = ["dump", "--nonblocking", "--pid", String(pid)];
  const options = { why: "where it is in its Python code", timeoutMs: LIMIT_MS };
  const { text, failure } = program === null
    ? await probe(host, "py-spy", args, options)
    : await probe(host, "env", ["--", program, ...args], options);
  if (text === null) return { text: null, failure: reason(failure) };
  return { text, failure: null };
}

/** What is to be done about what py-spy says. */
function reason(failure: string): string {
  if (failure === missingTool("py-spy")) return `${failure}; nor is it in the venv`;
  return /permission denied|operation not permitted|root/i.test(failure)
    ? `${failure}: this system lets nobody but root read the memory of others`
    : failure;
}
