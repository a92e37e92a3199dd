import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";
import { ENDING_SIGNAL_NAMES, ENDING_SIGNALS, type ExitCode } from "../tables/exit_codes.ts";
import { LiveRegion } from "../terminal/live_region.ts";
import { gatherTree } from "./gather.ts";
import { treeLines } from "./show.ts";

/** Milliseconds from one picture to the next. */
const REPAINT_MS = 1_000;

/** Repaints the tree in place until a signal ends it; returns the exit code of that signal. */
export async function watchTree({ host, printer }: Context, project: Project): Promise<ExitCode> {
  const ended = Promise.withResolvers<ExitCode>();
  const off = ENDING_SIGNAL_NAMES.map((signal) =>
    host.onSignal(signal, () => ended.resolve(ENDING_SIGNALS[signal]))
  );
  let lines: readonly string[] = [];
  const region = new LiveRegion(host.terminal.stdout, () => lines);
  try {
    for (;;) {
      const found = await Promise.race([gatherTree(host, project), ended.promise]);
      if (typeof found === "number") return found;
      const { columns, rows } = host.terminal.stdout;
      const all = treeLines(found, columns, (colour, text) => printer.paint(colour, text));
      const hidden = all.length - (rows - 1);
      lines = hidden > 0 ? [...all.slice(0, rows - 2), `… and ${hidden + 1} more`] : all;
      region.draw();
      const next = await Promise.race([host.clock.sleep(REPAINT_MS), ended.promise]);
      if (typeof next === "number") return next;
    }
  } finally {
    for (const remove of off) remove();
    // The last picture stays.
    host.terminal.stdout.write("\n");
    await host.abandon();
  }
}
