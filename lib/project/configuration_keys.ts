import {
  DEFAULT_FLAGS,
  DEFAULT_VENV,
  HISTORY_LIMITS,
  MOST_RETRIES,
  QUIET_SECONDS,
  TIME_LIMITS,
  UIS,
} from "../tables/defaults.ts";
import {
  count,
  type JsonSchema,
  LIMIT,
  listOf,
  namedValues,
  POSITIVE,
  type Read,
  refuseUnknown,
  STRINGS,
  tableOf,
  TEXT,
  TIME,
  TRUTH,
  type ValueKind,
  word,
  wrong,
} from "./value_kinds.ts";

/** One key of `[tool.tractest]`: validation, the schema and the documentation come from its row. */
export interface KeyRow {
  readonly kind: ValueKind<unknown>;
  readonly doc: string;
  /** A value, as TOML. */
  readonly example: string;
  /** The default where nothing is known of tractor, as TOML; none: not set. */
  readonly default?: string;
}

/** Whether runs are isolated; `auto`: if the system allows it. */
export type IsolationWish = "always" | "auto" | "never";

const ISOLATE: ValueKind<IsolationWish> = {
  takes: 'true, `"auto"` or false',
  schema: { enum: [true, "auto", false] },
  read: (value, key) => {
    if (value === "auto") return "auto";
    if (typeof value !== "boolean") throw wrong(`"${key}" must be true, "auto" or false`);
    return value ? "always" : "never";
  },
};

const JOBS: ValueKind<number | "auto"> = {
  takes: 'a whole number, or `"auto"`',
  schema: { oneOf: [{ const: "auto" }, { type: "integer", minimum: 1 }] },
  read: (value, key) => {
    if (value === "auto") return value;
    const number = POSITIVE.read(value, key);
    if (!Number.isInteger(number)) throw wrong(`"${key}" must be a whole number, or "auto"`);
    return number;
  },
};

const FLAKY = tableOf({ test: TEXT, error: TEXT, notes: TEXT }, ["test", "error"], {
  test: '"test_a.py::test_b"',
  error: '"TimeoutError"',
});
const CHANGES = tableOf({ changed: STRINGS, tests: STRINGS }, ["changed", "tests"], {
  changed: '["net/"]',
  tests: '["test_wire.py"]',
});

/** One pattern of tests, or several. */
const FILTER: ValueKind<readonly string[]> = {
  takes: "a pattern, or a list of them",
  schema: { oneOf: [TEXT.schema, { type: "array", items: TEXT.schema, minItems: 1 }] },
  read: (value, key) => {
    if (!Array.isArray(value)) return [TEXT.read(value, key)];
    if (value.length === 0) throw wrong(`"${key}" must name at least one pattern`);
    return value.map((one) => TEXT.read(one, key));
  },
};

const OVERRIDE = tableOf(
  {
    filter: FILTER,
    timeout: LIMIT,
    retries: count(0, MOST_RETRIES),
    alone: TRUTH,
    isolate: ISOLATE,
  },
  ["filter"],
  { filter: '"tests/slow_*.py"' },
);

/** What differs for some of the tests. What it does not say is as for all tests. */
export interface Override {
  /** Node ids, directories, or globs of node ids. */
  readonly filter: readonly string[];
  /** Seconds; 0: no limit. */
  readonly timeout?: number;
  readonly retries?: number;
  /** Whether they run when no others do. */
  readonly alone?: boolean;
  /** Whether they run isolated, after those that don't; `auto`: if the system allows it. */
  readonly isolate?: IsolationWish;
}

const OVERRIDES = listOf(OVERRIDE, "a list of tables") as ValueKind<readonly Override[]>;

/** The keys, in the order of the documentation, except `profile`. */
export const CONFIGURATION_KEYS = {
  "registries": {
    kind: STRINGS,
    doc: "addresses that tests use for a registry, `host:port` each; a run binds the first",
    example: '["127.0.0.1:1616"]',
    default: "[]",
  },
  "socket-directories": {
    kind: STRINGS,
    doc: "directories besides the standard ones in which tests make Unix sockets",
    example: '["run"]',
    default: "[]",
  },
  "venv": {
    kind: TEXT,
    doc: "the venv's directory, where `py<MINOR>` is py313 for Python 3.13; " +
      "`.venv` and others are found too",
    example: '".venv"',
    default: `"${DEFAULT_VENV}"`,
  },
  "package": {
    kind: TEXT,
    doc: "the import name of the package under test; otherwise found by the project's name",
    example: '"my_app"',
  },
  "default-flags": {
    kind: STRINGS,
    doc: "options that pytest gets unless their opposite is given; tractor's default: " +
      `\`${DEFAULT_FLAGS.join(" ")}\``,
    example: '["--tb=short"]',
    default: "[]",
  },
  "time-limit-full": {
    kind: TIME,
    doc: "time limit of a run of the whole suite",
    example: '"15m"',
    default: String(TIME_LIMITS.full),
  },
  "time-limit-file": {
    kind: TIME,
    doc: "time limit of a run whose targets lie in one file",
    example: '"2m"',
    default: String(TIME_LIMITS.file),
  },
  "time-limit-quiet": {
    kind: TIME,
    doc: "a run over its time limit is cut once nothing has finished for so long: " +
      "no test and no phase of a fixture",
    example: '"2m"',
    default: String(QUIET_SECONDS),
  },
  "test-timeout": {
    kind: LIMIT,
    doc: "time limit of each test: a test that hangs is ended, with its processes, and reported",
    example: '"60s"',
    default: "0",
  },
  "retries": {
    kind: count(0, MOST_RETRIES),
    doc: "how often a failed test runs again, each time in a fresh pytest",
    example: "2",
    default: "0",
  },
  "strict": {
    kind: TRUTH,
    doc: "exit 84 if the tests passed but left processes behind, hung at exit or passed only " +
      "when retried",
    example: "true",
    default: "false",
  },
  "jobs": {
    kind: JOBS,
    doc: "pytests at once: a number, or as many as there are processors",
    example: '"auto"',
    default: "1",
  },
  "alone": {
    kind: STRINGS,
    doc: "tests that run when no others do: ids, files, globs",
    example: '["tests/test_timing.py"]',
    default: "[]",
  },
  "job-registries": {
    kind: STRINGS,
    doc: "without isolation: an address for each pytest, in TRACTEST_REGISTRY",
    example: '["127.0.0.1:1616", "127.0.0.1:1617"]',
    default: "[]",
  },
  "isolate": {
    kind: ISOLATE,
    doc: "run in namespaces of its own; auto: if the system allows it",
    example: '"auto"',
  },
  "overrides": {
    kind: OVERRIDES,
    doc: "other settings for some tests: time limit, retries, alone, isolate",
    example: '[{ filter = "tests/slow_*.py", timeout = "5m" }]',
    default: "[]",
  },
  "ui": {
    kind: word(UIS),
    doc: "what shows a run: pytest's own output, a progress bar, or a report for coding agents",
    example: '"bar"',
    default: '"pytest"',
  },
  "junit": {
    kind: TEXT,
    doc: "a file, relative to the project, that each run writes a JUnit report to",
    example: '"build/junit.xml"',
  },
  "notify": {
    kind: TRUTH,
    doc: "announce the end of each run on the desktop and by the terminal's bell",
    example: "true",
    default: "false",
  },
  "known-flaky": {
    kind: listOf(FLAKY, "a list of tables"),
    doc: "tests that fail now and then: `test`, `error` (the end of a class's name, or a text of " +
      "the message) and `notes`",
    example: '[{ test = "test_a.py::test_b", error = "TimeoutError", notes = "why" }]',
    default: "[]",
  },
  "change-map": {
    kind: listOf(CHANGES, "a list of tables"),
    doc: "which tests a change affects: `changed` names files below the package " +
      '(`"/scripts/"`: below the root), `tests` the tests',
    example: '[{ changed = ["net/"], tests = ["net/", "test_wire.py"] }]',
    default: "[]",
  },
  "targets": {
    kind: namedValues(STRINGS, "a table of lists of strings"),
    doc: "names for sets of tests: `tractest run smoke`",
    example: '{ smoke = ["test_start.py", "test_stop.py"] }',
    default: "{}",
  },
  "history-runs": {
    kind: POSITIVE,
    doc: "how many runs of this project the history keeps",
    example: "1000",
    default: String(HISTORY_LIMITS.runs),
  },
  "history-days": {
    kind: POSITIVE,
    doc: "their age in days",
    example: "90",
    default: String(HISTORY_LIMITS.days),
  },
  "history-megabytes": {
    kind: POSITIVE,
    doc: "the size of the whole database",
    example: "100",
    default: String(HISTORY_LIMITS.megabytes),
  },
  "pre-push-run": {
    kind: TRUTH,
    doc: "the pre-push hook also runs the affected tests, on the work tree as it is",
    example: "true",
    default: "false",
  },
} as const satisfies Readonly<Record<string, KeyRow>>;

/** The name of a key. */
export type KeyName = keyof typeof CONFIGURATION_KEYS;

/** The value of a key, as it is read. */
export type KeyValue<Key extends KeyName> = Read<typeof CONFIGURATION_KEYS[Key]["kind"]>;

/** Values of keys. */
export type KeyValues = { readonly [Key in KeyName]?: KeyValue<Key> };

/** The key whose tables replace values when a profile is chosen. */
export const PROFILE_KEY = "profile";

/** Every key of `[tool.tractest]`. */
export const KEYS: readonly string[] = [...Object.keys(CONFIGURATION_KEYS), PROFILE_KEY];

/**
 * Validates the keys of a table.
 *
 * @param prefix what stands before each key in an error
 * @throws {PreflightError} for an unknown key or a value that it does not take
 */
export function readKeys(
  table: Readonly<Record<string, unknown>>,
  known: readonly string[],
  prefix = "",
): KeyValues {
  refuseUnknown(table, known, prefix === "" ? undefined : prefix.slice(0, -1));
  const rows: Readonly<Record<string, KeyRow>> = CONFIGURATION_KEYS;
  const values = Object.entries(table).filter(([key]) => key !== PROFILE_KEY);
  return Object.fromEntries(
    values.map(([key, value]) => [key, rows[key]!.kind.read(value, prefix + key)]),
  ) as KeyValues;
}

/** The tables below `profile`, by their names; each takes every key but `profile`. */
export function readProfiles(value: unknown): Readonly<Record<string, KeyValues>> {
  return PROFILES.read(value === undefined ? {} : value, PROFILE_KEY);
}

const PROFILES = namedValues<KeyValues>({
  takes: "a table",
  schema: { $ref: "#/$defs/keys" },
  read: (value, key) => {
    const table = namedValues(ANYTHING, "a table").read(value, key);
    return readKeys(table, Object.keys(CONFIGURATION_KEYS), `${key}.`);
  },
}, "a table of tables");

const ANYTHING: ValueKind<unknown> = {
  takes: "anything",
  schema: {},
  read: (value) => value,
};

/** The JSON schema of `[tool.tractest]`. */
export function configurationSchema(): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries<KeyRow>(CONFIGURATION_KEYS).map(([key, { kind, doc }]) => [
      key,
      { description: doc, ...kind.schema },
    ]),
  );
  const profile = {
    description: "values that replace the others when --profile or TRACTEST_PROFILE names them",
    ...PROFILES.schema,
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "[tool.tractest] in pyproject.toml",
    type: "object",
    properties: { ...properties, [PROFILE_KEY]: profile },
    additionalProperties: false,
    $defs: { keys: { type: "object", properties, additionalProperties: false } },
  };
}
