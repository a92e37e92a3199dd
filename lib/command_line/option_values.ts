import { nearest } from "../base/nearest.ts";
import { UsageError } from "../errors.ts";
import type { OptionRow } from "./options.ts";

/** The value of an option, as its command gets it. */
export type OptionValue = boolean | string | number | null | readonly string[];

/** The largest count where a row says nothing else. */
const MOST_COUNT = 1000;

/** Seconds that a timer can count: longer ones end at once. */
const MOST_SECONDS = 1_000_000;

/** How help and errors name the value of an option. */
export function metavarOf({ kind, metavar }: OptionRow): string {
  const names: Partial<Record<OptionRow["kind"], string>> = {
    count: "N",
    seconds: "SECONDS",
    file: "FILE",
    directory: "DIR",
    path: "PATH",
  };
  return metavar ?? names[kind] ?? "VALUE";
}

/** Whether an option takes a value each time it is given. */
export function takesMany({ kind }: OptionRow): boolean {
  return kind === "texts" || kind === "choices";
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
export function optionValue(row: OptionRow, given: readonly string[]): OptionValue {
  if (row.kind === "flag") return given.length > 0;
  const values = given.map((text) => valueOf(row, text));
  if (takesMany(row)) return values as string[];
  if (row.bare === undefined && new Set(given).size > 1) {
    throw new UsageError(
      `Option "--${row.name}" was given twice, with different values`,
      "give it once",
    );
  }
  return values.at(-1) ?? row.default ?? null;
}

function valueOf(row: OptionRow, text: string): string | number {
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

function numberOf(row: OptionRow, text: string): number {
  const isCount = row.kind === "count";
  const { least = 0, most = isCount ? MOST_COUNT : MOST_SECONDS } = row;
  const value = (isCount ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  const words = (row.choices ?? []).map((word) => `, or ${word}`).join("");
  const what = isCount ? "a count" : "seconds";
  throw refusal(row, text, `it takes ${what}, from ${least} to ${most}${words}`);
}

function refusal({ name }: OptionRow, text: string, hint: string): UsageError {
  return new UsageError(`Option "--${name}" does not take "${text}"`, hint);
}
