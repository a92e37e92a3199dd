import { shellCommand } from "./escape.ts";

/** What a process is doing, as `ps` shows it. */
export interface ProcessState {
  readonly pid: number;
  readonly ppid: number;
  /** Such as `S`, `Sl`, `D`, `T`, `Z`. */
  readonly state: string;
  /** The kernel function in which it sleeps; `-` when none is shown. */
  readonly waitsIn: string;
  /** Command line or title. */
  readonly title: string;
}

/** What was seen when the time limit struck. */
export interface HangEvidence {
  /** Tests that ran, and for how many seconds. */
  readonly running: readonly { readonly id: string; readonly seconds: number }[];
  /** The pytest process and all below it, with what each waits for. */
  readonly processes: readonly ProcessState[];
}

/** What a hint about a hang rests on. */
export interface HangScene {
  /** Whether pytest captured output: no `-s`. */
  readonly captured: boolean;
  /** The level of `--ll`; null when it was not given. */
  readonly logLevel: string | null;
  readonly evidence: HangEvidence;
}

/** Levels that write little. */
const QUIET_LEVELS = ["error", "critical", "warning"];

/**
 * What to try after a hang, in the order in which it pays: without capture first, then less logging, then the actors' output into a file.
 * A process that sleeps in a write to a pipe is evidence for a full one; without it the first step finds out.
 */
export function hangHints({ captured, logLevel, evidence }: HangScene): string[] {
  const writers = evidence.processes.filter((process) => /pipe_write/.test(process.waitsIn)).map((process) => process.pid);
  const again = shellCommand(["tractest", "run", "-s", ...evidence.running.slice(0, 1).map((test) => test.id)]);
  const loud = logLevel !== null && !QUIET_LEVELS.includes(logLevel.toLowerCase());
  return [
    ...(writers.length > 0 ? [`pid ${writers.join(", ")} slept in a write to a full pipe: nobody read what it wrote`] : []),
    captured
      ? `1. try -s first (${again}): if the hang is gone, full capture pipes were the cause and there is no need to look further`
      : "1. it ran with -s, so pytest's capture is not the cause",
    loud
      ? `2. lower the log level: --ll ${logLevel} multiplies what is written when actors fail; --ll error is the quiet one`
      : "2. keep the log level low (--ll error): each level multiplies what is written when actors fail",
    "3. where capture and much logging are needed, send the actors' stdout and stderr to /dev/null or a file where they are started",
  ];
}
