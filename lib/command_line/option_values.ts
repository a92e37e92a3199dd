import { nearest } from "../base/nearest.ts";
import { MOST_SECONDS, parseTimeSpan } from "../base/time_spans.ts";
import { UsageError } from "../errors.ts";
import { defaultOf, type OptionValue, takesMany } from "./options.ts";
import type { OptionRow, OptionTable } from "./options.ts";

/** The largest count where a row says nothing else. */
const MOST_COUNT = 1000;

/** An option with its name, without the dashes. */
export type NamedRow = OptionRow & { readonly name: string };

/** The rows of a table, in its order. */
export function namedRows(table: OptionTable): NamedRow[] {
  return Object.entries(table).map(([name, row]) => ({ name, ...row }));
}

/** The rows that help and completions show. */
export function shownRows(table: OptionTable): NamedRow[] {
  return namedRows(table).filter((row) => !row.hidden);
}

/** How help and errors name the value of an option. */
export function metavarOf({ kind, metavar }: OptionRow): string {
  const names: Partial<Record<OptionRow["kind"], string>> = {
    count: "N",
    seconds: "DURATION",
    file: "FILE",
    directory: "DIR",
    path: "PATH",
  };
  return metavar ?? names[kind] ?? "VALUE";
}

/** Whether the word after an option is its value; that of an optional one is tied to it. */
export function takesNextWord({ kind, bare }: OptionRow): boolean {
  return kind !== "flag" && bare === undefined;
}

/** What an option does, with its default, for help and completions. */
export function docOf({ doc, default: value }: OptionRow): string {
  return value === undefined ? doc : `${doc} (${value})`;
}

/**
 * The value of an option.
 *
 * @param given each time it was given, as typed; a flag has no text of its own
 * @throws {UsageError} for a value that the option does not take
 */
export function optionValue(row: NamedRow, given: readonly string[]): OptionValue {
  if (given.length === 0) return defaultOf(row);
  if (row.kind === "flag") return true;
  const values = given.map((text) => valueOf(row, text));
  if (takesMany(row)) return values as string[];
  if (row.bare === undefined && new Set(given).size > 1) {
    throw new UsageError(
      `Option "--${row.name}" was given twice, with different values`,
      "give it once",
    );
  }
  return values.at(-1)!;
}

function valueOf(row: NamedRow, text: string): string | number {
  if (text === "") {
    throw new UsageError(
      `Option "--${row.name}" needs a value`,
      `--${row.name} ${metavarOf(row)}: ${row.doc}`,
    );
  }
  if (row.choices?.includes(text)) return text;
  if (row.kind === "count" || row.kind === "seconds") return numberOf(row, text);
  if (row.choices) {
    throw refusal(row, text, `it takes one of: ${nearest(text, row.choices).join(", ")}`);
  }
  return text;
}

function numberOf(row: NamedRow, text: string): number {
  const isCount = row.kind === "count";
  const { least = 0, most = isCount ? MOST_COUNT : MOST_SECONDS } = row;
  const value = isCount ? (/^\d+$/.test(text) ? Number(text) : NaN) : parseTimeSpan(text) ?? NaN;
  if (value >= least && value <= most) return value;
  const words = (row.choices ?? []).map((word) => `, or ${word}`).join("");
  const what = isCount ? "a count" : "seconds or a time such as 5m or 1h30m";
  throw refusal(row, text, `it takes ${what}, from ${least} to ${most}${words}`);
}

function refusal({ name }: NamedRow, text: string, hint: string): UsageError {
  return new UsageError(`Option "--${name}" does not take "${text}"`, hint);
}
