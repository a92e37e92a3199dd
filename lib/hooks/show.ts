import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { type Block, BLOCK_VERSION, hookRow, shellQuote } from "./block.ts";
import { readHook, whyNoBlock } from "./rules.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type HookName, MANAGERS, PRE_PUSH_RUN } from "./git_hooks.ts";
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

/** `tractest hooks status`: which hooks exist, who manages them, and whether they would run. */
export async function showStatus(
  { host, printer }: Context,
  place: HookPlace,
  files: readonly HookFile[],
): Promise<ExitCode> {
  const rows = await Promise.all(files.map((file) => statusOf(host, place, file)));
  printer.rows(rows.map((row) => [row.hook, row.state, escapeText(row.detail)]));
  if (printer.json) {
    const { used: directory, hooksPath } = place;
    printer.document(SCHEMA, { action: "status", directory, hooksPath, hooks: rows });
  }
  return EXIT.ok;
}

async function statusOf(host: Host, place: HookPlace, file: HookFile): Promise<StatusRow> {
  const { hook, path, manager } = file;
  const seen = file.content ? readHook(file.content, hook) : { kind: "none" as const };
  const block = seen.kind === "block" ? seen.block : null;
  const entry = manager ? await mentionsTractest(host, place, file) : null;
  const binaryFound = block && (
    (block.binary !== null && await isExecutable(host, block.binary)) ||
    await onPath(host) !== null
  );
  const verdict = seen.kind === "damaged"
    ? modified(`begin and end of our lines don't match (line ${seen.line} of ${path})`)
    : block
    ? ofBlock(file, block) ??
      installed(block, binaryFound === true, await outdated(host, place, file, block))
    : withoutBlock(file, place, entry);
  return {
    ...verdict,
    hook,
    path,
    manager: manager?.name ?? null,
    entry,
    version: block?.version ?? null,
    commands: block?.commands ?? null,
    binary: block?.binary ?? null,
    binaryFound,
  };
}

/** The state of a hook, and why. */
type Verdict = Pick<StatusRow, "state" | "detail">;

function modified(detail: string): Verdict {
  return { state: "modified", detail };
}

/** Why lines of ours do not run as we wrote them; null if they do. */
function ofBlock({ manager, path, status }: HookFile, { intact }: Block): Verdict | null {
  if (manager?.owns) {
    return { state: "inactive", detail: `our lines are in ${path}, but ${manager.evidence}` };
  }
  if ((status!.mode & 0o111) === 0) {
    const fix = `chmod +x ${shellQuote(path)}`;
    return { state: "inactive", detail: `not executable, so git does not run it: ${fix}` };
  }
  return intact ? null : modified(`our lines were modified by hand in ${path}`);
}

function installed({ commands }: Block, isFound: boolean, hint: string): Verdict {
  const missing = isFound ? "" : "; no tractest found: the hook reports that and continues";
  return { state: "installed", detail: `${commands.map(commandText).join("; ")}${missing}${hint}` };
}

function withoutBlock(
  { hook, path, content, manager, status }: HookFile,
  place: HookPlace,
  entry: boolean | null,
): Verdict {
  const install = `tractest hooks install ${hook}`;
  if (place.off) {
    const detail = `core.hooksPath is "${place.hooksPath}": git runs no hooks here`;
    return { state: "not-installed", detail };
  }
  if (manager) {
    const names = entry
      ? "its configuration names tractest"
      : `its configuration does not name tractest: ${install}`;
    return { state: "managed", detail: `by ${managerText(manager)}; ${names}` };
  }
  if (!status) return { state: "not-installed", detail: install };
  const kind = status.kind === "symlink" ? " (a symlink)" : "";
  const there = `there is another ${hook}${kind}`;
  const refused = content && whyNoBlock(content);
  if (refused) return { state: "not-installed", detail: `${there}; ${refused}: ${install}` };
  if ((status.mode & 0o111) === 0) {
    const detail = `${there}, not executable, so git does not run it: chmod +x ${shellQuote(path)}`;
    return { state: "not-installed", detail };
  }
  return { state: "not-installed", detail: `${there}, which would be kept` };
}

/**
 * A hint when installing again would write other lines: those of this version, or what
 * `pre-push-run` asks for now.
 */
async function outdated(
  host: Host,
  place: HookPlace,
  { hook }: HookFile,
  block: Block,
): Promise<string> {
  const again = `tractest hooks install ${hook}`;
  if (block.version !== BLOCK_VERSION) return `; written by another version: ${again}`;
  if (hook !== "pre-push") return "";
  // Without a project or a readable configuration there is nothing to compare with.
  const wanted = await commandsFor(host, hook, place.top).catch(() => null);
  const text = (lines: readonly (readonly string[])[]) => lines.map(commandText).join("; ");
  const [clean, run] = [hookRow(hook).commands.length, PRE_PUSH_RUN.join(" ")];
  // Commands of `--command` are not compared.
  if (!wanted || text(wanted.slice(0, clean)) !== text(block.commands.slice(0, clean))) return "";
  const has = (lines: readonly (readonly string[])[]) => text(lines.slice(clean)).endsWith(run);
  return has(wanted) === has(block.commands)
    ? ""
    : `; pre-push-run is ${has(wanted)} now: ${again}`;
}

/** Whether the manager's configuration names tractest. */
async function mentionsTractest(
  host: Host,
  place: HookPlace,
  { hook, manager }: HookFile,
): Promise<boolean> {
  const named = MANAGERS.find((row) => row.name === manager?.name);
  const files = place.managerFiles.filter((file) =>
    named?.files.some((candidate) => candidate === file)
  );
  const candidates = named?.name === "husky"
    ? [join(place.top, ".husky", hook)]
    : named
    ? files.map((file) => join(place.top, file))
    : [join(place.used, hook)];
  const read = (path: string) => host.files.readText(path).catch(() => null);
  const texts = await Promise.all(candidates.map(read));
  return texts.some((text) => text?.includes("tractest"));
}
