import type { Configuration } from "../project/configuration.ts";
import { settingsOfTests } from "./rules_overrides.ts";
import type { Project } from "../project/project.ts";
import type { RunOptions } from "./run_options.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import type { RunLimits } from "./engine/engine_request.ts";

/** The limits of a run and of its tests, as typed. */
export interface RunSettings {
  readonly limits: Pick<RunLimits, "test" | "ofTest" | "exit" | "grace">;
  /** How often a failed test runs again. */
  readonly retries: number;
  /** How often this one does, where that differs; null: no test differs. */
  readonly retriesOf: ((id: string) => number) | null;
  /** The most that any test runs again. */
  readonly mostRetries: number;
  /** Seconds after which a test is reported as slow; null: by its record, 0: never. */
  readonly slow: number | null;
}

/** The options that the settings are read from; those of `run` alone may be missing. */
export type SettingsOptions =
  & Pick<SharedOptions, "grace" | "testTimeout" | "exitTimeout">
  & Partial<Pick<RunOptions, "retries" | "slowAfter">>;

/**
 * The typed settings, else those of the configuration. Under a debugger tests have no limit.
 *
 * @param options `retries` is undefined where tests never run again
 * @param configuration null: only what was typed counts
 */
export function runSettings(
  options: SettingsOptions,
  intent: Pick<RunIntent, "debugging">,
  configuration: Pick<Configuration, "testTimeout" | "retries" | "overrides"> | null,
): RunSettings {
  const { testTimeout } = options;
  const { overrides = [] } = configuration ?? {};
  const settingsOf = settingsOfTests(overrides);
  const test = intent.debugging ? 0 : testTimeout ?? configuration?.testTimeout ?? 0;
  const differ = testTimeout === null && !intent.debugging &&
    overrides.some(({ timeout }) => timeout !== undefined);
  const retries = options.retries === undefined
    ? 0
    : options.retries ?? configuration?.retries ?? 0;
  const own = options.retries === null
    ? overrides.flatMap((override) => override.retries ?? [])
    : [];
  return {
    limits: {
      test,
      ...(differ ? { ofTest: (id: string) => settingsOf(id).timeout ?? test } : {}),
      exit: options.exitTimeout,
      grace: options.grace,
    },
    retries,
    retriesOf: own.length > 0 ? (id) => settingsOf(id).retries ?? retries : null,
    mostRetries: Math.max(retries, ...own),
    slow: options.slowAfter ?? null,
  };
}

/** What a run's time limit depends on. All times in seconds. */
export interface TimeLimitInput {
  /** `--timeout`; null when it was not given. */
  readonly given: number | null;
  /** Under a debugger there is no limit. */
  readonly debugging: boolean;
  readonly scope: "full" | "file" | "many";
  readonly limits: { readonly full: number; readonly file: number };
  /** The longest recorded full run; null if none is recorded. */
  readonly longestFull: number | null;
}

/**
 * Seconds that a run may take; 0 for no limit. A suite that is known to take longer than the limit
 * gets twice what it took.
 */
export function timeLimit(input: TimeLimitInput): number {
  if (input.given !== null) return input.given;
  if (input.debugging) return 0;
  if (input.scope === "file") return input.limits.file;
  return Math.max(input.limits.full, 2 * (input.longestFull ?? 0));
}

/**
 * Seconds without a finished test after which a run ends at its limit; 0: at once, because the
 * limit was typed.
 */
export function quietSeconds(
  { timeout }: Pick<SharedOptions, "timeout">,
  { configuration }: Project,
): number {
  return timeout === null ? configuration.timeLimitQuiet : 0;
}
