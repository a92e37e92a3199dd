import { PreflightError } from "../errors.ts";
import { CHANGE_MAP, type ChangeRow } from "./change_map.ts";
import {
  DEFAULT_FLAGS,
  DEFAULT_REGISTRY,
  DEFAULT_TARGETS,
  DEFAULT_VENV,
  HISTORY_LIMITS,
  QUIET_SECONDS,
  TIME_LIMITS,
} from "../tables/defaults.ts";
import { KNOWN_FLAKY, type KnownFlakyRow } from "./known_flaky.ts";
import type { Profile } from "./rules_profile.ts";
import { suggestion } from "../base/nearest.ts";
import { table } from "./project_files.ts";

/** `[tool.tractest]`, with defaults. */
export interface Configuration {
  /** `host:port` each; a run binds the first. */
  readonly registries: readonly string[];
  /** Additional directories in which actors create Unix sockets. */
  readonly socketDirectories: readonly string[];
  /** The venv's directory below the root, with `<MINOR>` for `313`. */
  readonly venv: string;
  /** The import name of the package under test; null: found by the name of the project. */
  readonly package: string | null;
  readonly defaultFlags: readonly string[];
  /** Seconds. */
  readonly timeLimitFull: number;
  /** Seconds. */
  readonly timeLimitFile: number;
  /** Seconds without a finished test after which a run over its time limit is ended. */
  readonly timeLimitQuiet: number;
  readonly knownFlaky: readonly KnownFlakyRow[];
  readonly changeMap: readonly ChangeRow[];
  /** Named targets, `core` among them. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Number of parallel pytest sessions; null if not configured. */
  readonly jobs: number | "auto" | null;
  /** Tests, or globs of tests, that run alone. */
  readonly alone: readonly string[];
  /**
   * Registry addresses, one for each parallel session, which the suite reads from its environment;
   * empty if it can't.
   */
  readonly jobRegistries: readonly string[];
  /** The limits of the project's history. */
  readonly history: { readonly runs: number; readonly days: number; readonly megabytes: number };
  /** Whether runs are isolated; null if not configured. */
  readonly isolate: IsolationWish | null;
  /** Whether a pre-push hook also runs the affected tests. */
  readonly prePushRun: boolean;
}

/** The defaults where nothing is known of tractor. */
export const PLAIN_CONFIGURATION: Configuration = {
  registries: [],
  socketDirectories: [],
  venv: DEFAULT_VENV,
  package: null,
  defaultFlags: [],
  timeLimitFull: TIME_LIMITS.full,
  timeLimitFile: TIME_LIMITS.file,
  timeLimitQuiet: QUIET_SECONDS,
  knownFlaky: [],
  changeMap: [],
  targets: {},
  jobs: null,
  alone: [],
  jobRegistries: [],
  history: HISTORY_LIMITS,
  isolate: null,
  prePushRun: false,
};

/** The defaults in tractor's profile, made for tractor itself. */
export const DEFAULT_CONFIGURATION: Configuration = {
  ...PLAIN_CONFIGURATION,
  registries: [DEFAULT_REGISTRY],
  defaultFlags: DEFAULT_FLAGS,
  knownFlaky: KNOWN_FLAKY,
  changeMap: CHANGE_MAP,
  targets: DEFAULT_TARGETS,
};

/** The defaults of each profile. */
const DEFAULTS: Readonly<Record<Profile, Configuration>> = {
  tractor: DEFAULT_CONFIGURATION,
  plain: PLAIN_CONFIGURATION,
};

/**
 * Validates `[tool.tractest]`. What is not configured has the default of the profile.
 *
 * @throws {PreflightError} for an unknown key or a value of the wrong type
 */
export function readConfiguration(
  tractest: Readonly<Record<string, unknown>> | null,
  profile: Profile,
): Configuration {
  const defaults = DEFAULTS[profile];
  if (!tractest) return defaults;
  const unknown = Object.keys(tractest).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const hint = suggestion(unknown, KEYS) ?? `known keys: ${KEYS.join(", ")}`;
    throw wrong(`unknown key "${unknown}"`, hint);
  }
  const get = <T>(key: string, read: (value: unknown, key: string) => T, otherwise: T): T =>
    key in tractest ? read(tractest[key], key) : otherwise;
  const registries = get("registries", strings, defaults.registries);
  const jobRegistries = get("job-registries", strings, []);
  return {
    registries: [...new Set([...registries, ...jobRegistries])],
    socketDirectories: get("socket-directories", strings, []),
    venv: get("venv", text, DEFAULT_VENV),
    package: get("package", text, null as string | null),
    defaultFlags: get<readonly string[]>("default-flags", strings, defaults.defaultFlags),
    timeLimitFull: get("time-limit-full", seconds, TIME_LIMITS.full),
    timeLimitFile: get("time-limit-file", seconds, TIME_LIMITS.file),
    timeLimitQuiet: get<number>("time-limit-quiet", seconds, QUIET_SECONDS),
    knownFlaky: [...get("known-flaky", flakyRows, []), ...defaults.knownFlaky],
    changeMap: [...get("change-map", changeRows, []), ...defaults.changeMap],
    targets: { ...defaults.targets, ...get("targets", namedTargets, {}) },
    jobs: get("jobs", jobs, null as number | "auto" | null),
    alone: get("alone", strings, []),
    jobRegistries,
    history: {
      runs: get<number>("history-runs", seconds, HISTORY_LIMITS.runs),
      days: get<number>("history-days", seconds, HISTORY_LIMITS.days),
      megabytes: get<number>("history-megabytes", seconds, HISTORY_LIMITS.megabytes),
    },
    isolate: get<IsolationWish | null>("isolate", isolation, null),
    prePushRun: get("pre-push-run", truth, false),
  };
}

const VALUES = {
  "registries": (values) => values.registries,
  "socket-directories": (values) => values.socketDirectories,
  "venv": (values) => values.venv,
  "package": (values) => values.package,
  "default-flags": (values) => values.defaultFlags,
  "time-limit-full": (values) => values.timeLimitFull,
  "time-limit-file": (values) => values.timeLimitFile,
  "time-limit-quiet": (values) => values.timeLimitQuiet,
  "known-flaky": (values) => values.knownFlaky,
  "change-map": (values) => values.changeMap,
  "targets": (values) => values.targets,
  "jobs": (values) => values.jobs,
  "alone": (values) => values.alone,
  "job-registries": (values) => values.jobRegistries,
  "history-runs": (values) => values.history.runs,
  "history-days": (values) => values.history.days,
  "history-megabytes": (values) => values.history.megabytes,
  "isolate": (values) => values.isolate,
  "pre-push-run": (values) => values.prePushRun,
} satisfies Readonly<Record<string, (values: Configuration) => unknown>>;

/** The keys of `[tool.tractest]`. */
export const KEYS: readonly string[] = Object.keys(VALUES);

/** Each key of `[tool.tractest]` with its effective value. */
export function effectiveValues(configuration: Configuration): (readonly [string, unknown])[] {
  return Object.entries(VALUES).map(([key, valueOf]) => [key, valueOf(configuration)]);
}

function text(value: unknown, key: string): string {
  if (typeof value !== "string" || value === "") throw wrong(`"${key}" must be a string`);
  return value;
}

function strings(value: unknown, key: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw wrong(`"${key}" must be a list of strings`);
  }
  return value;
}

function truth(value: unknown, key: string): boolean {
  if (typeof value !== "boolean") throw wrong(`"${key}" must be true or false`);
  return value;
}

function isolation(value: unknown, key: string): IsolationWish {
  if (value === "auto") return "auto";
  if (typeof value !== "boolean") throw wrong(`"${key}" must be true, "auto" or false`);
  return value ? "always" : "never";
}

function seconds(value: unknown, key: string): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !(number > 0)) throw wrong(`"${key}" must be a number above 0`);
  return number;
}

function jobs(value: unknown, key: string): number | "auto" {
  if (value === "auto") return value;
  const count = seconds(value, key);
  if (!Number.isInteger(count)) throw wrong(`"${key}" must be a whole number, or "auto"`);
  return count;
}

function rows(value: unknown, key: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw wrong(`"${key}" must be a list of tables`);
  return value.map(table);
}

function flakyRows(value: unknown, key: string): KnownFlakyRow[] {
  return rows(value, key).map((row) => ({
    test: text(row.test, `${key}.test`),
    error: text(row.error, `${key}.error`),
    notes: text(row.notes ?? "configured", key),
  }));
}

function changeRows(value: unknown, key: string): ChangeRow[] {
  return rows(value, key).map((row) => ({
    changed: strings(row.changed, `${key}.changed`),
    tests: strings(row.tests, `${key}.tests`),
  }));
}

function namedTargets(value: unknown, key: string): Record<string, string[]> {
  const entries = Object.entries(table(value));
  return Object.fromEntries(
    entries.map(([name, targets]) => [name, strings(targets, `${key}.${name}`)]),
  );
}

function wrong(what: string, hint?: string): PreflightError {
  return new PreflightError("configuration", `[tool.tractest] in pyproject.toml: ${what}`, hint);
}

/** Whether runs are isolated; `auto`: if the system allows it. */
export type IsolationWish = "always" | "auto" | "never";
