import { resolve } from "@std/path";
import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";
import type { RunOptions } from "./run_options.ts";

/**
 * The context of a run in which options that were not typed have the values of the configuration.
 * The words that were typed stay what they were.
 */
export function configured(
  context: Context<RunOptions>,
  { root, configuration }: Project,
): Context<RunOptions> {
  const { host, line } = context;
  const { options } = line;
  const { ui, junit, strict, notify } = configuration;
  const isUiGiven = options.ui !== null || (host.env("TRACTEST_UI") ?? "") !== "";
  return {
    ...context,
    line: {
      ...line,
      options: {
        ...options,
        ui: isUiGiven ? options.ui : ui,
        junit: options.junit ?? (junit === null ? null : resolve(root, junit)),
        strict: options.strict || (strict && !options.noStrict),
        notify: options.notify || (notify && !options.noNotify),
      },
    },
  };
}
