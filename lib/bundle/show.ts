import { plural } from "../base/plural.ts";
import { escapeText } from "../base/escape.ts";
import { columns } from "../terminal/columns.ts";
import type { Counts, ReplacedKind } from "./redactor.ts";
import { REPLACED } from "./redactor.ts";

/** What a bundle holds, as it is listed. */
export interface Contents {
  readonly files: readonly ListedFile[];
  readonly unknowns: readonly string[];
}

/** A file of the list. */
export interface ListedFile {
  readonly name: string;
  readonly about: string;
  readonly bytes: number;
  readonly replaced: Counts;
}

/** What was replaced, in all files together. */
function totalsOf(files: readonly Pick<ListedFile, "replaced">[]): Counts {
  const totals: Partial<Record<ReplacedKind, number>> = {};
  for (const { replaced } of files) {
    for (const [kind, count] of Object.entries(replaced) as [ReplacedKind, number][]) {
      totals[kind] = (totals[kind] ?? 0) + count;
    }
  }
  return totals;
}

/** The rows of the files. */
export function fileRows(files: readonly ListedFile[]): string[][] {
  return files.map(({ name, about, bytes }) => [
    `  ${escapeText(name)}`,
    sizeText(bytes),
    escapeText(about),
  ]);
}

/** The rows of what was replaced, after a line that says so. */
export function replacedRows(files: readonly ListedFile[]): string[][] {
  const totals = totalsOf(files);
  const kinds = (Object.keys(REPLACED) as ReplacedKind[]).filter((kind) => (totals[kind] ?? 0) > 0);
  return kinds.map((kind) => [`  ${plural(totals[kind]!, "time")}`, REPLACED[kind]]);
}

/** What stays, and what could not be gathered. */
export function remarks({ unknowns }: Pick<Contents, "unknowns">): string[] {
  return [NOT_REPLACED, ...unknowns.map((text) => `not gathered: ${escapeText(text)}`)];
}

/** The headline of {@linkcode replacedRows}. */
export function replacedText(rows: readonly string[][]): string {
  return rows.length === 0 ? "replaced: nothing private was found" : "replaced:";
}

const NOT_REPLACED = "not replaced: names of projects, files and tests, what tests print " +
  "otherwise, IP addresses, ports";

/** `812 B`, `12 kB`, `3.4 MB` */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The text of README.txt, for whoever gets the bundle. */
export function readmeText(
  { files, unknowns }: Contents,
  { version, made }: { readonly version: string; readonly made: string },
): string {
  const replaced = replacedRows(files);
  return [
    `A bundle of tractest ${version}, made at ${made} by \`tractest bundle\`, for a bug report.`,
    "",
    "Start with doctor.txt (is the environment sound?), then hang.txt if something hangs, or",
    "run/events.jsonl if tests fail: one event of the run per line, in order.",
    "",
    ...columns(files.map(({ name, about }) => [`  ${name}`, about])),
    "",
    "What stands for what was replaced:",
    "  [user], [user-1] …  the user's name, names of other users",
    "  [host]              names of the machine and its network",
    "  ~                   the user's home directory",
    "  [secret]            a password, token or key",
    "  [$NAME]             the value of the environment variable NAME",
    "  [e-mail]            an e-mail address",
    "",
    replacedText(replaced),
    ...columns(replaced),
    ...remarks({ unknowns }),
    "",
  ].join("\n");
}
