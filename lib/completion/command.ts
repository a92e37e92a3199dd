import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { EVERY_COMMAND } from "../command_line/options.ts";
import type { CommandLine } from "../command_line/parsed_line.ts";
import type { Verb } from "../command_line/verb.ts";
import type { Offers } from "../command_line/verb_description.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type Asked, candidatesOf } from "./candidates.ts";
import { pathsIn } from "./paths_in.ts";
import {
  bashReply,
  nushellReply,
  readBashLine,
  type TypedLine,
  unquoted,
} from "./rules_typed_line.ts";
import {
  type Candidate,
  commandIndex,
  directoryIn,
  type Wanted,
  wantedAt,
} from "./rules_wanted.ts";

/**
 * `tractest complete SHELL`: called by the completion scripts. Its first line is `words`, or
 * `files` or `directories` where the shell completes those too; then a candidate a line, with what
 * it is after a tab. It never fails: a shell would print that into the line that is being typed.
 */
export async function complete(context: Context): Promise<ExitCode> {
  const { host } = context;
  const lines = await answer(context).catch(() => ["files"]);
  host.terminal.stdout.write(`${lines.join("\n")}\n`);
  return EXIT.ok;
}

async function answer({ host, line, verbs = [], commands = [] }: Context): Promise<string[]> {
  const typed = typedLine(line);
  if (typed.redirects) return ["files"];
  const command = commandOf(typed.words);
  const verb = verbs.find(({ name }) => name === command) ?? null;
  // An unknown command may be one of another version.
  if (command !== null && verb === null) return ["files"];
  const directory = directoryIn(typed.words);
  if (directory !== null) host.changeDirectory(directory);
  const wanted = wantedAt(typed.words, verb);
  const words = await offered(host, wanted, { commands, verbs });
  const paths = pathsFor(wanted.offers, words);
  const shell = line.operands[0];
  // nushell completes paths only as whole words.
  const isPart = shell === "nushell" && paths !== null && wanted.before !== "";
  const found = isPart ? [...words, ...await pathsIn(host, wanted)] : words;
  return [
    paths ?? "words",
    ...found.map((candidate) => {
      if (shell === "bash") return bashReply(candidate, typed);
      const value = shell === "nushell" ? nushellReply(candidate) : candidate.value;
      return `${value}\t${escapeText(candidate.about ?? "")}`;
    }),
  ];
}

/** Whether the shell is to complete paths as well: where tests are offered, only without any. */
function pathsFor({ paths, sources = [] }: Offers, found: readonly Candidate[]): Offers["paths"] {
  return sources.includes("tests") && found.length > 0 ? null : paths;
}

/** All candidates that begin with what is typed, whole words. */
async function offered(
  host: Host,
  { before, part, offers, options }: Wanted,
  known: Pick<Asked, "commands" | "verbs">,
): Promise<Candidate[]> {
  const found = await Promise.all(
    (offers.sources ?? []).map((source) => candidatesOf(host, source, { ...known, part })),
  );
  const words = offers.words.map((value): Candidate => ({ value }));
  const first = new Map<string, Candidate>();
  for (const candidate of [...found.flat(), ...words, ...options]) {
    first.getOrInsert(candidate.value, candidate);
  }
  return [...first.values()]
    // What a terminal would act on can't be typed either.
    .filter(({ value }) => value.startsWith(part) && escapeText(value) === value)
    .map((candidate) => ({ ...candidate, value: before + candidate.value }));
}

/** What was typed after `tractest`, as the script of a shell passes it after `--`. */
function typedLine({ operands: [shell, breaks = ""], afterDashes }: CommandLine): TypedLine {
  if (shell === "bash") {
    const read = readBashLine(afterDashes.join(" "), breaks);
    return { ...read, words: read.words.slice(1) };
  }
  const last = afterDashes.at(-1) ?? "";
  const words = shell === "zsh" ? afterDashes : [...afterDashes.slice(0, -1), unquoted(last)];
  return { words, kept: 0, quote: "", redirects: false };
}

function commandOf(words: readonly string[]): string | null {
  return words[commandIndex(words)] ?? null;
}

/** `tractest complete`, described. */
export const VERB: Verb<typeof EVERY_COMMAND> = {
  name: "complete",
  group: "set-up",
  summary: "what can stand at the cursor, for the completion scripts",
  usage: "tractest complete bash|zsh|fish|nushell [COMP_WORDBREAKS] -- WORD…",
  options: EVERY_COMMAND,
  examples: [["tractest complete zsh -- run tests/", "the tests that can be named next"]],
  exits: [0],
  row: "complete",
  needsVerbs: (line) => {
    const command = commandOf(typedLine(line).words);
    // bash shows no summaries, and loading them all takes most of the time.
    const isList = command === null || command === "help";
    return isList && line.operands[0] !== "bash" ? true : command === null ? [] : [command];
  },
  run: complete,
};
