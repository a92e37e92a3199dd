import { parseCount, parseSeconds } from "../base/numbers.ts";
import type { CommandLine } from "../command_line/parse.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import { EXIT_SECONDS, GRACE_SECONDS, SLOW_SECONDS } from "../tables/defaults.ts";

/** How a run treats tests and pytest, as typed. Times in seconds; 0 is no limit. */
export interface RunSettings {
  /** Between SIGINT and SIGKILL. */
  readonly grace: number;
  /** For each test. */
  readonly testLimit: number;
  /** For pytest to exit after its report. */
  readonly exitLimit: number;
  /** How often a failed test is tried again. */
  readonly retries: number;
  /** After which a live view tells that a test is slow. */
  readonly slow: number;
}

/**
 * Reads the settings from the command line; a debugger has all the time there is.
 *
 * @throws {UsageError} for a value that is no number of seconds, or no count
 */
export function runSettings(line: CommandLine, intent: Pick<RunIntent, "debugging">): RunSettings {
  const seconds = (option: string, otherwise: number) =>
    line.has(option) ? parseSeconds(option, line.value(option)!) : otherwise;
  const testLimit = seconds("test-timeout", 0);
  return {
    grace: seconds("grace", GRACE_SECONDS),
    testLimit: intent.debugging ? 0 : testLimit,
    exitLimit: seconds("exit-timeout", EXIT_SECONDS),
    retries: line.has("retries") ? parseCount("retries", line.value("retries")!) : 0,
    slow: seconds("slow-after", SLOW_SECONDS),
  };
}
