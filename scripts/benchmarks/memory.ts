import { type Scene, stateOf, TRACTEST } from "./harness.ts";

/** Events of the run whose memory is measured, and how many each test has. */
const EVENTS = 50_000;
const EVENTS_OF_A_TEST = 4;
/** Megabytes that tractest itself may use at most. */
const MOST_MEMORY = 120;

/** The peak memory of a program in megabytes, without its children. */
async function peakMemory(
  [program, ...args]: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<number> {
  const child = new Deno.Command(program!, {
    args,
    cwd,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let peak = 0;
  let over = false;
  void child.status.then(() => over = true);
  while (!over) {
    // The kernel keeps the peak; the last read that finds the process has it.
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`).catch(() => "");
    peak = Math.max(peak, Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return Math.round(peak / 1024);
}

/** The memory of tractest itself in a run with many events, plain and with a live view. */
export async function memory(
  { root, trivial }: Scene,
  wanted: (name: string) => boolean,
): Promise<void> {
  for (const ui of [[], ["--ui", "bar"]]) {
    const name = `run${ui.length > 0 ? ", bar" : ""}, memory`;
    if (!wanted(name)) continue;
    const peak = await peakMemory([TRACTEST, "run", "--no-preflight", ...ui], trivial, {
      TRIVIAL: String(EVENTS / EVENTS_OF_A_TEST),
      ...stateOf(root),
    });
    const shown = `${name.padEnd(18)} ${`${peak} MB`.padStart(12)}`;
    const goal = `goal: under ${MOST_MEMORY} MB of tractest itself, over ${EVENTS} events`;
    console.log(`${shown}   ${goal}`);
  }
}
