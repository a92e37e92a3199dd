import type { HooksOptions } from "./hooks_options.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { type Block, BLOCK_VERSION, hookRow, shellQuote } from "./block.ts";
import { readHook } from "./rules.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type HookName, MANAGERS, PRE_PUSH_RUN } from "./git_hooks.ts";
import { columns } from "../terminal/columns.ts";
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

/** `tractest hooks status`: what is there, whose it is, and whether it would run. */
export async function showStatus(
  context: Context<HooksOptions>,
  place: HookPlace,
  files: readonly HookFile[],
): Promise<ExitCode> {
  const { printer } = context;
  const rows = await Promise.all(files.map((file) => statusOf(context, place, file)));
  for (const text of columns(rows.map((row) => [row.hook, row.state, escapeText(row.detail)]))) {
    printer.line(text);
  }
  if (printer.json) {
    printer.document(SCHEMA, {
      action: "status",
      directory: place.used,
      hooksPath: place.hooksPath,
      hooks: rows,
    });
  }
  return EXIT.ok;
}

async function statusOf(
  context: Context<HooksOptions>,
  place: HookPlace,
  file: HookFile,
): Promise<StatusRow> {
  const { host } = context;
  const { hook, path, manager, status } = file;
  const seen = file.content ? readHook(file.content, hook) : { kind: "none" as const };
  const block = seen.kind === "block" ? seen.block : null;
  const entry = manager ? await mentionsTractest(host, place, file) : null;
  const found = block
    ? (block.binary !== null && await isExecutable(host, block.binary)) ||
      await onPath(host) !== null
    : null;
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
  if (seen.kind === "damaged") {
    return {
      ...base,
      state: "modified",
      detail: `begin and end of our lines don't match (line ${seen.line} of ${path})`,
    };
  }
  if (block) {
    const runs = block.commands.map(commandText).join("; ");
    if (manager?.owns) {
      return {
        ...base,
        state: "inactive",
        detail: `our lines are in ${path}, but ${manager.evidence}`,
      };
    }
    if ((status!.mode & 0o111) === 0) {
      return {
        ...base,
        state: "inactive",
        detail: `not executable, so git does not run it: chmod +x ${shellQuote(path)}`,
      };
    }
    if (!block.intact) {
      return { ...base, state: "modified", detail: `our lines were modified by hand in ${path}` };
    }
    const gone = found ? "" : "; no tractest found: the hook says so and goes on";
    return {
      ...base,
      state: "installed",
      detail: `${runs}${gone}${await outdated(context, place, file, block)}`,
    };
  }
  if (place.off) {
    return {
      ...base,
      state: "not-installed",
      detail: `core.hooksPath is "${place.hooksPath}": git runs no hooks here`,
    };
  }
  if (manager) {
    const names = entry
      ? "its configuration names tractest"
      : `its configuration does not name tractest: tractest hooks install ${hook}`;
    return { ...base, state: "managed", detail: `by ${managerText(manager)}; ${names}` };
  }
  const other = status
    ? `there is another ${hook}${
      status.kind === "symlink" ? " (a symlink)" : ""
    }, which would be kept`
    : `tractest hooks install ${hook}`;
  return { ...base, state: "not-installed", detail: other };
}

/**
 * A hint when installing again would write other lines: those of this version, or what
 * `pre-push-run` asks for now.
 */
async function outdated(
  context: Context<HooksOptions>,
  place: HookPlace,
  { hook }: HookFile,
  block: Block,
): Promise<string> {
  const again = `tractest hooks install ${hook}`;
  if (block.version !== BLOCK_VERSION) return `; written by another version: ${again}`;
  if (hook !== "pre-push") return "";
  // Without a project, or with a configuration that can't be read, there is nothing to compare
  // with.
  const wanted = await commandsFor(context.host, hook, place.top).catch(() => null);
  const text = (lines: readonly (readonly string[])[]) => lines.map(commandText).join("; ");
  const [clean, run] = [hookRow(hook).commands.length, PRE_PUSH_RUN.join(" ")];
  // What `--command` chose is nobody's default.
  if (!wanted || text(wanted.slice(0, clean)) !== text(block.commands.slice(0, clean))) return "";
  const has = (lines: readonly (readonly string[])[]) => text(lines.slice(clean)).endsWith(run);
  return has(wanted) === has(block.commands)
    ? ""
    : `; pre-push-run is ${has(wanted)} now: ${again}`;
}

/** Whether the file in which a manager's user would have put our entry names tractest. */
async function mentionsTractest(
  host: Host,
  place: HookPlace,
  { hook, manager }: HookFile,
): Promise<boolean> {
  const named = MANAGERS.find((row) => row.name === manager?.name);
  const candidates = named?.name === "husky"
    ? [join(place.top, ".husky", hook)]
    : named
    ? place.managerFiles.filter((file) => (named.files as readonly string[]).includes(file)).map((
      file,
    ) => join(place.top, file))
    : [join(place.used, hook)];
  const texts = await Promise.all(
    candidates.map((path) => host.files.readText(path).catch(() => null)),
  );
  return texts.some((text) => text?.includes("tractest"));
}
