import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";

const SCHEMAS = new URL("../../docs/reference/schemas/", import.meta.url);
const schemas = new Map<string, Schema>();

/**
 * Checks every document in an output against the published schema that it names: the output as a
 * whole, or each of its lines.
 *
 * @throws {Error} for a document that its schema does not accept, or without a schema
 */
export function validate(output: string): void {
  if (!output.includes('"tractest.')) return;
  const whole = parsed(output);
  const documents = whole === null ? output.split("\n").map(parsed) : [whole];
  for (const document of documents) {
    const name = /^tractest\.([a-z-]+)\/1$/.exec(String(document?.schema))?.[1];
    if (name === undefined) continue;
    const why = problemOf(name, document!);
    if (why !== null) throw new Error(`not a ${name} document: ${why}\n${output.slice(0, 3000)}`);
  }
}

/** Files of events that were checked. */
const seen = new Set<string>();
/** Bytes of a file of events that are checked: the rest of a long one is alike. */
const MOST_BYTES = 200_000;

/**
 * Checks the events of the runs in a state directory, each once.
 *
 * @throws {Error} for an event that does not fit its schema
 */
export async function validateEvents(state: string): Promise<void> {
  const runs = `${state}/tractest/runs`;
  for (const run of await Array.fromAsync(Deno.readDir(runs)).catch(() => [])) {
    const path = `${runs}/${run.name}/events.jsonl`;
    if (seen.has(path)) continue;
    const text = await Deno.readTextFile(path).catch(() => null);
    if (text === null) continue;
    seen.add(path);
    validate(text.slice(0, MOST_BYTES));
  }
}

/** Why a document does not fit its schema; null if it does. */
export function problemOf(
  name: string,
  document: Readonly<Record<string, unknown>>,
): string | null {
  const schema = schemaOf(name) ?? schemaOf("error");
  if (schema === null) return "there are no schemas";
  if (new Validator(schema, "2020-12").validate(document).valid) return null;
  const { errors } = new Validator(schema, "2020-12", false).validate(document);
  return errors.map(describe).slice(-12).join("\n");
}

function describe({ instanceLocation, error }: OutputUnit): string {
  return `${instanceLocation}: ${error}`;
}

/** The schema of a document; null for that of a command that has none but its errors. */
function schemaOf(name: string): Schema | null {
  if (schemas.size === 0) {
    for (const { name: file } of Deno.readDirSync(SCHEMAS)) {
      schemas.set(file, JSON.parse(Deno.readTextFileSync(new URL(file, SCHEMAS))));
    }
  }
  return schemas.get(`${name}.json`) ?? null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
