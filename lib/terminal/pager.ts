import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { less } from "../system/programs/less.ts";
import type { KeptLine, Printer } from "./printer.ts";
import { visibleWidth } from "./wrap.ts";

/**
 * Whether a long output may be shown in a pager: at a terminal that can scroll back, unless
 * TRACTEST_PAGER or PAGER is `cat` or empty. Another program is never taken from them: only `less`
 * is in the permission table.
 */
export function mayPage(host: Pick<Host, "env" | "terminal">): boolean {
  const { stdout, stdinIsTerminal } = host.terminal;
  if (!stdout.isTerminal || !stdinIsTerminal || (host.env("TERM") ?? "dumb") === "dumb") {
    return false;
  }
  const pager = host.env("TRACTEST_PAGER") ?? host.env("PAGER") ?? "less";
  return pager !== "" && pager !== "cat";
}

/** Prints what a command prints: in a pager if it is longer than the screen. */
export async function withPager<T>(
  host: Host,
  printer: Printer,
  command: () => Promise<T> | T,
): Promise<T> {
  const kept: KeptLine[] = printer.keepLines();
  let result: T;
  try {
    result = await command();
  } catch (error) {
    printer.release();
    throw error;
  }
  const data = kept.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
  const { rows, columns } = host.terminal.stdout;
  const height = data.reduce(
    (sum, text) => sum + Math.max(1, Math.ceil(visibleWidth(text) / columns)),
    0,
  );
  // The prompt takes up a row.
  if (height < rows) {
    printer.release();
    return result;
  }
  const isShown = await less(host, data.map((text) => `${text}\n`).join("")).then(() => true)
    .catch(ignoreTractestError) ?? false;
  // Notes stand below the text, where they are read.
  printer.release(isShown ? "stderr" : undefined);
  return result;
}
