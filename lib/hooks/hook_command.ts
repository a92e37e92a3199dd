import { suggestion } from "../base/nearest.ts";
import { parseCommandLine } from "../command_line/parse.ts";
import type { VerbDescription } from "../command_line/verb_description.ts";
import { UsageError } from "../errors.ts";
import { splitWords } from "./block.ts";

/**
 * The words of a `--command`, checked to be a command line of tractest. A `tractest` in front is
 * dropped.
 *
 * @throws {UsageError} if it is none
 */
export function hookCommand(line: string, verbs: readonly VerbDescription[]): string[] {
  const given = splitWords(line);
  const words = given[0] === "tractest" ? given.slice(1) : given;
  const [name = "", ...rest] = words[0] === "-C" ? words.slice(2) : words;
  const names = verbs.map((verb) => verb.name).filter((known) => known !== "hooks");
  if (!names.includes(name)) {
    throw new UsageError(
      `"${line}" is not a tractest command line`,
      (name === "" ? null : suggestion(name, names)) ??
        `for example: --command "zombies --kill --hook"`,
    );
  }
  parseCommandLine(verbs.find((verb) => verb.name === name)!, rest);
  return words;
}
