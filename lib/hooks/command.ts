import type { Verb } from "../command_line/verb.ts";
import { HOOKS_OPTIONS, type HooksOptions } from "./hooks_options.ts";
import { hookCommand } from "./hook_command.ts";
import { applyCommands, entryFor } from "./managers.ts";
import { nearest } from "../base/nearest.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { AGENT_SETTINGS, type HookName, HOOKS } from "./git_hooks.ts";
import type { Context } from "../command_line/context.ts";
import { install, uninstall } from "./change.ts";
import { commandsFor, findPlace, lookAt, SCHEMA } from "./place.ts";
import { showStatus } from "./show.ts";

const ACTIONS = ["install", "uninstall", "status"] as const;

/** `tractest hooks install|uninstall|status`: git hooks that call tractest. */
export async function hooks(context: Context<HooksOptions>): Promise<ExitCode> {
  const { line, verbs = [] } = context;
  const [action = "status", ...names] = line.operands;
  if (!(ACTIONS as readonly string[]).includes(action)) {
    const hint = `nearest first: ${nearest(action, ACTIONS).join(", ")}`;
    throw new UsageError(`There is no "hooks ${action}"`, hint);
  }
  for (const option of ["command", "binary", "print"] as const) {
    if (action !== "install" && line.has(option)) {
      const problem = `"hooks ${action}" takes no "--${option}"`;
      throw new UsageError(problem, "it belongs to: tractest hooks install");
    }
  }
  const all = HOOKS.map((row) => row.name);
  for (const name of names) {
    if (!all.includes(name as HookName)) {
      const hint = `nearest first: ${nearest(name, all).join(", ")}`;
      throw new UsageError(`There is no hook "${name}" for tractest`, hint);
    }
  }
  const asked = names.length > 0 ? all.filter((name) => names.includes(name)) : all;
  const typed = line.options.command.map((text) => hookCommand(text, verbs));
  if (line.options.print !== null) return await printEntries(context, asked, typed);
  if (action === "install" && names.length === 0) {
    throw new UsageError("Which hook?", `tractest hooks install ${all.join("|")}`);
  }
  const place = await findPlace(context.host);
  const files = await Promise.all(asked.map((hook) => lookAt(context.host, place, hook)));
  if (action === "install") return await install(context, place, files, typed);
  return await (action === "uninstall" ? uninstall : showStatus)(context, place, files);
}

async function printEntries(
  context: Context<HooksOptions>,
  asked: readonly HookName[],
  typed: readonly (readonly string[])[],
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const printable = line.options.print!;
  const specs = await Promise.all(
    asked.map(async (hook) => ({ hook, commands: await commandsFor(host, hook, null, typed) })),
  );
  const entry = entryFor(printable, specs);
  for (const text of entry) printer.exact(text);
  const isManager = printable !== "agent" && printable !== "shell";
  const apply = isManager ? applyCommands(printable, asked) : [];
  if (apply.length > 0) printer.hint(`then: ${apply.join("; ")}`);
  const file = printable === "agent" ? AGENT_SETTINGS : null;
  if (file !== null) {
    printer.hint(`merge it into "hooks" of ${file}, or of your agent's own settings file`);
  }
  if (printer.json) {
    printer.document(SCHEMA, { action: "print", for: printable, file, entry, apply });
  }
  return EXIT.ok;
}

/** `tractest hooks`, described. */
export const VERB: Verb<typeof HOOKS_OPTIONS> = {
  name: "hooks",
  group: "set-up",
  summary: "git hooks that clean up: install, uninstall, status",
  usage: "tractest hooks install|uninstall|status [pre-push|pre-commit|post-checkout …] [OPTIONS]",
  options: HOOKS_OPTIONS,
  examples: [
    ["tractest hooks status", "which hooks exist, and which program manages them"],
    [
      "tractest hooks install pre-push",
      "run `zombies --kill --hook` before each push; an existing hook is kept below our lines",
    ],
    [
      "tractest hooks install pre-commit --command 'run smoke'",
      "run another command; tests run on the work tree as it is",
    ],
    [
      "tractest hooks install --print lefthook",
      "print the entry for a hook manager or a coding agent",
    ],
    ["tractest hooks uninstall", "remove exactly our lines"],
  ],
  exits: [0, 69, 80],
  row: ({ operands: [action], options }) =>
    (action === "install" || action === "uninstall") && !options.dryRun && options.print === null
      ? "hooks install"
      : "hooks",
  needsVerbs: ({ options }) => options.command.length > 0,
  run: hooks,
};
