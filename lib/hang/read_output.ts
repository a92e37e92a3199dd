import type { ReadOutput } from "./rules_capture.ts";
import { fileOf, isPipe, isTerminal } from "./activity.ts";
import type { HangScene } from "./scene.ts";
import type { Host } from "../system/host.ts";
import { readRegularFiles } from "../system/programs/proc_files.ts";

/** The most files that are read, and the most bytes of each. */
const MOST_FILES = 20;
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Reads what a tree has written to stdout and stderr, where these are files, as those of pytest's
 * capture and of a run in the background are. Reading a pipe would take its content away.
 */
export async function readOutput(host: Host, scene: HangScene): Promise<ReadOutput> {
  const files = new Map<string, { readonly pid: number; readonly fd: number }>();
  const unread = new Set<string>();
  for (const process of scene.processes.values()) {
    if (!process.inTree) continue;
    for (const file of [1, 2].map((fd) => fileOf(process, fd)).filter((file) => file !== null)) {
      if (file.target === "/dev/null") continue;
      if (isPipe(file)) unread.add("a pipe");
      else if (isTerminal(file)) unread.add("a terminal");
      else if (file.target.startsWith("/")) {
        files.set(file.target, { pid: process.pid, fd: file.fd });
      } else unread.add(file.target);
    }
  }
  const chosen = [...files.values()].slice(0, MOST_FILES);
  const texts = await readRegularFiles(host, chosen, MOST_BYTES);
  for (const text of texts) if (text === null) unread.add("an unreadable or large file");
  if (files.size > chosen.length) unread.add(`${files.size - chosen.length} more files`);
  return { texts: texts.filter((text) => text !== null), unread: [...unread] };
}
