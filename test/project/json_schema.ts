import type { JsonSchema } from "../../lib/project/value_kinds.ts";

/** The words of JSON Schema that {@linkcode accepts} knows; any other is an error. */
const WORDS: Readonly<
  Record<string, (value: unknown, word: never, schema: JsonSchema, root: JsonSchema) => boolean>
> = {
  $schema: () => true,
  $defs: () => true,
  title: () => true,
  description: () => true,
  $ref: (value, word: string, _, root) =>
    accepts((root.$defs as Record<string, JsonSchema>)[word.replace("#/$defs/", "")]!, value, root),
  type: (value, word: string) =>
    word === "integer" ? Number.isInteger(value) : typeOf(value) === word,
  enum: (value, word: readonly unknown[]) => word.includes(value),
  const: (value, word) => value === word,
  oneOf: (value, word: readonly JsonSchema[], _, root) =>
    word.filter((one) => accepts(one, value, root)).length === 1,
  minLength: (value, word: number) => typeof value !== "string" || [...value].length >= word,
  pattern: (value, word: string) => typeof value !== "string" || new RegExp(word, "u").test(value),
  minimum: (value, word: number) => typeof value !== "number" || value >= word,
  exclusiveMinimum: (value, word: number) => typeof value !== "number" || value > word,
  maximum: (value, word: number) => typeof value !== "number" || value <= word,
  items: (value, word: JsonSchema, _, root) =>
    !Array.isArray(value) || value.every((item) => accepts(word, item, root)),
  minItems: (value, word: number) => !Array.isArray(value) || value.length >= word,
  required: (value, word: readonly string[]) =>
    typeOf(value) !== "object" || word.every((key) => Object.hasOwn(value as object, key)),
  properties: (value, word: Readonly<Record<string, JsonSchema>>, _, root) =>
    typeOf(value) !== "object" ||
    Object.entries(value as object).every(([key, one]) =>
      !Object.hasOwn(word, key) || accepts(word[key]!, one, root)
    ),
  additionalProperties: (value, word: JsonSchema | false, { properties = {} }, root) =>
    typeOf(value) !== "object" ||
    Object.entries(value as object).every(([key, one]) =>
      Object.hasOwn(properties as object, key) || (word !== false && accepts(word, one, root))
    ),
};

/** Whether a schema accepts a value. */
export function accepts(schema: JsonSchema, value: unknown, root: JsonSchema = schema): boolean {
  return Object.entries(schema).every(([word, content]) => {
    const check = WORDS[word];
    if (check === undefined) throw new Error(`unknown word in a schema: ${word}`);
    return check(value, content as never, schema, root);
  });
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
