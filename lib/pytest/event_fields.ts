/** A JSON schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A type of event field: checks a JSON value once, when it is read, and gives it a static type. */
export interface Field<T> {
  /**
   * Whether a value is of the type; `undefined` means a missing field. Fills in null for
   * missing fields of objects that may be null.
   */
  readonly accepts: (value: unknown) => boolean;
  /** Whether a missing field is read as null. */
  readonly isNullable?: boolean;
  /** Whether the field may be missing. */
  readonly isOptional?: boolean;
  /** The type as a JSON schema (draft 2020-12). */
  readonly schema: JsonSchema;
  /** The type; only for the compiler. */
  readonly type?: T;
}

/** Fields by their names. Other fields belong to a later version and are left alone. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The type of a field. */
export type TypeOf<F> = F extends Field<infer T> ? T : never;
/** The names of the fields that may be missing. */
export type OptionalIn<F> = {
  [Key in keyof F]: undefined extends TypeOf<F[Key]> ? Key : never;
}[keyof F];

/** The object that has these fields. */
export type ObjectOf<F> =
  & { readonly [Key in Exclude<keyof F, OptionalIn<F>>]: TypeOf<F[Key]> }
  & { readonly [Key in OptionalIn<F>]?: TypeOf<F[Key]> };

/** A string. */
export const text: Field<string> = {
  accepts: (value) => typeof value === "string",
  schema: { type: "string" },
};
/** A finite number. */
export const number: Field<number> = {
  accepts: (value) => typeof value === "number" && Number.isFinite(value),
  schema: { type: "number" },
};
/** A boolean. */
export const flag: Field<boolean> = {
  accepts: (value) => typeof value === "boolean",
  schema: { type: "boolean" },
};
/** An object whose values are strings. */
export const texts: Field<Readonly<Record<string, string>>> = {
  accepts: (value) => isObject(value) && Object.values(value).every(text.accepts),
  schema: { type: "object", additionalProperties: text.schema },
};

/** A field that may be missing. */
export function optional<T>({ accepts, schema }: Field<T>): Field<T | undefined> {
  return { accepts: (value) => value === undefined || accepts(value), isOptional: true, schema };
}

/** A field that may be null; missing means the same. */
export function nullable<T>({ accepts, schema }: Field<T>): Field<T | null> {
  return {
    accepts: (value) => value === null || value === undefined || accepts(value),
    isNullable: true,
    isOptional: true,
    schema: { anyOf: [schema, { type: "null" }] },
  };
}

/** A field that has to be there and may be null. */
export function orNull<T>({ accepts, schema }: Field<T>): Field<T | null> {
  return {
    accepts: (value) => value === null || accepts(value),
    schema: { anyOf: [schema, { type: "null" }] },
  };
}

/** One of some words. */
export function oneOf<const Words extends readonly string[]>(
  ...words: Words
): Field<Words[number]> {
  return { accepts: (value) => words.includes(value as string), schema: { enum: words } };
}

/** A list, whatever its length. */
export function list<T>({ accepts, schema }: Field<T>): Field<readonly T[]> {
  return {
    accepts: (value) => Array.isArray(value) && value.every(accepts),
    schema: { type: "array", items: schema },
  };
}

/** A name and a value. */
export const pair: Field<readonly [string, string]> = {
  accepts: (value) => Array.isArray(value) && value.length === 2 && value.every(text.accepts),
  schema: { type: "array", prefixItems: [text.schema, text.schema], minItems: 2, maxItems: 2 },
};

/** An object with these fields. */
export function object<const F extends Fields>(fields: F): Field<ObjectOf<F>> {
  return {
    accepts: (value) => isObject(value) && wrongField(value, fields) === null,
    schema: objectSchema(fields),
  };
}

/** The JSON schema of an object with these fields; it may have more. */
export function objectSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: entries.filter(([, { isOptional }]) => !isOptional).map(([name]) => name),
  };
}

/**
 * The first field of an object that is missing or of another type; null if all are right. Fills in
 * null for missing fields that may be null.
 */
export function wrongField(value: Record<string, unknown>, fields: Fields): string | null {
  for (const name in fields) {
    const field = fields[name]!;
    if (!field.accepts(value[name])) return name;
    if (field.isNullable === true) value[name] ??= null;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
