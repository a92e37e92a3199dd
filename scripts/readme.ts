/** Writes the README's tables from those in lib/; with `--check` only compares them. */
import { type CheckRow, CHECKS } from "../lib/preflight/check_ids.ts";
import { ENVIRONMENT } from "../lib/tables/environment.ts";
import { EXIT_CODE_MEANINGS } from "../lib/tables/exit_codes.ts";
import { ISOLATION_DIFFERENCES } from "../lib/isolation/differences.ts";
import { type PermissionRow, PERMISSIONS } from "../lib/tables/permissions.ts";

const README = new URL("../README.md", import.meta.url);

/** The README with each table between its markers replaced. */
export function withTables(readme: string): string {
  for (const [name, lines] of Object.entries(TABLES)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [before, rest] = split(readme, begin);
    const [, after] = split(rest, end);
    readme = `${before}${begin}\n${lines.join("\n")}\n${end}${after}`;
  }
  return readme;
}

const TABLES: Readonly<Record<string, readonly string[]>> = {
  checks: table(
    ["check", "ok when", "profile"],
    (CHECKS as readonly CheckRow[]).map((row) => [`\`${row.id}\``, row.means, profileCell(row)]),
  ),
  "exit-codes": table(
    ["exit code", "meaning"],
    EXIT_CODE_MEANINGS.map((row) => [String(row.code), row.meaning]),
  ),
  environment: table(
    ["variable", "for"],
    ENVIRONMENT.map((row) => [`\`${row.name}\``, row.purpose]),
  ),
  isolation: table(
    ["", "inside"],
    ISOLATION_DIFFERENCES.map((row) => [row.what, row.inside]),
  ),
  permissions: table(
    ["command", "may use", "may start", "why"],
    (PERMISSIONS as readonly PermissionRow[]).map((row) => [
      `\`${row.row}\``,
      (["read", "write", "net", "uid"] as const).filter((kind) => row[kind]).join(" ") || "–",
      row.programs.join(" ") || "–",
      row.why,
    ]),
  ),
};

/** Which projects have a check; empty: all. */
function profileCell({ profile, key }: CheckRow): string {
  if (profile === undefined) return "";
  const name = key?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return name === undefined ? profile : `${profile}, or \`${name}\` is configured`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), `|${heads.map(() => "---").join("|")}|`, ...rows.map(line)];
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`README.md has no ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

if (import.meta.main) {
  const readme = await Deno.readTextFile(README);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(README, withTables(readme));
  else if (withTables(readme) !== readme) {
    console.error("README.md: its tables differ from lib/tables/; `deno task readme` writes them");
    Deno.exit(1);
  }
}
