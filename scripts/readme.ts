/**
 * Writes what the documentation says from the tables and verbs in lib/: parts of pages between
 * markers, and the whole reference of commands. With `--check` it only compares.
 */
import { allVerbs } from "../lib/cli.ts";
import { exitSection, optionSections, type Section } from "../lib/help/pages.ts";
import { GROUPS, type VerbDescription } from "../lib/command_line/verb_description.ts";
import { EVERY_COMMAND } from "../lib/command_line/options.ts";
import { fieldRows, typeText } from "./describe_fields.ts";
import { DOCUMENTS, documentSchemas, EVENT_MEANINGS } from "./document_schemas.ts";
import type { Fields } from "../lib/pytest/event_fields.ts";
import { EVENTS } from "../lib/pytest/events.ts";
import { optionRows } from "../lib/help/pages.ts";
import { type CheckRow, CHECKS } from "../lib/preflight/check_ids.ts";
import {
  CONFIGURATION_KEYS,
  configurationSchema,
  type KeyRow,
} from "../lib/project/configuration_keys.ts";
import { ENVIRONMENT } from "../lib/tables/environment.ts";
import { EXIT_CODE_MEANINGS } from "../lib/tables/exit_codes.ts";
import { ISOLATION_DIFFERENCES } from "../lib/isolation/differences.ts";
import { type PermissionRow, PERMISSIONS } from "../lib/tables/permissions.ts";

const ROOT = new URL("../", import.meta.url);

/** The page that is written as a whole. */
const COMMANDS_PAGE = "docs/reference/cli.md";

/** The JSON schema of the configuration, which is written as a whole too. */
const SCHEMA_PAGE = "docs/reference/schemas/configuration.json";

/** The directory of the JSON schemas, which are written as a whole. */
const SCHEMAS_DIRECTORY = "docs/reference/schemas";

/** Tables between the markers `<!-- NAME -->` and `<!-- /NAME -->`, and the pages they are on. */
const TABLES: readonly { readonly page: string; readonly name: string; lines: string[] }[] = [
  {
    page: "docs/reference/checks.md",
    name: "checks",
    lines: table(
      ["check", "ok when", "profile"],
      (CHECKS as readonly CheckRow[]).map((row) => [`\`${row.id}\``, row.means, profileCell(row)]),
    ),
  },
  {
    page: "docs/reference/exit-codes.md",
    name: "exit-codes",
    lines: table(
      ["exit code", "meaning"],
      EXIT_CODE_MEANINGS.map((row) => [String(row.code), row.meaning]),
    ),
  },
  {
    page: "docs/reference/environment.md",
    name: "environment",
    lines: table(
      ["variable", "for"],
      ENVIRONMENT.map((row) => [`\`${row.name}\``, row.purpose]),
    ),
  },
  {
    page: "docs/reference/config.md",
    name: "config",
    lines: table(
      ["key", "takes", "default", "does"],
      Object.entries<KeyRow>(CONFIGURATION_KEYS).map(([key, row]) => [
        `\`${key}\``,
        row.kind.takes,
        row.default === undefined ? "" : `\`${row.default}\``,
        row.doc,
      ]),
    ),
  },
  {
    page: "docs/isolation-and-jobs.md",
    name: "isolation",
    lines: table(
      ["", "inside"],
      ISOLATION_DIFFERENCES.map((row) => [row.what, row.inside]),
    ),
  },
  {
    page: "docs/reference/json.md",
    name: "documents",
    lines: table(
      ["document", "schema"],
      Object.entries(DOCUMENTS).map(([name, row]) => [
        row.about,
        `[\`tractest.${name}/1\`](#tractest${name}1) ([schema](schemas/${name}.json))`,
      ]),
    ),
  },
  { page: "docs/reference/json.md", name: "fields", lines: documentLines() },
  {
    page: "docs/reference/events.md",
    name: "events",
    lines: table(
      ["event", "content", "fields"],
      Object.entries<Fields>(EVENTS).map(([name, fields]) => [
        `\`${name}\``,
        EVENT_MEANINGS[name as keyof typeof EVENTS],
        Object.entries(fields).map(([key, { schema, isOptional }]) =>
          `\`${key}${isOptional ? "?" : ""}\` ${typeText(schema)}`
        ).join("; "),
      ]),
    ),
  },
  {
    page: "docs/reference/permissions.md",
    name: "permissions",
    lines: table(
      ["command", "may use", "may start", "why"],
      (PERMISSIONS as readonly PermissionRow[]).map((row) => [
        `\`${row.row}\``,
        (["read", "write", "net", "uid"] as const).filter((kind) => row[kind]).join(" ") || "–",
        row.programs.join(" ") || "–",
        row.why,
      ]),
    ),
  },
];

/** Every page that is written, or a part of it, as it should be. */
export async function writtenPages(
  read: (page: string) => string | Promise<string>,
): Promise<Map<string, string>> {
  const pages = new Map([
    [COMMANDS_PAGE, commandsPage(await allVerbs())],
    [SCHEMA_PAGE, `${JSON.stringify(configurationSchema(), null, 2)}\n`],
  ]);
  for (const [name, schema] of documentSchemas()) {
    pages.set(`${SCHEMAS_DIRECTORY}/${name}.json`, `${JSON.stringify(schema, null, 1)}\n`);
  }
  for (const { page, name, lines } of TABLES) {
    pages.set(page, withTable(page, pages.get(page) ?? await read(page), name, lines));
  }
  return pages;
}

function withTable(page: string, text: string, name: string, lines: readonly string[]): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = split(page, text, begin);
  const [, after] = split(page, rest, end);
  return `${before}${begin}\n${lines.join("\n")}\n${end}${after}`;
}

function split(page: string, text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`${page} has no ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

/** The keys of each document, of each of its forms. */
function documentLines(): string[] {
  return Object.entries(DOCUMENTS).flatMap(([name, { about, forms }]) => [
    `### tractest.${name}/1`,
    "",
    `${capitalized(about)}.`,
    "",
    ...(forms as readonly Fields[]).flatMap((fields, index) => [
      ...(index === 0 ? [] : ["Or:", ""]),
      ...table(["key", "type", "what"], fieldRows(fields)),
      "",
    ]),
  ]).slice(0, -1);
}

function commandsPage(verbs: readonly VerbDescription[]): string {
  const groups = Object.entries(GROUPS).flatMap(([group, heading]) => {
    const members = verbs.filter((verb) => verb.group === group);
    return [`## ${heading}`, "", ...members.flatMap(commandLines)];
  });
  return [
    "# Commands",
    "",
    "Written by `deno task readme` from what `tractest help` prints; do not edit.",
    "",
    "Options of every command:",
    "",
    ...optionTable(optionRows(EVERY_COMMAND)),
    "",
    ...groups,
  ].join("\n").trimEnd() + "\n";
}

function commandLines(verb: VerbDescription): string[] {
  return [
    `### ${verb.name}`,
    "",
    `${capitalized(verb.summary)}.`,
    "",
    "```text",
    verb.usage,
    "```",
    "",
    ...optionSections(verb).filter(({ rows }) => rows.length > 0).flatMap(sectionLines),
    "Examples:",
    "",
    ...table(["type", "to"], verb.examples.map(([line, does]) => [code(line), does])),
    "",
    ...sectionLines(exitSection(verb)),
  ];
}

function sectionLines({ heading, rows }: Section): string[] {
  const lines = heading === "Exit codes"
    ? table(["code", "meaning"], rows.map((row) => [...row]))
    : optionTable(rows);
  return [`${heading}:`, "", ...lines, ""];
}

function optionTable(rows: Section["rows"]): string[] {
  return table(["option", "does"], rows.map(([term, doc]) => [code(term.trim()), doc]));
}

function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

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

if (import.meta.main) {
  const read = (page: string) => Deno.readTextFile(new URL(page, ROOT)).catch(() => "");
  const differing: string[] = [];
  for (const [page, text] of await writtenPages(read)) {
    if (await read(page) === text) continue;
    differing.push(page);
    if (!Deno.args.includes("--check")) await Deno.writeTextFile(new URL(page, ROOT), text);
  }
  if (Deno.args.includes("--check") && differing.length > 0) {
    console.error(`${differing.join(", ")}: not as lib/ says; \`deno task readme\` writes them`);
    Deno.exit(1);
  }
}
