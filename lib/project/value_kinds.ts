import { MOST_SECONDS, parseTimeSpan, TIME_SPAN } from "../base/time_spans.ts";
import { suggestion } from "../base/nearest.ts";
import { PreflightError } from "../errors.ts";

/** A JSON schema, of the few words that the configuration needs. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a key takes, once as code and once as a JSON schema: both accept the same values. */
export interface ValueKind<T> {
  /** Returns the value. @throws {PreflightError} that names the key */
  readonly read: (value: unknown, key: string) => T;
  readonly schema: JsonSchema;
  /** For people: `a list of strings`. */
  readonly takes: string;
}

/** The type of the values of a kind. */
export type Read<Kind> = Kind extends ValueKind<infer T> ? T : never;

/** A problem of `[tool.tractest]`. */
export function wrong(what: string, hint?: string): PreflightError {
  return new PreflightError("configuration", `[tool.tractest] in pyproject.toml: ${what}`, hint);
}

/** A string that is not empty. */
export const TEXT: ValueKind<string> = {
  takes: "a string",
  schema: { type: "string", minLength: 1 },
  read: (value, key) => {
    if (typeof value === "string" && value !== "") return value;
    throw wrong(`"${key}" must be a string`);
  },
};

/** A list of strings. */
export const STRINGS: ValueKind<readonly string[]> = {
  takes: "a list of strings",
  schema: { type: "array", items: { type: "string" } },
  read: (value, key) => {
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw wrong(`"${key}" must be a list of strings`);
  },
};

/** True or false. */
export const TRUTH: ValueKind<boolean> = {
  takes: "true or false",
  schema: { type: "boolean" },
  read: (value, key) => {
    if (typeof value === "boolean") return value;
    throw wrong(`"${key}" must be true or false`);
  },
};

/** A number above 0. */
export const POSITIVE: ValueKind<number> = {
  takes: "a number above 0",
  schema: { type: "number", exclusiveMinimum: 0 },
  read: (value, key) => {
    if (typeof value === "number" && value > 0) return value;
    throw wrong(`"${key}" must be a number above 0`);
  },
};

/** Seconds, as a number or a time such as `5m`. */
export const TIME: ValueKind<number> = {
  takes: "seconds, or a time such as `5m` or `1h30m`",
  schema: {
    oneOf: [
      { type: "number", exclusiveMinimum: 0, maximum: MOST_SECONDS },
      // Not all of its digits are 0.
      { type: "string", pattern: TIME_SPAN.replace("^", "^(?=.*[1-9])") },
    ],
  },
  read: (value, key) => {
    const seconds = secondsIn(value);
    if (seconds !== null && seconds > 0) return seconds;
    throw wrong(
      `"${key}" must be a number above 0, in seconds, or a time`,
      `at most ${MOST_SECONDS} seconds; a time is a string such as "90", "5m" or "1h30m"`,
    );
  },
};

/** The same, or 0 for no limit. */
export const LIMIT: ValueKind<number> = {
  takes: "seconds, or a time such as `5m`; 0: none",
  schema: {
    oneOf: [
      { type: "number", minimum: 0, maximum: MOST_SECONDS },
      { type: "string", pattern: TIME_SPAN },
    ],
  },
  read: (value, key) => {
    const seconds = secondsIn(value);
    if (seconds !== null) return seconds;
    throw wrong(
      `"${key}" must be seconds or a time`,
      `at most ${MOST_SECONDS} seconds; a time is a string such as "90", "5m" or "1h30m"`,
    );
  },
};

function secondsIn(value: unknown): number | null {
  const seconds = typeof value === "string" ? parseTimeSpan(value) : value;
  return typeof seconds === "number" && seconds >= 0 && seconds <= MOST_SECONDS ? seconds : null;
}

/** A whole number within bounds. */
export function count(least: number, most: number): ValueKind<number> {
  return {
    takes: `a whole number from ${least} to ${most}`,
    schema: { type: "integer", minimum: least, maximum: most },
    read: (value, key) => {
      if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
        return Number(value);
      }
      throw wrong(`"${key}" must be a whole number from ${least} to ${most}`);
    },
  };
}

/** One of a few words. */
export function word<const Word extends string>(words: readonly Word[]): ValueKind<Word> {
  const listed = words.map((one) => `"${one}"`).join(", ");
  return {
    takes: `one of ${words.map((one) => `\`"${one}"\``).join(", ")}`,
    schema: { enum: words },
    read: (value, key) => {
      const known = words.find((one) => one === value);
      if (known !== undefined) return known;
      throw wrong(`"${key}" must be one of ${listed}`);
    },
  };
}

/** A list of values. */
export function listOf<T>(kind: ValueKind<T>, takes: string): ValueKind<readonly T[]> {
  return {
    takes,
    schema: { type: "array", items: kind.schema },
    read: (value, key) => {
      if (!Array.isArray(value)) throw wrong(`"${key}" must be a list of tables`);
      return value.map((item) => kind.read(item, key));
    },
  };
}

/** A table whose keys are names of the user's own. */
export function namedValues<T>(
  kind: ValueKind<T>,
  takes: string,
): ValueKind<Readonly<Record<string, T>>> {
  return {
    takes,
    schema: { type: "object", additionalProperties: kind.schema },
    read: (value, key) =>
      Object.fromEntries(
        Object.entries(tableIn(value, key)).map((
          [name, one],
        ) => [name, kind.read(one, `${key}.${name}`)]),
      ),
  };
}

/** The kinds of the keys of a table. */
export type Fields = Readonly<Record<string, ValueKind<unknown>>>;

/**
 * A table with the keys of `fields`; those of `required` must be there.
 *
 * @param examples values of the required keys, as TOML
 */
export function tableOf<F extends Fields>(
  fields: F,
  required: readonly (keyof F & string)[] = [],
  examples: Readonly<Record<string, string>> = {},
): ValueKind<{ readonly [Key in keyof F]?: Read<F[Key]> }> {
  const schemas = Object.entries(fields).map(([key, { schema }]) => [key, schema]);
  return {
    takes: "a table",
    schema: {
      type: "object",
      properties: Object.fromEntries(schemas),
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false,
    },
    read: (value, key) => {
      const table = tableIn(value, key);
      refuseUnknown(table, Object.keys(fields), key);
      const missing = required.find((name) => table[name] === undefined);
      if (missing !== undefined) {
        const given = Object.entries(table).map(([name, one]) => `${name} = ${toToml(one)}`);
        throw wrong(
          `an entry of "${key}" has no "${missing}": { ${given.join(", ")} }`,
          `${key} = [{ ${required.map((name) => `${name} = ${examples[name]}`).join(", ")} }]`,
        );
      }
      const read = Object.entries(table).map((
        [name, one],
      ) => [name, fields[name]!.read(one, `${key}.${name}`)]);
      return Object.fromEntries(read) as { readonly [Key in keyof F]?: Read<F[Key]> };
    },
  };
}

/**
 * Refuses a key that is not known.
 *
 * @param key the table's own; none for `[tool.tractest]`
 */
export function refuseUnknown(
  table: Readonly<Record<string, unknown>>,
  known: readonly string[],
  key?: string,
): void {
  const unknown = Object.keys(table).find((one) => !known.includes(one));
  if (unknown === undefined) return;
  const hint = suggestion(unknown, known) ?? `known keys: ${known.join(", ")}`;
  throw wrong(`unknown key "${unknown}"${key === undefined ? "" : ` in "${key}"`}`, hint);
}

/** A value of a table as TOML shows it, as far as tables of the configuration have it. */
function toToml(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function tableIn(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
  if (!isTable) throw wrong(`"${key}" must be a table`);
  return value as Record<string, unknown>;
}
