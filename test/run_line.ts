import type { CommandLine } from "../lib/command_line/parsed_line.ts";
import { parseCommandLine } from "../lib/command_line/parse.ts";
import { VERB } from "../lib/run/command.ts";
import type { RunOptions } from "../lib/run/run_options.ts";

/** The command line `tractest run WORDS`. */
export function runLine(words: readonly string[]): CommandLine<RunOptions> {
  return parseCommandLine(VERB, words);
}
