import type { Terminal } from "../system/host.ts";

/** Whether the signals of a terminal reach this program, and all that it starts in its session. */
export function atTerminal({ stdinIsTerminal, stdout, stderr }: Terminal): boolean {
  return stdinIsTerminal || stdout.isTerminal || stderr.isTerminal;
}
