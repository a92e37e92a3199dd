/** Fields of documents and events as rows of the reference. */
import type { Fields, JsonSchema } from "../lib/pytest/event_fields.ts";

/** Levels of keys that have rows of their own; the schemas have all. */
const LEVELS = 2;

/**
 * A row for each field: its key, its type, and what it is. A key that may be missing has `?`, keys
 * inside of lists `[]`.
 */
export function fieldRows(fields: Fields, prefix = "", level = 1): string[][] {
  return Object.entries(fields).flatMap(([name, { schema, isOptional }]) =>
    rowsOf(`${prefix}${name}`, schema, isOptional === true, level)
  );
}

function rowsOf(key: string, schema: JsonSchema, isOptional: boolean, level: number): string[][] {
  const mark = isOptional ? "?" : "";
  const row = [`\`${key}${mark}\``, typeText(schema), String(schema.description ?? "")];
  const inner = innerObject(schema);
  if (inner === null || level >= LEVELS) return [row];
  const { properties, required } = inner.schema;
  const isRequired = (name: string) => (required as readonly string[]).includes(name);
  const below = Object.entries(properties as Readonly<Record<string, JsonSchema>>);
  return [
    row,
    ...below.flatMap(([name, each]) =>
      rowsOf(`${key}${inner.path}.${name}`, each, !isRequired(name), level + 1)
    ),
  ];
}

/** `string`, `list of numbers or null`, `one of ok, warn` */
export function typeText(schema: JsonSchema): string {
  const { type, items, anyOf, additionalProperties } = schema;
  const words = schema.enum as readonly unknown[] | undefined;
  if (words?.length === 1) return `\`${words[0]}\``;
  if (words !== undefined) return `one of ${words.join(", ")}`;
  if (anyOf !== undefined) return (anyOf as readonly JsonSchema[]).map(typeText).join(" or ");
  if (type === "array") {
    if (items === undefined) return "two strings";
    const members = plural(items as JsonSchema);
    return members === "any" ? "list" : `list of ${members}`;
  }
  if (type === "object" && additionalProperties !== undefined) {
    return `object of ${plural(additionalProperties as JsonSchema)}`;
  }
  return type === undefined ? "any" : String(type);
}

/** The type of the members of a list. */
function plural(schema: JsonSchema): string {
  const one = typeText(schema);
  return /^[a-z]+$/.test(one) && one !== "any" ? `${one}s` : one;
}

/** The object that a value is, or that the members of a list are; null: it is neither. */
function innerObject(schema: JsonSchema): { schema: JsonSchema; path: string } | null {
  const forms = (schema.anyOf as readonly JsonSchema[] | undefined) ?? [schema];
  for (const form of forms) {
    if (form.type === "object" && form.required !== undefined) return { schema: form, path: "" };
    if (form.type !== "array" || form.items === undefined) continue;
    const inner = innerObject(form.items as JsonSchema);
    if (inner !== null) return { schema: inner.schema, path: `[]${inner.path}` };
  }
  return null;
}
