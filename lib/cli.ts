import type { Command, Context } from "./command_line/context.ts";
import type { CommandLine } from "./command_line/parse.ts";
import { escapeText } from "./base/escape.ts";
import { rowOf } from "./system/permission_flags.ts";
import { DAMAGED_PROGRAM, TractestError, UsageError } from "./errors.ts";
import type { Host } from "./system/host.ts";
import type { CommandName } from "./command_line/verbs.ts";
import type { OptionRow } from "./command_line/options.ts";
import { EXIT, type ExitCode } from "./tables/exit_codes.ts";
import { Printer, toJson } from "./terminal/printer.ts";

/** Each command is loaded when it is called, so that the quick ones don't pay for the others. */
const LOADERS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  run: async () => (await import("./run/command.ts")).run,
  merge: async () => (await import("./merge/command.ts")).merge,
  doctor: async () => (await import("./preflight/command.ts")).doctor,
  zombies: async () => (await import("./leaks/command.ts")).zombies,
  failed: async () => (await import("./commands/failed.ts")).failed,
  bisect: async () => (await import("./bisect/command.ts")).bisect,
  stress: async () => (await import("./stress/command.ts")).stress,
  affected: async () => (await import("./affected/command.ts")).affected,
  check: async () => (await import("./commands/check.ts")).check,
  flaky: async () => (await import("./flaky/command.ts")).flaky,
  report: async () => (await import("./report/command.ts")).report,
  history: async () => (await import("./history/command.ts")).history,
  slow: async () => (await import("./commands/slow.ts")).slow,
  hang: async () => (await import("./hang/command.ts")).hang,
  status: async () => (await import("./commands/status.ts")).status,
  wait: async () => (await import("./commands/wait.ts")).wait,
  logs: async () => (await import("./commands/logs.ts")).logs,
  stop: async () => (await import("./commands/stop.ts")).stop,
  layout: async () => (await import("./layout/command.ts")).layout,
  completions: async () => (await import("./commands/completions.ts")).completions,
  hooks: async () => (await import("./hooks/command.ts")).hooks,
  help: async () => (await import("./commands/help.ts")).help,
  version: async () => (await import("./commands/version.ts")).version,
  permissions: async () => (await import("./commands/show_permissions.ts")).permissions,
};

/**
 * From the words of the command line to an exit code: parse, drop permissions, run the command.
 * Never throws.
 */
export async function main(words: readonly string[], host: Host): Promise<ExitCode> {
  let command = "tractest";
  try {
    const [name, rest] = await commandOf(words);
    command = name;
    // The words are parsed while it is read. It has to be there before the permission to read is
    // given away.
    const loading = rest.includes("--help") || rest.includes("-h") ? null : LOADERS[name]();
    const { parseCommandLine } = await import("./command_line/parse.ts");
    const line = parseCommandLine(name, rest);
    const isHelp = line.options.help;
    // At a terminal `zombies` offers to clean up: what was dropped can't be had again then.
    const mayOffer = name === "zombies" && host.terminal.stdinIsTerminal &&
      host.terminal.stdout.isTerminal && !line.options.hook && !line.options.json;
    const row = rowOf(
      isHelp ? "help" : name,
      line.operands,
      (option) => line.given.has(option) || (option === "kill" && mayOffer),
    );
    const run = await (isHelp ? LOADERS.help() : loading ?? LOADERS[name]());
    host.permissions.restrict(row);
    const printer = new Printer(host, {
      json: line.options.json,
      verbose: line.options.verbose,
      color: line.options.color,
    });
    const { directory } = line.options;
    if (directory !== null && !isHelp) host.changeDirectory(directory);
    const context = { host, printer, line: isHelp ? helpFor(name, line) : line };
    return await run(context as Context<never>);
  } catch (error) {
    return reportError(error, words, host, command);
  }
}

/**
 * The command and the words after it. `-C DIR` and other options of every command may stand before
 * it.
 */
async function commandOf(words: readonly string[]): Promise<[CommandName, string[]]> {
  const [first, ...rest] = words;
  if (first === undefined || first === "-h" || first === "--help") return ["help", []];
  if (first === "--version" || first === "-V") return ["version", rest];
  const leading = first.startsWith("-") ? await wordsOfOption(first) : 0;
  if (leading > 0 && words.length > leading) {
    const [command, after] = await commandOf(words.slice(leading));
    return [command, [...words.slice(0, leading), ...after]];
  }
  if (Object.hasOwn(LOADERS, first)) return [first as CommandName, rest];
  const { nearest, suggestion } = await import("./base/nearest.ts");
  const names = Object.keys(LOADERS);
  throw new UsageError(
    `Unknown command "${first}"`,
    suggestion(first, names) ?? `commands, nearest first: ${nearest(first, names).join(", ")}`,
  );
}

/** How many words an option of every command is, with its value; 0 if the word is none. */
async function wordsOfOption(word: string): Promise<number> {
  const { OPTIONS } = await import("./command_line/options.ts");
  const [name, value] = word.split("=", 2);
  const row = (OPTIONS as readonly OptionRow[]).find((row) =>
    row.commands === "*" && (name === `--${row.name}` || name === `-${row.short}`)
  );
  if (row === undefined) return 0;
  return row.kind === "flag" || value !== undefined ? 1 : 2;
}

function helpFor<Line extends CommandLine>(command: CommandName, line: Line): Line {
  return { ...line, command: "help", operands: command === "help" ? [] : [command] };
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
    host.terminal.stdout.write(
      `${
        toJson({ schema: `tractest.${command}/1`, error: { code, message, hint: hint ?? null } })
      }\n`,
    );
  }
  host.terminal.stderr.write(`error: ${escapeText(known.message)}\n`);
  if (known.hint) host.terminal.stderr.write(`hint: ${escapeText(known.hint)}\n`);
  return known.exitCode;
}

function knownError(error: unknown): TractestError {
  if (error instanceof TractestError) return error;
  if (error instanceof Error && error.name === DAMAGED_PROGRAM) {
    const { program } = error as Error & { readonly program: string };
    const message =
      `The program that tractest has unpacked is damaged, or was removed while it ran: ${error.message}`;
    return new TractestError(
      "damaged",
      message,
      EXIT.toolMissing,
      `rm -rf '${program}'  # the next start unpacks it anew`,
    );
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new TractestError(
    "bug",
    message,
    EXIT.bug,
    "this is a bug in tractest; please report it with the command that you typed",
  );
}
