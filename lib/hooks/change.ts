import type { HooksOptions } from "./hooks_options.ts";
import { join, resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { type BlockSpec, shellQuote } from "./block.ts";
import { applyCommands, entryFor } from "./managers.ts";
import { type HookChange, installBlock, readHook, uninstallBlock } from "./rules.ts";
import { PreflightError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { HookName } from "./git_hooks.ts";
import type { Context } from "../command_line/context.ts";
import {
  commandsFor,
  commandText,
  type HookFile,
  type HookPlace,
  isExecutable,
  managerText,
  onPath,
  SCHEMA,
} from "./place.ts";

/** The result for one hook, in the words of `--json`. */
interface Outcome {
  readonly hook: HookName;
  readonly path: string;
  readonly result: "installed" | "replaced" | "unchanged" | "removed" | "not-installed" | "refused";
  readonly commands: readonly (readonly string[])[];
  /** Why nothing was changed. */
  readonly reason: string | null;
  /** How to fix that. */
  readonly hint: string | null;
  /** Lines to add by hand instead. */
  readonly entry: readonly string[];
  /** With `--dry-run`, the file as it would be; null when it would not be written. */
  readonly content: string | null;
}

/** What an {@linkcode Outcome} has where nothing was refused. */
const NOT_REFUSED = { reason: null, hint: null, entry: [] } as const;

/** `tractest hooks install`: writes our lines, or says why not and which lines to add by hand. */
export async function install(
  context: Context<HooksOptions>,
  place: HookPlace,
  files: readonly HookFile[],
  typed: readonly (readonly string[])[],
): Promise<ExitCode> {
  const { printer, line } = context;
  const binary = await binaryFor(context);
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const spec = {
      hook: file.hook,
      commands: await commandsFor(context.host, file.hook, place.top, typed),
      binary,
    };
    const change = refusalOf(file, place, line.options.force) ??
      installBlock(file.content, spec, line.options.force);
    if (change.kind === "refuse") {
      const advice = refuse(file, place, spec, change);
      outcomes.push({ ...spec, path: file.path, result: "refused", content: null, ...advice });
      continue;
    }
    if (change.kind === "write") await write(context, file, change);
    const written = readsAs(file) === "none" ? "installed" : "replaced";
    const result = change.kind === "nothing" ? "unchanged" : written;
    const content = planned(context, change);
    outcomes.push({ ...spec, path: file.path, result, ...NOT_REFUSED, content });
  }
  show(context, place, "install", outcomes);
  if (binary === null && outcomes.some((outcome) => outcome.result !== "refused")) {
    printer.hint(
      "there is no tractest on PATH now; the hook searches it each time it runs, " +
        "or --binary PATH names one",
    );
  }
  return outcomes.some((outcome) => outcome.result === "refused") ? EXIT.preflight : EXIT.ok;
}

/** `tractest hooks uninstall`: removes our lines, and nothing else. */
export async function uninstall(
  context: Context<HooksOptions>,
  place: HookPlace,
  files: readonly HookFile[],
): Promise<ExitCode> {
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const change = uninstallBlock(file.content, file.hook, context.line.options.force);
    const { hook, path } = file;
    const base = { hook, path, commands: [], ...NOT_REFUSED, content: planned(context, change) };
    if (change.kind === "refuse") {
      const hint = change.why === "modified"
        ? `tractest hooks uninstall ${hook} --force removes them and keeps a copy`
        : "fix or remove those lines by hand";
      outcomes.push({ ...base, result: "refused", reason: change.reason, hint });
      continue;
    }
    if (change.kind === "remove") await remove(context, file);
    if (change.kind === "write") await write(context, file, change);
    outcomes.push({ ...base, result: change.kind === "nothing" ? "not-installed" : "removed" });
  }
  show(context, place, "uninstall", outcomes);
  return outcomes.some((outcome) => outcome.result === "refused") ? EXIT.preflight : EXIT.ok;
}

/**
 * The absolute path of the tractest that a hook calls: `--binary`, this executable, or the first on
 * PATH; null if there is none. A link on PATH to this executable is preferred: it will lead to the
 * next version too.
 *
 * @throws {UsageError} if `--binary` names no executable file
 */
async function binaryFor({ host, line }: Context<HooksOptions>): Promise<string | null> {
  const given = line.options.binary;
  if (given !== null) {
    const path = resolve(host.cwd, given);
    if (!await isExecutable(host, path)) {
      throw new UsageError(`"${path}" is no executable file`, "--binary takes a path of tractest");
    }
    return path;
  }
  const { executable } = host.build();
  const found = await onPath(host);
  if (executable === undefined || !await isExecutable(host, executable)) return found;
  return found !== null && await host.files.realPath(found) === executable ? found : executable;
}

function readsAs(file: HookFile): "none" | "block" | "damaged" {
  return file.content ? readHook(file.content, file.hook).kind : "none";
}

/** A block, except for the field that depends on its file. */
type BlockWish = Omit<BlockSpec, "created">;

/** Why a hook is not written. */
interface Refusal {
  readonly kind: "refuse";
  readonly why:
    | "off"
    | "manager"
    | "symlink"
    | "no-file"
    | "not-executable"
    | "not-shell"
    | "damaged"
    | "modified";
  readonly reason: string;
}

/** A reason not to write, whatever the content of the file; null if there is none. */
function refusalOf(file: HookFile, place: HookPlace, force: boolean): Refusal | null {
  const { manager, status, hook, path } = file;
  const refused = (why: Refusal["why"], reason: string) =>
    ({ kind: "refuse", why, reason }) as const;
  if (place.off) {
    const configured = `core.hooksPath is "${place.hooksPath}"`;
    return refused("off", `${configured}, which is no directory: git runs no hooks here`);
  }
  if (manager && (manager.owns || (!force && readsAs(file) === "none"))) {
    return refused("manager", `the hooks are managed by ${managerText(manager)}`);
  }
  if (!status) return null;
  if (status.kind === "symlink") {
    return refused("symlink", `"${path}" is a symlink, which is not followed`);
  }
  if (status.kind !== "file") return refused("no-file", `"${path}" is no file`);
  if ((status.mode & 0o111) === 0) {
    return refused("not-executable", `${hook} exists but is not executable: git does not run it`);
  }
  return null;
}

/** How to get the hook all the same, and lines to add by hand. */
function refuse(
  file: HookFile,
  place: HookPlace,
  spec: BlockWish,
  { why, reason }: Refusal,
): Pick<Outcome, "reason" | "hint" | "entry"> {
  const { hook, path, manager } = file;
  const advice = (hint: string, entry: readonly string[] = []) => ({ reason, hint, entry });
  const byHand = (hint: string, entry: readonly string[]) =>
    advice(`nothing was written; ${hint}`, entry);
  const inScript = (script: string) =>
    byHand(
      file.status
        ? `add this to ${script}, below the first line:`
        : `make ${script}, executable, with "#!/bin/sh" as the first line, then this:`,
      entryFor("shell", [spec]),
    );
  switch (why) {
    case "off":
      return advice("tractest hooks install --print shell prints the lines of a hook");
    case "no-file":
      return advice(`see what it is: ls -ld ${shellQuote(path)}`);
    case "not-executable":
      return advice(`chmod +x ${shellQuote(path)}, or remove it`);
    case "damaged":
      return advice("fix or remove those lines by hand, then install again");
    case "modified":
      return advice(`tractest hooks install ${hook} --force replaces them and keeps a copy`);
    case "not-shell": {
      // A script in another language can only call a command line.
      const calls = spec.commands.map((words) => `${commandText(words)} </dev/null`);
      return byHand(`have ${path} call this, and continue if there is no tractest:`, calls);
    }
    case "symlink":
      return inScript("the script it points to");
    case "manager": {
      if (manager?.name === "shared" || !manager) return inScript(join(place.used, hook));
      const force = manager.owns ? "" : "; --force installs a hook next to it";
      const apply = applyCommands(manager.name, [hook]).join("; ");
      return byHand(`add this, then: ${apply}${force}`, entryFor(manager.name, [spec]));
    }
  }
}

/** What a dry run would write. */
function planned({ line }: Context<HooksOptions>, change: HookChange): string | null {
  if (!line.options.dryRun || change.kind !== "write") return null;
  return new TextDecoder().decode(change.content);
}

/** Writes a hook in one step, unless it changed meanwhile. An existing file keeps its mode. */
async function write(
  context: Context<HooksOptions>,
  file: HookFile,
  change: HookChange & { kind: "write" },
): Promise<void> {
  const { host, printer } = context;
  const mode = file.status?.mode ?? 0o755;
  const plan = planned(context, change);
  if (plan !== null) {
    const octal = mode.toString(8).padStart(4, "0");
    printer.note(`would write ${escapeText(file.path)} (mode ${octal}):`);
    for (const text of plan.replace(/\n$/, "").split("\n")) printer.exact(escapeText(text));
    return;
  }
  await checkUnchanged(host, file);
  await keepCopy(context, file);
  if (!file.status) await host.files.makeDirectory(join(file.path, ".."));
  await host.files.writeFile(file.path, change.content, mode);
}

async function remove(context: Context<HooksOptions>, file: HookFile): Promise<void> {
  if (context.line.options.dryRun) {
    return context.printer.note(`would remove ${escapeText(file.path)}`);
  }
  await checkUnchanged(context.host, file);
  await keepCopy(context, file);
  await context.host.files.remove(file.path);
}

/** Another program may have changed the file since it was read. */
async function checkUnchanged(host: Host, file: HookFile): Promise<void> {
  const now = await host.files.lstat(file.path);
  const same = now?.inode === file.status?.inode && now?.modifiedMs === file.status?.modifiedMs &&
    now?.size === file.status?.size;
  if (same) return;
  const problem = `"${file.path}" changed meanwhile`;
  throw new PreflightError("hook-changed", problem, "it was left as it is; try again");
}

/** Copies the file to a free name before lines that were edited by hand are overwritten. */
async function keepCopy({ host, printer }: Context, file: HookFile): Promise<void> {
  if (!file.content) return;
  const seen = readHook(file.content, file.hook);
  if (seen.kind !== "block" || seen.block.intact) return;
  for (let number = 1;; number++) {
    const copy = `${file.path}.tractest-copy${number === 1 ? "" : `-${number}`}`;
    if (await host.files.lstat(copy)) continue;
    await host.files.writeFile(copy, file.content);
    printer.note(`kept a copy: ${escapeText(copy)}`);
    return;
  }
}

const RESULT_TEXT = {
  installed: "installed",
  replaced: "installed, replacing our older lines",
  unchanged: "already installed",
  removed: "removed",
  "not-installed": "not installed",
} as const;

function show(
  { printer, line }: Context<HooksOptions>,
  place: HookPlace,
  action: string,
  outcomes: readonly Outcome[],
): void {
  const dry = line.options.dryRun;
  for (const { hook, path, result, commands, reason, hint, entry } of outcomes) {
    if (result === "refused") {
      const text = action === "install" ? "not installed" : "not removed";
      printer.note(`${hook}: ${text}: ${escapeText(reason ?? "")}`);
      if (hint) printer.hint(escapeText(hint));
      for (const text of entry) printer.exact(text);
    } else if (!dry) {
      const runs = commands.length > 0 ? `, runs: ${commands.map(commandText).join("; ")}` : "";
      printer.line(`${hook}: ${RESULT_TEXT[result]} (${escapeText(path)})${escapeText(runs)}`);
    }
  }
  if (printer.json) {
    printer.document(SCHEMA, { action, dryRun: dry, directory: place.used, hooks: outcomes });
  }
}
