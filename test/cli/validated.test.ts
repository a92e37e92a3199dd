import { documentSchemas } from "../../scripts/document_schemas.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { problemOf, validate } from "./validated.ts";

Deno.test("a document without a field, with another type or of an unknown form is refused", () => {
  const version = { schema: "tractest.version/1", version: "1", kind: "a", runtime: "b" };
  assertEquals(problemOf("version", version), null);
  assertEquals(problemOf("version", { ...version, more: true }), null);
  assert(problemOf("version", { ...version, kind: null }));
  assert(problemOf("version", { ...version, schema: "tractest.version/2" }));
  const { kind: _, ...without } = version;
  assert(problemOf("version", without));
  assert(problemOf("unheard-of", { ...version, schema: "tractest.unheard-of/1" }));
  const error = { code: "usage", message: "x", hint: null };
  assertEquals(problemOf("unheard-of", { schema: "tractest.unheard-of/1", error }), null);
  const line = '{"schema": "tractest.events/1", "event": "claimed"}';
  assertThrows(() => validate(`${line}\n`), Error);
  validate(`{"schema": "tractest.events/1", "event": "claimed", "time": 1, "index": 2}\n`);
});

Deno.test("each schema names its draft, its document and the keys that it must have", () => {
  for (const [name, schema] of documentSchemas()) {
    assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema", name);
    const forms = schema.anyOf as { required: string[] }[];
    for (const { required } of forms) assert(required.length > 0, name);
    assert(!JSON.stringify(schema).includes('"additionalProperties":false'), name);
  }
});
