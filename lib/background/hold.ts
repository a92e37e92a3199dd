import { join } from "@std/path";
import { TractestError } from "../errors.ts";
import type { FileLock, Host } from "../system/host.ts";

/** In the directory of a run: locked as long as its tractest lives. */
const HELD = "running";

/**
 * Marks a run as under way until this process ends, however that comes; null where the disk does
 * not take it.
 */
export async function holdRun(host: Host, directory: string): Promise<FileLock | null> {
  try {
    return await host.files.tryLock(join(directory, HELD));
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

/** Whether the tractest of a run lives. Where that can't be told it counts as alive. */
export async function isRunning(host: Host, directory: string): Promise<boolean> {
  const hold = await holdRun(host, directory);
  hold?.release();
  return hold === null;
}
