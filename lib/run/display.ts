import type { RunOptions } from "./run_options.ts";
import type { Context } from "../command_line/context.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { OutputMode } from "./engine/engine_request.ts";
import type { EventLog } from "./event_log.ts";
import type { RunRequest } from "./run_request.ts";
import { slowLines, terminatingLine } from "./show_slow.ts";
import type { Paint } from "../terminal/printer.ts";

/** What shows the progress of a run while pytest runs. */
export interface Display {
  /** Where pytest's own output goes. */
  readonly output: OutputMode;
  /** Takes the tests that will run, if they are not simply all that pytest collects. */
  plan(ids: readonly string[]): void;
  /** Ends it: the terminal is as before. */
  stop(): void;
  /** Names the file of pytest's output if the output was not shown. */
  showLog(outcome: EngineOutcome): Promise<void>;
}

/** How {@linkcode openDisplay} opens the display of a run. */
export interface DisplayOptions {
  /** The private directory of the run. */
  readonly directory: string;
  /** Whether it is removed when the run has ended. */
  readonly isTemporary: boolean;
  /** Several pytests run at once: their mixed output would be unreadable. */
  readonly several: boolean;
  /** How often a test may run. */
  readonly tries: number;
}

/** Opens the display of a run: a live view, or pytest's own output with notes on slow tests. */
export async function openDisplay(
  context: Context<RunOptions>,
  { project, ui, stream }: RunRequest,
  log: EventLog,
  { directory, isTemporary, several, tries }: DisplayOptions,
): Promise<Display> {
  const { host, printer } = context;
  if (several || ui !== "pytest") {
    const { LiveView, showLog } = await import("./live_view.ts");
    const redraws = !(stream === "stderr" && host.terminal.stdout.isTerminal);
    const view = await LiveView.open(host, printer, log, {
      root: project.root,
      tries,
      redraws: redraws && ui !== "agent",
      notes: ui !== "agent",
    });
    return {
      output: "log",
      plan: (ids) => view.plan(ids),
      stop: () => view.stop(),
      showLog: (outcome) => showLog(host, printer, { directory, isTemporary }, outcome),
    };
  }
  const paint: Paint = (colour, text) => printer.paint(colour, text, "stderr");
  const off = log.on((event) => {
    const lines = event.event === "slow"
      ? slowLines({ kind: "slow", ...event }, paint)
      : event.event === "terminating"
      ? [terminatingLine(event, paint)]
      : [];
    // pytest is in the middle of a line.
    if (lines.length > 0) printer.note(["", ...lines].join("\n"));
  });
  return {
    output: printer.json || stream === "stderr" ? "stderr" : "shown",
    plan: () => {},
    stop: off,
    showLog: () => Promise.resolve(),
  };
}
