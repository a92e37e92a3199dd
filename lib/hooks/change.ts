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

/** What came of one hook, as `--json` shows it and as the text is made from. */
interface Outcome {
  readonly hook: HookName;
  readonly path: string;
  readonly result: "installed" | "replaced" | "unchanged" | "removed" | "not-installed" | "refused";
  readonly commands: readonly (readonly string[])[];
  /** Why it was refused. */
  readonly reason: string | null;
  /** What mends that. */
  readonly hint: string | null;
  /** What to add by hand instead. */
  readonly entry: readonly string[];
  /** With `--dry-run`, the file as it would be; null when it would not be written. */
  readonly content: string | null;
}

/** `tractest hooks install`: writes our lines, or says why not and what to add. */
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
      outcomes.push({
        ...spec,
        path: file.path,
        result: "refused",
        content: null,
        ...refuse(file, place, spec, change),
      });
      continue;
    }
    if (change.kind === "write") await write(context, file, change);
    const result = change.kind === "nothing"
      ? "unchanged"
      : readsAs(file) === "none"
      ? "installed"
      : "replaced";
    outcomes.push({
      ...spec,
      path: file.path,
      result,
      reason: null,
      hint: null,
      entry: [],
      content: planned(context, change),
    });
  }
  show(context, place, "install", outcomes);
  if (binary === null && outcomes.some((outcome) => outcome.result !== "refused")) {
    printer.hint(
      "there is no tractest on PATH now; the hook looks there when it runs, --binary PATH names one for good",
    );
  }
  return outcomes.some((outcome) => outcome.result === "refused") ? EXIT.preflight : EXIT.ok;
}

/** `tractest hooks uninstall`: takes our lines out, and nothing else. */
export async function uninstall(
  context: Context<HooksOptions>,
  place: HookPlace,
  files: readonly HookFile[],
): Promise<ExitCode> {
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const change = uninstallBlock(file.content, file.hook, context.line.options.force);
    const base = {
      hook: file.hook,
      path: file.path,
      commands: [],
      reason: null,
      hint: null,
      entry: [],
      content: planned(context, change),
    };
    if (change.kind === "refuse") {
      const hint = change.why === "modified"
        ? `tractest hooks uninstall ${file.hook} --force takes them out and keeps a copy`
        : "mend or remove those lines by hand";
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
 * PATH; null if there is none. A link on PATH to this executable is taken as it is: it stays right
 * when a newer version takes its place. (The compiled kind knows only where it really lies, not by
 * which link it was started.)
 *
 * @throws {UsageError} if `--binary` names no executable file
 */
async function binaryFor({ host, line }: Context<HooksOptions>): Promise<string | null> {
  const given = line.options.binary;
  if (given !== null) {
    const path = resolve(host.cwd, given);
    if (!await isExecutable(host, path)) {
      throw new UsageError(
        `"${path}" is no executable file`,
        "--binary takes the path of tractest",
      );
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

/** A block, but for what only its file decides. */
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

/** Why nothing is written, whatever the file holds; null if there is no such reason. */
function refusalOf(file: HookFile, place: HookPlace, force: boolean): Refusal | null {
  const { manager, status, hook, path } = file;
  const refused = (why: Refusal["why"], reason: string): Refusal => ({
    kind: "refuse",
    why,
    reason,
  });
  if (place.off) {
    return refused(
      "off",
      `core.hooksPath is "${place.hooksPath}", which is no directory: git runs no hooks here`,
    );
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
    return refused(
      "not-executable",
      `there is a ${hook} that is not executable, so git does not run it`,
    );
  }
  return null;
}

/** What to say, and what to add by hand, when a hook can't be written. */
function refuse(
  file: HookFile,
  place: HookPlace,
  spec: BlockWish,
  { why, reason }: Refusal,
): Pick<Outcome, "reason" | "hint" | "entry"> {
  const { hook, path, manager } = file;
  const advice = (hint: string, entry: readonly string[] = []) => ({ reason, hint, entry });
  switch (why) {
    case "off":
      return advice("tractest hooks install --print shell prints the lines of a hook");
    case "no-file":
      return advice(`look at it: ls -ld ${shellQuote(path)}`);
    case "not-executable":
      return advice(`chmod +x ${shellQuote(path)}, or remove it`);
    case "damaged":
      return advice("mend or remove those lines by hand, then install again");
    case "modified":
      return advice(`tractest hooks install ${hook} --force writes them anew and keeps a copy`);
    case "not-shell": {
      // A script in another language can only call a command line.
      const calls = spec.commands.map((words) => `${commandText(words)} </dev/null`);
      return advice(
        `nothing was written; let ${path} call this, and go on when tractest is not there:`,
        calls,
      );
    }
    case "symlink":
      return advice(
        "nothing was written; add this to the script that it leads to, below its first line:",
        entryFor("shell", [spec]),
      );
    case "manager": {
      if (manager?.name === "shared" || !manager) {
        return advice(
          `nothing was written; add this to ${join(place.used, hook)}, below its first line:`,
          entryFor("shell", [spec]),
        );
      }
      const beside = manager.owns ? "" : "; --force installs a hook beside it";
      return advice(
        `nothing was written; add this, then: ${
          applyCommands(manager.name, [hook]).join("; ")
        }${beside}`,
        entryFor(manager.name, [spec]),
      );
    }
  }
}

/** What a dry run would write. */
function planned({ line }: Context<HooksOptions>, change: HookChange): string | null {
  return line.options.dryRun && change.kind === "write"
    ? new TextDecoder().decode(change.content)
    : null;
}

/**
 * Writes a hook in one step, unless it changed since it was read; a file that was there keeps its
 * mode.
 */
async function write(
  context: Context<HooksOptions>,
  file: HookFile,
  change: HookChange & { kind: "write" },
): Promise<void> {
  const { host, printer } = context;
  const mode = file.status?.mode ?? 0o755;
  const plan = planned(context, change);
  if (plan !== null) {
    printer.note(
      `would write ${escapeText(file.path)} (mode ${mode.toString(8).padStart(4, "0")}):`,
    );
    for (const text of plan.replace(/\n$/, "").split("\n")) printer.line(escapeText(text));
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

/** An editor or another install may have been faster. */
async function checkUnchanged(host: Host, file: HookFile): Promise<void> {
  const now = await host.files.lstat(file.path);
  const same = now?.inode === file.status?.inode && now?.modifiedMs === file.status?.modifiedMs &&
    now?.size === file.status?.size;
  if (!same) {
    throw new PreflightError(
      "hook-changed",
      `"${file.path}" changed meanwhile`,
      "it was left as it is; try again",
    );
  }
}

/**
 * Before lines that somebody edited are overwritten, the whole file is copied to a name that is
 * free.
 */
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
  replaced: "installed, in place of our older lines",
  unchanged: "installed already",
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
      printer.note(
        `${hook}: ${action === "install" ? "not installed" : "not removed"}: ${
          escapeText(reason ?? "")
        }`,
      );
      if (hint) printer.hint(escapeText(hint));
      for (const text of entry) printer.line(text);
    } else if (!dry) {
      const runs = commands.length > 0 ? `, runs: ${commands.map(commandText).join("; ")}` : "";
      printer.line(`${hook}: ${RESULT_TEXT[result]} (${escapeText(path)})${escapeText(runs)}`);
    }
  }
  if (printer.json) {
    printer.document(SCHEMA, { action, dryRun: dry, directory: place.used, hooks: outcomes });
  }
}
