import { isAbsolute, join, relative, resolve } from "@std/path";
import { escapeText } from "../core/escape.ts";
import { type BlockSpec, hookCommand, hookRow, shellQuote } from "../core/hook_block.ts";
import { applyCommands, entryFor, type Manager, managerOf, type Printable } from "../core/hook_managers.ts";
import { type HookChange, installBlock, readHook, uninstallBlock } from "../core/hooks.ts";
import { nearest } from "../core/nearest.ts";
import { PreflightError, UsageError } from "../errors.ts";
import type { FileStatus, Host } from "../host/host.ts";
import { Git } from "../programs/git.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type HookName, HOOKS, MANAGERS, PRE_PUSH_RUN } from "../tables/hooks.ts";
import { columns } from "../ui/columns.ts";
import type { Context } from "./context.ts";
import { findProject } from "./project.ts";

const SCHEMA = "tractest.hooks/1";
const ACTIONS = ["install", "uninstall", "status"] as const;

/** Where a repo's hooks are. Paths are absolute. */
interface HookPlace {
  /** The top of the work tree, where git starts hooks. */
  readonly top: string;
  /** The repo's own hooks directory, shared by all its work trees. Only there is anything written. */
  readonly own: string;
  /** The directory that git runs hooks from: `core.hooksPath` or the own one. */
  readonly used: string;
  /** `core.hooksPath` as written, where it names another directory. */
  readonly hooksPath: string | null;
  readonly symlinkedDirectory: boolean;
  /** Whether git finds any hooks at all: `core.hooksPath = /dev/null` switches them off. */
  readonly off: boolean;
  readonly managerFiles: readonly string[];
}

/** One hook file, as it is. */
interface HookFile {
  readonly hook: HookName;
  readonly path: string;
  readonly status: FileStatus | null;
  /** Null when there is no file that could be read without following a link. */
  readonly content: Uint8Array | null;
  readonly manager: Manager | null;
}

/** `tractest hooks install|uninstall|status`: git hooks that call tractest, beside whatever is there. */
export async function hooks(context: Context): Promise<ExitCode> {
  const { line } = context;
  const [action = "status", ...names] = line.operands;
  if (!(ACTIONS as readonly string[]).includes(action)) {
    throw new UsageError(`There is no "hooks ${action}"`, `nearest first: ${nearest(action, ACTIONS).join(", ")}`);
  }
  for (const option of ["command", "binary", "print"]) {
    if (action !== "install" && line.has(option)) {
      throw new UsageError(`"hooks ${action}" takes no "--${option}"`, "it belongs to: tractest hooks install");
    }
  }
  const all = HOOKS.map((row) => row.name);
  for (const name of names) {
    if (!all.includes(name as HookName)) {
      throw new UsageError(`There is no hook "${name}" for tractest`, `nearest first: ${nearest(name, all).join(", ")}`);
    }
  }
  const asked = names.length > 0 ? all.filter((name) => names.includes(name)) : all;
  if (line.has("print")) return await printEntries(context, asked);
  if (action === "install" && names.length === 0) throw new UsageError("Which hook?", `tractest hooks install ${all.join("|")}`);
  const place = await findPlace(context.host);
  const files = await Promise.all(asked.map((hook) => lookAt(context.host, place, hook)));
  return await (action === "install" ? install : action === "uninstall" ? uninstall : showStatus)(context, place, files);
}

async function findPlace(host: Host): Promise<HookPlace> {
  const git = new Git(host, host.cwd);
  const [location, configured] = await Promise.all([git.location(), git.hooksPath()]);
  if (!location) {
    await git.prefix(); // says why, in git's words
    throw new PreflightError("no-repository", `"${host.cwd}" is in no work tree of git`, "go to one, or name it: tractest -C DIR hooks …");
  }
  const top = location.topLevel;
  const own = join(location.commonDirectory, "hooks");
  const used = configured === null ? own : resolve(top, configured);
  const real = async (path: string) => await host.realPath(path) ?? path;
  const elsewhere = configured !== null && await real(used) !== await real(own);
  const names = MANAGERS.flatMap((row): readonly string[] => row.files);
  const seen = await Promise.all(names.map(async (name) => await host.lstat(join(top, name)) ? [name] : []));
  return {
    top,
    own,
    used: elsewhere ? used : own,
    hooksPath: elsewhere ? configured : null,
    symlinkedDirectory: (await host.lstat(own))?.kind === "symlink",
    off: elsewhere && (await host.stat(used))?.kind !== "directory",
    managerFiles: seen.flat(),
  };
}

async function lookAt(host: Host, place: HookPlace, hook: HookName): Promise<HookFile> {
  const path = join(place.own, hook);
  const status = await host.lstat(path);
  const content = status?.kind === "file" ? await host.readFile(path) : null;
  const text = content && new TextDecoder().decode(content);
  const manager = managerOf({ hooksPath: place.hooksPath, symlinkedDirectory: place.symlinkedDirectory, files: place.managerFiles, content: text });
  return { hook, path, status, content, manager };
}

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
}

async function install(context: Context, place: HookPlace, files: readonly HookFile[]): Promise<ExitCode> {
  const { printer, line } = context;
  const binary = await binaryFor(context);
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const spec = { hook: file.hook, commands: await commandsFor(context, file.hook, place.top), binary };
    const refusal = refusalOf(file, place, line.has("force"));
    const change: HookChange = refusal ? { kind: "nothing" } : installBlock(file.content, spec, line.has("force"));
    if (refusal || change.kind === "refuse") {
      outcomes.push({
        ...spec,
        path: file.path,
        result: "refused",
        ...refuse(file, place, spec, refusal ?? change as HookChange & { kind: "refuse" }),
      });
      continue;
    }
    if (change.kind === "write") await write(context, file, change);
    const result = change.kind === "nothing" ? "unchanged" : readsAs(file) === "none" ? "installed" : "replaced";
    outcomes.push({ ...spec, path: file.path, result, reason: null, hint: null, entry: [] });
  }
  show(context, place, "install", outcomes);
  if (binary === null && outcomes.some((outcome) => outcome.result !== "refused")) {
    printer.hint("there is no tractest on PATH now; the hook looks there when it runs, --binary PATH names one for good");
  }
  return outcomes.some((outcome) => outcome.result === "refused") ? EXIT.preflight : EXIT.ok;
}

async function uninstall(context: Context, place: HookPlace, files: readonly HookFile[]): Promise<ExitCode> {
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const change = uninstallBlock(file.content, file.hook, context.line.has("force"));
    const base = { hook: file.hook, path: file.path, commands: [], reason: null, hint: null, entry: [] };
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

/** The command lines of a hook, each with the way from git's top (where hooks start) to the project. */
async function commandsFor({ host, line }: Context, hook: HookName, top: string | null): Promise<string[][]> {
  const given = line.values("command").map(hookCommand);
  // Entries for a manager can be printed anywhere; what a hook of ours does needs the project.
  if (top === null) return given.length > 0 ? given : hookRow(hook).commands.map((words) => [...words]);
  const project = await findProject(host);
  const own = [...hookRow(hook).commands, ...(hook === "pre-push" && project.configuration.prePushRun ? [PRE_PUSH_RUN] : [])];
  const below = relative(top, project.root);
  return (given.length > 0 ? given : own).map((words) => below === "" || words[0] === "-C" ? [...words] : ["-C", below, ...words]);
}

/**
 * The absolute path of the tractest that a hook calls: `--binary`, this executable, or the first on PATH; null if there is none.
 *
 * @throws {UsageError} if `--binary` names no executable file
 */
async function binaryFor({ host, line }: Context): Promise<string | null> {
  const given = line.value("binary");
  if (given !== undefined) {
    const path = resolve(host.cwd, given);
    if (!await isExecutable(host, path)) throw new UsageError(`"${path}" is no executable file`, "--binary takes the path of tractest");
    return checked(path);
  }
  const { executable } = host.build();
  return checked(executable !== undefined && await isExecutable(host, executable) ? executable : await onPath(host));
}

function checked(path: string | null): string | null {
  // deno-lint-ignore no-control-regex
  if (path !== null && /[\x00-\x1f\x7f]/.test(path)) {
    throw new UsageError(`No hook can call "${path}": its path has a control character`, "--binary names another");
  }
  return path;
}

async function onPath(host: Host): Promise<string | null> {
  for (const directory of (host.env("PATH") ?? "").split(":").filter(isAbsolute)) {
    const path = join(directory, "tractest");
    if (await isExecutable(host, path)) return path;
  }
  return null;
}

async function isExecutable(host: Host, path: string): Promise<boolean> {
  try {
    const status = await host.stat(path);
    return status?.kind === "file" && (status.mode & 0o111) !== 0;
  } catch {
    return false; // a directory on PATH that may not be read
  }
}

function readsAs(file: HookFile): "none" | "block" | "damaged" {
  return file.content ? readHook(file.content, file.hook).kind : "none";
}

interface Refusal {
  readonly why: "manager" | "file" | "not-shell" | "damaged" | "modified";
  readonly reason: string;
}

/** Why nothing is written, before the file's content matters; null if there is no such reason. */
function refusalOf(file: HookFile, place: HookPlace, force: boolean): Refusal | null {
  const { manager, status, hook } = file;
  if (place.off) return { why: "manager", reason: `core.hooksPath is "${place.hooksPath}", which is no directory: git runs no hooks here` };
  if (manager && (manager.owns || (!force && readsAs(file) === "none"))) {
    return { why: "manager", reason: `the hooks are managed by ${managerText(manager)}` };
  }
  if (!status) return null;
  if (status.kind === "symlink") return { why: "file", reason: `"${file.path}" is a symlink, which is not followed` };
  if (status.kind !== "file") return { why: "file", reason: `"${file.path}" is no file` };
  if ((status.mode & 0o111) === 0) return { why: "file", reason: `there is a ${hook} that is not executable, so git does not run it` };
  return null;
}

function managerText(manager: Manager): string {
  return manager.name === "shared" ? `others (${manager.evidence})` : `${manager.name} (${manager.evidence})`;
}

/** What to say and what to add by hand when a hook can't be written. */
function refuse(file: HookFile, place: HookPlace, spec: Omit<BlockSpec, "created">, refusal: Refusal): Pick<Outcome, "reason" | "hint" | "entry"> {
  const { why, reason } = refusal;
  if (place.off) return { reason, hint: "tractest hooks install --print shell prints the lines of a hook", entry: [] };
  if (why === "damaged") return { reason, hint: "mend or remove those lines by hand, then install again", entry: [] };
  if (why === "modified") return { reason, hint: `tractest hooks install ${file.hook} --force writes them anew and keeps a copy`, entry: [] };
  if (file.status && why === "file" && file.status.kind === "file") {
    return { reason, hint: `chmod +x ${shellQuote(file.path)}, or remove it`, entry: [] };
  }
  const manager = why === "manager" ? file.manager : null;
  const named = manager && manager.name !== "shared" ? manager.name : "shell";
  const beside = manager && !manager.owns ? "; --force installs beside it" : "";
  const target = manager?.name === "shared" ? ` to ${join(place.used, file.hook)}` : named === "shell" ? ` to ${file.path}` : "";
  // A script in another language can only call one line.
  const entry = why === "not-shell"
    ? spec.commands.map((words) => ["tractest", ...words].map(shellQuote).join(" ") + " </dev/null")
    : entryFor(named, [spec]);
  return { reason, hint: `nothing was written; add this${target}${beside}:`, entry };
}

/** Writes a hook in one step, unless it changed since it was read; a file that was there keeps its mode. */
async function write(context: Context, file: HookFile, change: HookChange & { kind: "write" }): Promise<void> {
  const { host, printer, line } = context;
  const mode = file.status?.mode ?? 0o755;
  if (line.has("dry-run")) {
    printer.note(`would write ${escapeText(file.path)} (mode ${mode.toString(8).padStart(4, "0")}):`);
    for (const text of new TextDecoder().decode(change.content).replace(/\n$/, "").split("\n")) printer.line(escapeText(text));
    return;
  }
  await checkUnchanged(host, file);
  await keepCopy(context, file);
  if (!file.status) await host.makeDirectory(join(file.path, ".."));
  await host.writeFile(file.path, change.content, mode);
}

async function remove(context: Context, file: HookFile): Promise<void> {
  if (context.line.has("dry-run")) return context.printer.note(`would remove ${escapeText(file.path)}`);
  await checkUnchanged(context.host, file);
  await keepCopy(context, file);
  await context.host.remove(file.path);
}

/** An editor or another install may have been faster. */
async function checkUnchanged(host: Host, file: HookFile): Promise<void> {
  const now = await host.lstat(file.path);
  const same = now?.inode === file.status?.inode && now?.modifiedMs === file.status?.modifiedMs && now?.size === file.status?.size;
  if (!same) throw new PreflightError("hook-changed", `"${file.path}" changed meanwhile`, "it was left as it is; try again");
}

/** Before lines that somebody edited are overwritten, the whole file is copied to a name that is free. */
async function keepCopy({ host, printer }: Context, file: HookFile): Promise<void> {
  if (!file.content) return;
  const seen = readHook(file.content, file.hook);
  if (seen.kind !== "block" || seen.block.intact) return;
  for (let number = 1;; number++) {
    const copy = `${file.path}.tractest-copy${number === 1 ? "" : `-${number}`}`;
    if (await host.lstat(copy)) continue;
    await host.writeFile(copy, file.content);
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

function show({ printer, line }: Context, place: HookPlace, action: string, outcomes: readonly Outcome[]): void {
  const dry = line.has("dry-run");
  for (const { hook, path, result, commands, reason, hint, entry } of outcomes) {
    if (result === "refused") {
      printer.note(`${hook}: ${action === "install" ? "not installed" : "not removed"}: ${escapeText(reason ?? "")}`);
      if (hint) printer.hint(escapeText(hint));
      for (const text of entry) printer.line(text);
    } else if (!dry) {
      const runs = commands.length > 0 ? `, runs: ${commands.map(commandText).join("; ")}` : "";
      printer.line(`${hook}: ${RESULT_TEXT[result]} (${escapeText(path)})${escapeText(runs)}`);
    }
  }
  if (printer.json) printer.document(SCHEMA, { action, dryRun: dry, directory: place.used, hooks: outcomes });
}

function commandText(words: readonly string[]): string {
  return ["tractest", ...words].map(shellQuote).join(" ");
}

async function printEntries(context: Context, asked: readonly HookName[]): Promise<ExitCode> {
  const { printer, line } = context;
  const printable = line.value("print") as Printable;
  const specs = await Promise.all(asked.map(async (hook) => ({ hook, commands: await commandsFor(context, hook, null) })));
  const entry = entryFor(printable, specs);
  for (const text of entry) printer.line(text);
  const apply = printable === "agent" || printable === "shell" ? [] : applyCommands(printable, asked);
  if (apply.length > 0) printer.hint(`then: ${apply.join("; ")}`);
  if (printer.json) printer.document(SCHEMA, { action: "print", for: printable, entry, apply });
  return EXIT.ok;
}

/** One hook as `status` shows it. */
interface StatusRow {
  readonly hook: HookName;
  readonly path: string;
  /** `inactive`: our lines are there, but git does not run them. */
  readonly state: "installed" | "not-installed" | "managed" | "modified" | "inactive";
  readonly detail: string;
  readonly manager: string | null;
  /** Whether the manager's own configuration names tractest; null without a manager. */
  readonly entry: boolean | null;
  readonly version: number | null;
  readonly commands: readonly (readonly string[])[] | null;
  readonly binary: string | null;
  /** Whether the hook would find a tractest now. */
  readonly binaryFound: boolean | null;
}

async function showStatus(context: Context, place: HookPlace, files: readonly HookFile[]): Promise<ExitCode> {
  const { printer } = context;
  const rows = await Promise.all(files.map((file) => statusOf(context, place, file)));
  for (const text of columns(rows.map((row) => [row.hook, row.state, escapeText(row.detail)]))) printer.line(text);
  if (printer.json) printer.document(SCHEMA, { action: "status", directory: place.used, hooksPath: place.hooksPath, hooks: rows });
  return EXIT.ok;
}

async function statusOf(context: Context, place: HookPlace, file: HookFile): Promise<StatusRow> {
  const { host } = context;
  const { hook, path, manager, status } = file;
  const seen = file.content ? readHook(file.content, hook) : { kind: "none" as const };
  const block = seen.kind === "block" ? seen.block : null;
  const entry = manager ? await mentionsTractest(host, place, file) : null;
  const found = block ? (block.binary !== null && await isExecutable(host, block.binary)) || await onPath(host) !== null : null;
  const base = {
    hook,
    path,
    manager: manager?.name ?? null,
    entry,
    version: block?.version ?? null,
    commands: block?.commands ?? null,
    binary: block?.binary ?? null,
    binaryFound: found,
  };
  if (seen.kind === "damaged") return { ...base, state: "modified", detail: `begin and end of our lines don't match (line ${seen.line} of ${path})` };
  if (block) {
    const runs = block.commands.map(commandText).join("; ");
    if (manager?.owns) return { ...base, state: "inactive", detail: `our lines are in ${path}, but ${manager.evidence}` };
    if ((status!.mode & 0o111) === 0) {
      return { ...base, state: "inactive", detail: `not executable, so git does not run it: chmod +x ${shellQuote(path)}` };
    }
    if (!block.intact) return { ...base, state: "modified", detail: `our lines were modified by hand in ${path}` };
    const gone = found ? "" : "; no tractest found: the hook says so and goes on";
    return { ...base, state: "installed", detail: `${runs}${gone}${await outdated(context, place, file, block.commands)}` };
  }
  if (place.off) return { ...base, state: "not-installed", detail: `core.hooksPath is "${place.hooksPath}": git runs no hooks here` };
  if (manager) {
    const names = entry ? "its configuration names tractest" : `its configuration does not name tractest: tractest hooks install ${hook}`;
    return { ...base, state: "managed", detail: `by ${managerText(manager)}; ${names}` };
  }
  const other = status
    ? `there is another ${hook}${status.kind === "symlink" ? " (a symlink)" : ""}, which would be kept`
    : `tractest hooks install ${hook}`;
  return { ...base, state: "not-installed", detail: other };
}

/** A hint when the configuration asks for another default than the one that is installed; empty otherwise. */
async function outdated(context: Context, place: HookPlace, file: HookFile, commands: readonly (readonly string[])[]): Promise<string> {
  if (file.hook !== "pre-push") return "";
  const wanted = await commandsFor(context, file.hook, place.top).catch(() => null);
  if (!wanted) return "";
  const text = (lines: readonly (readonly string[])[]) => lines.map(commandText).join("; ");
  const run = PRE_PUSH_RUN.join(" ");
  const has = (lines: readonly (readonly string[])[]) => text(lines).includes(run);
  return has(wanted) === has(commands) ? "" : `; pre-push-run is ${has(wanted)} now: tractest hooks install pre-push`;
}

/** Whether the file in which a manager's user would have put our entry names tractest. */
async function mentionsTractest(host: Host, place: HookPlace, { hook, manager }: HookFile): Promise<boolean> {
  const named = MANAGERS.find((row) => row.name === manager?.name);
  const candidates = named?.name === "husky"
    ? [join(place.top, ".husky", hook)]
    : named
    ? place.managerFiles.filter((file) => (named.files as readonly string[]).includes(file)).map((file) => join(place.top, file))
    : [join(place.used, hook)];
  const texts = await Promise.all(candidates.map((path) => host.readText(path).catch(() => null)));
  return texts.some((text) => text?.includes("tractest"));
}
