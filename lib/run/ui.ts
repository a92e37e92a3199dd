import { nearest } from "../base/nearest.ts";
import type { Context } from "../command_line/context.ts";
import { UsageError } from "../errors.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import { RUN_OPTIONS, type RunOptions } from "./run_options.ts";

/** What shows a run while it lasts. */
export type Ui = typeof RUN_OPTIONS.ui.choices[number];

/**
 * What shows a run: pytest itself if the terminal is for it. `--ui`, else TRACTEST_UI.
 *
 * @throws {UsageError} if TRACTEST_UI has no known value
 */
export function uiOf(
  context: Context<RunOptions>,
  { debugging, printsOnly }: RunIntent,
): Ui {
  const ui = wantedUi(context);
  if (ui === "pytest" || (!debugging && !printsOnly)) return ui;
  if (context.line.has("ui")) {
    const why = debugging
      ? "a debugger needs the terminal"
      : "this run is about pytest's own output";
    context.printer.warn(`--ui ${ui} is ignored: ${why}`);
  }
  return "pytest";
}

/**
 * `--ui`, else TRACTEST_UI.
 *
 * @throws {UsageError} if TRACTEST_UI has no known value
 */
function wantedUi({ host, line }: Pick<Context<RunOptions>, "host" | "line">): Ui {
  const { choices } = RUN_OPTIONS.ui;
  const named = line.options.ui ?? host.env("TRACTEST_UI") ?? "";
  if (named === "") return "pytest";
  const known = choices.find((choice) => choice === named);
  if (known !== undefined) return known;
  throw new UsageError(
    `TRACTEST_UI does not take "${named}"`,
    `it takes one of: ${nearest(named, choices).join(", ")}`,
  );
}
