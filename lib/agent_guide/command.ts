import type { Context } from "../command_line/context.ts";
import { EVERY_COMMAND, type OptionsOf, type OptionTable } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { FORMATS, guideLines } from "./guide.ts";

/** The options of `agent-guide`. */
export const OPTIONS = {
  ...EVERY_COMMAND,
  format: {
    kind: "choice",
    choices: FORMATS,
    default: "agents-md",
    doc: "agents-md: a section for AGENTS.md; skill: a SKILL.md of its own",
  },
} as const satisfies OptionTable;

/** Their values. */
export type AgentGuideOptions = OptionsOf<typeof OPTIONS>;

/** `tractest agent-guide`: how a coding agent runs the tests, as Markdown. */
export function agentGuide(
  { printer, line }: Context<AgentGuideOptions>,
): Promise<ExitCode> {
  for (const text of guideLines(line.options.format)) printer.exact(text);
  return Promise.resolve(EXIT.ok);
}

/** `tractest agent-guide`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "agent-guide",
  group: "set-up",
  summary: "how a coding agent runs the tests here, as Markdown",
  usage: "tractest agent-guide [--format agents-md|skill]",
  options: OPTIONS,
  examples: [
    ["tractest agent-guide >> AGENTS.md", "a section for the file that coding agents read"],
    ["tractest agent-guide --format skill > SKILL.md", "the same as a skill"],
  ],
  exits: [0],
  row: "agent-guide",
  run: agentGuide,
};
