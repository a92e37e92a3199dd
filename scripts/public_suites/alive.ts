/** Which processes a run of a suite has left, and their end. */

/** The variable that everything has which a run started, unless it has shed its environment. */
export const COOKIE = "TRACTEST_SUITES";

/** A process that is there. */
export interface Running {
  readonly pid: number;
  /** Clock ticks from boot to its start: with it, a pid is never mistaken for another. */
  readonly ticks: string;
  readonly title: string;
}

/**
 * Processes that carry a cookie, and those that work below a directory without it: they have shed
 * their environment. Zombies are none.
 */
export function runningOf(cookie: string, directory: string): Running[] {
  const found: Running[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const isOurs = text(name, "environ").split("\0").includes(`${COOKIE}=${cookie}`) ||
        isBelow(Deno.readLinkSync(`/proc/${name}/cwd`), directory);
      const fields = text(name, "stat").replace(/^.*\) /s, "").split(" ");
      if (!isOurs || fields[0] === "Z") continue;
      const title = text(name, "cmdline").replaceAll("\0", " ").trim();
      found.push({ pid: Number(name), ticks: fields[19]!, title });
    } catch {
      // It has ended, or is not ours to read.
    }
  }
  return found;
}

/** Waits a moment for processes to end, and returns those that are still there. */
export async function aliveAfter(cookie: string, directory: string): Promise<Running[]> {
  const deadline = performance.now() + 1_000;
  for (;;) {
    const running = runningOf(cookie, directory);
    if (running.length === 0 || performance.now() > deadline) return running;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends all of them, also what they start meanwhile. */
export async function endAll(cookie: string, directory: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const running = runningOf(cookie, directory);
    if (running.length === 0) return;
    for (const { pid } of running) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`processes of ${directory} can't be ended`);
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function text(pid: string, file: string): string {
  return Deno.readTextFileSync(`/proc/${pid}/${file}`);
}
