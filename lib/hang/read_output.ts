import type { ReadOutput } from "./rules_signature.ts";
import { fileOf, isPipe, isTerminal } from "./activity.ts";
import type { HangScene } from "./hang_scene.ts";
import type { Host } from "../system/host.ts";
import { readRegularFiles } from "../system/programs/proc_activity.ts";

/** Files that are read at most, and bytes of each. */
const MOST_FILES = 20;
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * What the processes of a tree have written to their standard output and error, where these are
 * files: pytest's capture is one, and what a run in the background writes. What is in a pipe or at
 * a terminal can't be read without taking it away, or at all.
 */
export async function readOutput(host: Host, scene: HangScene): Promise<ReadOutput> {
  const files = new Map<string, { readonly pid: number; readonly fd: number }>();
  const unread = new Set<string>();
  for (const process of scene.processes.values()) {
    if (!process.inTree) continue;
    for (const file of [1, 2].map((fd) => fileOf(process, fd)).filter((file) => file !== null)) {
      if (file.target === "/dev/null") continue;
      if (isPipe(file)) unread.add("what is in a pipe");
      else if (isTerminal(file)) unread.add("what is at a terminal");
      else if (file.target.startsWith("/")) {
        files.set(file.target, { pid: process.pid, fd: file.fd });
      } else unread.add(file.target);
    }
  }
  const chosen = [...files.values()].slice(0, MOST_FILES);
  const texts = await readRegularFiles(host, chosen, MOST_BYTES);
  for (const text of texts) if (text === null) unread.add("a file that can't be read, or is large");
  if (files.size > chosen.length) unread.add(`${files.size - chosen.length} more files`);
  return { texts: texts.filter((text) => text !== null), unread: [...unread] };
}
