import type { Verb } from "../command_line/verb.ts";
import { EVERY_COMMAND } from "../command_line/options.ts";
import { SCRIPTS, type Shell, SHELLS } from "../completion/completion_scripts.ts";
import { nearest } from "../base/nearest.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";

/** `tractest completions bash|zsh|fish|nushell`: a completion script on standard output. */
export function completions({ host, line }: Context): Promise<ExitCode> {
  const [shell, ...more] = line.operands;
  if (shell === undefined || more.length > 0) {
    throw new UsageError("completions takes one shell", `tractest completions ${SHELLS.join("|")}`);
  }
  if (!(SHELLS as readonly string[]).includes(shell)) {
    throw new UsageError(
      `There are no completions for "${shell}"`,
      `shells, nearest first: ${nearest(shell, SHELLS).join(", ")}`,
    );
  }
  host.terminal.stdout.write(SCRIPTS[shell as Shell]);
  return Promise.resolve(EXIT.ok);
}

/** `tractest completions`, described. */
export const VERB: Verb<typeof EVERY_COMMAND> = {
  name: "completions",
  group: "set-up",
  summary: "completion script for a shell",
  usage: "tractest completions bash|zsh|fish|nushell",
  options: EVERY_COMMAND,
  examples: [[
    "tractest completions bash >> ~/.bash_completion",
    "install for bash",
  ]],
  exits: [0],
  row: "completions",
  run: completions,
};
