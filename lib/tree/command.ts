import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { UsageError } from "../errors.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { gatherTree } from "./gather.ts";
import { TREE_SCHEMA, treeDocument, treeLines } from "./show.ts";

/** The options of `tree`. */
export const OPTIONS = {
  ...WITH_JSON,
  watch: { kind: "flag", doc: "repaint it every second, until Ctrl-C" },
} as const satisfies OptionTable;

/** Their values. */
export type TreeOptions = OptionsOf<typeof OPTIONS>;

/** `tractest tree`: the processes of this repository as a forest. */
export async function tree(context: Context<TreeOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  if (line.options.watch) {
    if (printer.json || !host.terminal.stdout.isTerminal) {
      throw new UsageError("--watch needs a terminal to repaint", "leave --watch out");
    }
    return await (await import("./watch.ts")).watchTree(context, project);
  }
  const found = await gatherTree(host, project);
  if (printer.json) {
    printer.document(TREE_SCHEMA, treeDocument(found));
    return EXIT.ok;
  }
  const { isTerminal, columns } = host.terminal.stdout;
  const lines = treeLines(
    found,
    isTerminal ? columns : null,
    (colour, text) => printer.paint(colour, text),
  );
  for (const text of lines) printer.exact(text);
  return EXIT.ok;
}

/** `tractest tree`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "tree",
  group: "clean-up",
  summary: "the processes of this repository as a tree: test, state, CPU, memory, ports, verdict",
  usage: "tractest tree [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest tree", "what runs here now, and what was left behind"],
    ["tractest tree --watch", "the same, repainted every second"],
  ],
  exits: [0, 80],
  row: "tree",
  run: tree,
};
