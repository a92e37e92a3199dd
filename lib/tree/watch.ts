import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";
import { untilSignal } from "../system/ending_signals.ts";
import { ENDING_SIGNALS, EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { LiveRegion } from "../terminal/live_region.ts";
import { gatherTree } from "./gather.ts";
import { treeLines } from "./show.ts";

/** Milliseconds from one picture to the next. */
const REPAINT_MS = 1_000;

/** Repaints the tree in place until a signal ends it; returns the exit code of that signal. */
export async function watchTree({ host, printer }: Context, project: Project): Promise<ExitCode> {
  const { stdout } = host.terminal;
  let lines: readonly string[] = [];
  let isOver = false;
  const region = new LiveRegion(stdout, () => lines);
  const repaint = async () => {
    for (;;) {
      const found = await gatherTree(host, project);
      if (isOver) return EXIT.ok;
      const { columns, rows } = stdout;
      const all = treeLines(found, columns, (colour, text) => printer.paint(colour, text));
      const hidden = all.length - (rows - 1);
      lines = hidden > 0 ? [...all.slice(0, rows - 2), `… and ${hidden + 1} more`] : all;
      region.draw();
      await host.clock.sleep(REPAINT_MS);
    }
  };
  try {
    const end = await untilSignal(host, repaint);
    return "signal" in end ? ENDING_SIGNALS[end.signal] : end.value;
  } finally {
    isOver = true;
    // The last picture stays.
    stdout.write("\n");
  }
}
