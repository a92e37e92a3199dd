import fc from "fast-check";
import { parse } from "smol-toml";
import { readConfiguration } from "../../lib/project/configuration.ts";
import {
  CONFIGURATION_KEYS,
  configurationSchema,
  type KeyRow,
} from "../../lib/project/configuration_keys.ts";
import { PreflightError } from "../../lib/errors.ts";
import { assert, assertEquals } from "../assert.ts";
import { accepts } from "./json_schema.ts";

const SCHEMA = configurationSchema();
const ROWS = Object.entries<KeyRow>(CONFIGURATION_KEYS);

type Table = Readonly<Record<string, unknown>>;

function isRead(table: Table): boolean {
  try {
    readConfiguration(table, "plain");
    return true;
  } catch (error) {
    assert(error instanceof PreflightError, String(error));
    return false;
  }
}

const examples = ROWS.map(([, row]) => parse(`value = ${row.example}`).value);

/** Values of the right kind for one key or another, and values that are almost right. */
const leaf = fc.oneof(
  fc.constantFrom<unknown>(...examples),
  fc.constantFrom<unknown>("auto", "5m", "0m", "00s", "1h30m", "30m1h", "", "pytest", "bar", null),
  fc.constantFrom<unknown>(true, false, 0, 1, -1, 0.5, 1000, 1001, 1_000_000, 1_000_001, 1e300),
  fc.string({ unit: fc.constantFrom(..."019.hms") }),
);

const words = fc.constantFrom(
  ...[
    "filter",
    "timeout",
    "retries",
    "alone",
    "isolate",
    "test",
    "error",
    "notes",
    "changed",
    "tests",
    "x",
  ],
);
const value = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 3 }),
  fc.dictionary(words, leaf, { maxKeys: 3 }),
  fc.array(fc.dictionary(words, leaf, { maxKeys: 4 }), { maxLength: 2 }),
);
const key = fc.constantFrom(...ROWS.map(([name]) => name), "profile", "unknown");
const table = fc.dictionary(key, value, { maxKeys: 2 });

Deno.test("the schema and the validation accept the same configurations", () => {
  const counts = { accepted: 0, refused: 0 };
  const agree = (one: Table) => {
    const read = isRead(one);
    counts[read ? "accepted" : "refused"]++;
    assertEquals(accepts(SCHEMA, one), read, JSON.stringify(one));
  };
  fc.assert(fc.property(table, agree), { numRuns: 4000, seed: 15 });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("ci", "x"), table, { maxKeys: 2 }), (profile) => {
      agree({ profile });
    }),
    { numRuns: 1000, seed: 16 },
  );
  assert(counts.accepted > 500 && counts.refused > 500, JSON.stringify(counts));
});

Deno.test("each example and each default of the table is accepted by both", () => {
  for (const [name, row] of ROWS) {
    for (const toml of [row.example, row.default ?? row.example]) {
      const one = { [name]: parse(`value = ${toml}`).value };
      assert(isRead(one) && accepts(SCHEMA, one), JSON.stringify(one));
    }
  }
});

Deno.test("each documented default is the one that a project without tractor has", () => {
  const defaults = readConfiguration({}, "plain");
  for (const [name, row] of ROWS.filter(([, row]) => row.default !== undefined)) {
    const same = readConfiguration({ [name]: parse(`value = ${row.default}`).value }, "plain");
    assertEquals({ ...same, jobs: null, ui: null }, { ...defaults, jobs: null, ui: null }, name);
  }
});
