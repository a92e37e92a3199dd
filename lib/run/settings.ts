import { parseCount, parseSeconds } from "../base/numbers.ts";
import type { CommandLine } from "../command_line/parse.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import type { RunLimits } from "./engine/engine_request.ts";
import { EXIT_SECONDS, GRACE_SECONDS, SLOW_SECONDS } from "../tables/defaults.ts";

/** The limits of a run and of its tests, as typed. */
export interface RunSettings {
  readonly limits: Pick<RunLimits, "test" | "exit" | "grace">;
  /** How often a failed test runs again. */
  readonly retries: number;
  /** Seconds after which a live view calls a test slow. */
  readonly slow: number;
}

/**
 * Reads the settings from the command line. Under a debugger tests have no limit.
 *
 * @throws {UsageError} for a value that is not a number of seconds, or not a count
 */
export function runSettings(line: CommandLine, intent: Pick<RunIntent, "debugging">): RunSettings {
  const seconds = (option: string, otherwise: number) =>
    line.has(option) ? parseSeconds(option, line.value(option)!) : otherwise;
  const testLimit = seconds("test-timeout", 0);
  return {
    limits: {
      test: intent.debugging ? 0 : testLimit,
      exit: seconds("exit-timeout", EXIT_SECONDS),
      grace: seconds("grace", GRACE_SECONDS),
    },
    retries: line.has("retries") ? parseCount("retries", line.value("retries")!) : 0,
    slow: seconds("slow-after", SLOW_SECONDS),
  };
}
