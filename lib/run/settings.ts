import type { RunOptions } from "./run_options.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import type { RunLimits } from "./engine/engine_request.ts";
import { SLOW_SECONDS } from "../tables/defaults.ts";

/** The limits of a run and of its tests, as typed. */
export interface RunSettings {
  readonly limits: Pick<RunLimits, "test" | "exit" | "grace">;
  /** How often a failed test runs again. */
  readonly retries: number;
  /** Seconds after which a live view calls a test slow. */
  readonly slow: number;
}

/** The options that the settings are read from; those of `run` alone may be missing. */
export type SettingsOptions =
  & Pick<SharedOptions, "grace" | "testTimeout" | "exitTimeout">
  & Partial<Pick<RunOptions, "retries" | "slowAfter">>;

/** The settings that were typed. Under a debugger tests have no limit. */
export function runSettings(
  options: SettingsOptions,
  intent: Pick<RunIntent, "debugging">,
): RunSettings {
  return {
    limits: {
      test: intent.debugging ? 0 : options.testTimeout ?? 0,
      exit: options.exitTimeout,
      grace: options.grace,
    },
    retries: options.retries ?? 0,
    slow: options.slowAfter ?? SLOW_SECONDS,
  };
}
