import type { Host } from "../host.ts";
import { sendSignal } from "./kill.ts";

/** A pipe that is open for writing in a process of its own, until it is released. */
export interface HeldPipe {
  release(): Promise<void>;
}

/**
 * Waits in a process of its own until a named pipe has a reader, and keeps the pipe open: then
 * opening it returns at once, and the reader sees no end meanwhile. Null if nobody reads within
 * `limitMs`.
 *
 * A program that `deno compile` made opens files on its main thread (seen with 2.6.10): there the
 * open of a pipe that nobody reads would take signals and timers with it.
 */
export async function holdPipe(
  host: Host,
  path: string,
  limitMs: number,
): Promise<HeldPipe | null> {
  const script = 'exec 3>"$1"; sleep 60 <&- >&- 2>&- & echo $!';
  const { outcome, stdout } = await host.programs.run(
    "env",
    ["/bin/sh", "-c", script, "sh", path],
    {
      why: "does anybody read this pipe",
      timeoutMs: limitMs,
    },
  );
  // Not every command may start programs: then the pipe is opened as it is.
  if (outcome === "missing") return { release: () => Promise.resolve() };
  const pid = Number(new TextDecoder().decode(stdout).trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  // A child of the shell that was started here a moment ago: the number is nobody else's yet.
  return { release: async () => void await sendSignal(host, { pid, inode: null }, "SIGKILL") };
}
