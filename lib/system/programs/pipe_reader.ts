import type { Host } from "../host.ts";
import { sendSignal } from "./kill.ts";

/** A pipe that another process keeps open for writing until it is released. */
export interface HeldPipe {
  release(): Promise<void>;
}

/**
 * Waits in another process until a named pipe has a reader, and keeps the pipe open, so that we can
 * open it at once and the reader sees no end before. Null if there is no reader within `limitMs`.
 *
 * A program made by `deno compile` opens files on its main thread (seen with 2.6.10), where opening
 * a pipe without a reader would block signals and timers.
 */
export async function holdPipe(
  host: Host,
  path: string,
  limitMs: number,
): Promise<HeldPipe | null> {
  const script = 'exec 3>"$1"; sleep 60 <&- >&- 2>&- & echo $!';
  const words = ["/bin/sh", "-c", script, "sh", path];
  const { outcome, stdout } = await host.programs.run("env", words, {
    why: "whether this pipe has a reader",
    timeoutMs: limitMs,
  });
  // Not every command may start programs: then the pipe is opened directly.
  if (outcome === "missing") return { release: () => Promise.resolve() };
  const pid = Number(new TextDecoder().decode(stdout).trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  // The child was started just now, so its pid can't belong to another process yet.
  return { release: async () => void await sendSignal(host, { pid, inode: null }, "SIGKILL") };
}
