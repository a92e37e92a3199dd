import { bareLine, type CommandLine } from "./command_line/parsed_line.ts";
import { type CommonOptions, wordsOfOption } from "./command_line/options.ts";
import type { AnyVerb } from "./command_line/verb.ts";
import { escapeText } from "./base/escape.ts";
import { bothRows, rowNamed } from "./system/permission_flags.ts";
import { DAMAGED_PROGRAM, TractestError, UsageError } from "./errors.ts";
import type { Host } from "./system/host.ts";
import { EXIT, type ExitCode } from "./tables/exit_codes.ts";
import { Printer, toJson } from "./terminal/printer.ts";
import { foldFor } from "./terminal/wrap.ts";

/**
 * Every command, in the order of help: by group, the most used first. Each is loaded when it is
 * called: start-up stays quick.
 */
export const VERBS = {
  run: async () => (await import("./run/command.ts")).VERB,
  watch: async () => (await import("./watch/command.ts")).VERB,
  affected: async () => (await import("./affected/command.ts")).VERB,
  check: async () => (await import("./commands/check.ts")).VERB,
  stress: async () => (await import("./stress/command.ts")).VERB,
  merge: async () => (await import("./merge/command.ts")).VERB,
  overview: async () => (await import("./overview/command.ts")).VERB,
  failed: async () => (await import("./commands/failed.ts")).VERB,
  hang: async () => (await import("./hang/command.ts")).VERB,
  report: async () => (await import("./report/command.ts")).VERB,
  flaky: async () => (await import("./flaky/command.ts")).VERB,
  bisect: async () => (await import("./bisect/command.ts")).VERB,
  slow: async () => (await import("./commands/slow.ts")).VERB,
  history: async () => (await import("./history/command.ts")).VERB,
  zombies: async () => (await import("./leaks/command.ts")).VERB,
  tree: async () => (await import("./tree/command.ts")).VERB,
  doctor: async () => (await import("./preflight/command.ts")).VERB,
  bundle: async () => (await import("./bundle/command.ts")).VERB,
  status: async () => (await import("./commands/status.ts")).VERB,
  logs: async () => (await import("./commands/logs.ts")).VERB,
  wait: async () => (await import("./commands/wait.ts")).VERB,
  stop: async () => (await import("./commands/stop.ts")).VERB,
  init: async () => (await import("./init/command.ts")).VERB,
  config: async () => (await import("./commands/config.ts")).VERB,
  hooks: async () => (await import("./hooks/command.ts")).VERB,
  "agent-guide": async () => (await import("./agent_guide/command.ts")).VERB,
  layout: async () => (await import("./layout/command.ts")).VERB,
  completions: async () => (await import("./commands/completions.ts")).VERB,
  permissions: async () => (await import("./commands/show_permissions.ts")).VERB,
  help: async () => (await import("./help/command.ts")).VERB,
  version: async () => (await import("./commands/version.ts")).VERB,
} as const satisfies Readonly<Record<string, () => Promise<AnyVerb>>>;

/** The name of a command. */
export type CommandName = keyof typeof VERBS;

/** The names of all commands. */
export const COMMAND_NAMES = Object.keys(VERBS) as readonly CommandName[];

/** Commands that no person types: neither help nor completions list them. */
const HIDDEN_VERBS = {
  complete: async () => (await import("./completion/command.ts")).VERB,
} as const satisfies Readonly<Record<string, () => Promise<AnyVerb>>>;

/** Loads every command. */
export async function allVerbs(): Promise<readonly AnyVerb[]> {
  return await verbsNamed(COMMAND_NAMES);
}

async function verbsNamed(names: readonly string[]): Promise<readonly AnyVerb[]> {
  const known = names.filter((name): name is CommandName => Object.hasOwn(VERBS, name));
  return await Promise.all(known.map((name): Promise<AnyVerb> => VERBS[name]()));
}

/** The options that are handled here, for all commands. */
type KnownOptions = CommonOptions & { readonly json?: boolean };

/** Parses the words of the command line, drops permissions, runs the command. Never throws. */
export async function main(words: readonly string[], host: Host): Promise<ExitCode> {
  let command = "tractest";
  try {
    const [name, rest] = await commandOf(words);
    command = name;
    const parser = rest.length === 0 ? null : import("./command_line/parse.ts");
    const verb: AnyVerb = await { ...VERBS, ...HIDDEN_VERBS }[name]();
    const line = parser === null ? bareLine(verb) : (await parser).parseCommandLine(verb, rest);
    return await runVerb(verb, line as CommandLine<unknown> as CommandLine<never>, host);
  } catch (error) {
    return reportError(error, words, host, command);
  }
}

async function runVerb(verb: AnyVerb, line: CommandLine<never>, host: Host): Promise<ExitCode> {
  const options: KnownOptions = line.options;
  // All code must be loaded before the permission to read is dropped.
  const asksHelp = options.help && verb.name !== "help";
  const showHelp = asksHelp ? (await import("./help/command.ts")).showPage : null;
  const needed = verb.needsVerbs?.(line) ?? false;
  const verbs = needed === false ? [] : await verbsNamed(needed === true ? COMMAND_NAMES : needed);
  const row = typeof verb.row === "string" ? verb.row : verb.row(line, host.terminal);
  const { json = false, verbose, color, directory, noPager } = options;
  const mayBeLong = !json && !noPager && (showHelp !== null || verb.isPaged?.(line));
  const pager = mayBeLong ? await import("./terminal/pager.ts") : null;
  const isPaged = pager?.mayPage(host) ?? false;
  const own = rowNamed(showHelp ? "help" : row);
  host.permissions.restrict(isPaged ? bothRows(own, rowNamed("pager")) : own);
  const printer = new Printer(host, { json, verbose, color });
  if (directory !== null && !showHelp) host.changeDirectory(directory);
  const command = () =>
    showHelp
      ? showHelp(host, printer, verb)
      : verb.run({ host, printer, line, row, verbs, commands: COMMAND_NAMES });
  return isPaged ? await pager!.withPager(host, printer, command) : await command();
}

/** The command and the words after it. Options of every command may stand before it. */
async function commandOf(
  words: readonly string[],
): Promise<[CommandName | keyof typeof HIDDEN_VERBS, string[]]> {
  const [first, ...rest] = words;
  if (first === undefined || first === "--json") return ["overview", [...words]];
  if (first === "-h" || first === "--help") return ["help", rest];
  if (first === "--version" || first === "-V") return ["version", rest];
  const leading = wordsOfOption(first);
  if (leading > 0 && words.length >= leading) {
    const [command, after] = await commandOf(words.slice(leading));
    return [command, [...words.slice(0, leading), ...after]];
  }
  if (Object.hasOwn(HIDDEN_VERBS, first)) return [first as keyof typeof HIDDEN_VERBS, rest];
  if (!Object.hasOwn(VERBS, first)) throw await unknownCommand(first);
  return asksForFacts(rest) ? ["help", [first, "--json"]] : [first as CommandName, rest];
}

/** Whether `--help --json` was typed, which not every command has an option for. */
function asksForFacts(words: readonly string[]): boolean {
  const dashes = words.indexOf("--");
  const own = dashes < 0 ? words : words.slice(0, dashes);
  return own.includes("--json") && (own.includes("--help") || own.includes("-h"));
}

async function unknownCommand(word: string): Promise<UsageError> {
  const [{ nearest, suggestion }, { COMMAND_SYNONYMS }] = await Promise.all([
    import("./base/nearest.ts"),
    import("./command_line/synonyms.ts"),
  ]);
  const known = COMMAND_SYNONYMS[word.toLowerCase()];
  return new UsageError(
    `Unknown command "${word}"`,
    known !== undefined ? `did you mean: tractest ${known}` : suggestion(word, COMMAND_NAMES) ??
      `commands, nearest first: ${nearest(word, COMMAND_NAMES).slice(0, 5).join(", ")}; ` +
        "tractest help lists all",
  );
}

/**
 * Says what went wrong, as text on standard error or, with `--json`, as a document on standard
 * output too. Returns the exit code.
 */
export function reportError(
  error: unknown,
  words: readonly string[],
  host: Pick<Host, "terminal">,
  command = words[0] ?? "tractest",
): ExitCode {
  const known = knownError(error);
  if (words.includes("--json")) {
    const { code, message, hint } = known;
    const schema = `tractest.${command}/1`;
    const document = toJson({ schema, error: { code, message, hint: hint ?? null } });
    host.terminal.stdout.write(`${document}\n`);
  }
  const { stderr } = host.terminal;
  stderr.write(`${foldFor(stderr, `error: ${escapeText(known.message)}`)}\n`);
  if (!known.hint) return known.exitCode;
  const hint = known.hint.split("\n").map(escapeText).join("\n");
  stderr.write(`${foldFor(stderr, `hint: ${hint}`)}\n`);
  return known.exitCode;
}

function knownError(error: unknown): TractestError {
  if (error instanceof TractestError) return error;
  if (error instanceof Error && error.name === DAMAGED_PROGRAM) {
    const { program } = error as Error & { readonly program: string };
    return new TractestError(
      "damaged",
      `The unpacked program is damaged, or was removed while it ran: ${error.message}`,
      EXIT.toolMissing,
      `rm -rf '${program}'  # the next start unpacks it again`,
    );
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new TractestError(
    "bug",
    message,
    EXIT.bug,
    "this is a bug in tractest; please report it with your command line and `tractest bundle`",
  );
}
