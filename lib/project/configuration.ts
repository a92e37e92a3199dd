import { UsageError } from "../errors.ts";
import { CHANGE_MAP, type ChangeRow } from "./change_map.ts";
import {
  DEFAULT_FLAGS,
  DEFAULT_REGISTRY,
  DEFAULT_TARGETS,
  DEFAULT_VENV,
  HISTORY_LIMITS,
  QUIET_SECONDS,
  TIME_LIMITS,
  type UIS,
} from "../tables/defaults.ts";
import { KNOWN_FLAKY, type KnownFlakyRow } from "./known_flaky.ts";
import type { Profile } from "./rules_profile.ts";
import { suggestion } from "../base/nearest.ts";
import {
  type IsolationWish,
  type KeyName,
  KEYS,
  type KeyValues,
  type Override,
  PROFILE_KEY,
  readKeys,
  readProfiles,
} from "./configuration_keys.ts";

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
  /** Seconds that each test may take; 0: no limit. */
  readonly testTimeout: number;
  /** How often a failed test runs again. */
  readonly retries: number;
  /** Whether `--strict` is the default. */
  readonly strict: boolean;
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
  /** Settings of some tests; for each setting the first that names a test counts. */
  readonly overrides: readonly Override[];
  /** The limits of the project's history. */
  readonly history: { readonly runs: number; readonly days: number; readonly megabytes: number };
  /** Whether runs are isolated; null if not configured. */
  readonly isolate: IsolationWish | null;
  /** What shows a run; null if not configured. */
  readonly ui: typeof UIS[number] | null;
  /** The file of a JUnit report of each run, relative to the root; null for none. */
  readonly junit: string | null;
  /** Whether `--notify` is the default. */
  readonly notify: boolean;
  /** Whether a pre-push hook also runs the affected tests. */
  readonly prePushRun: boolean;
  /** The names of the tables below `profile`. */
  readonly profiles: readonly string[];
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
  testTimeout: 0,
  retries: 0,
  strict: false,
  knownFlaky: [],
  changeMap: [],
  targets: {},
  jobs: null,
  alone: [],
  jobRegistries: [],
  overrides: [],
  history: HISTORY_LIMITS,
  isolate: null,
  ui: null,
  junit: null,
  notify: false,
  prePushRun: false,
  profiles: [],
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
 * @param chosen the table below `profile` whose values replace the others; null for none
 * @throws {PreflightError} for an unknown key or a value of the wrong type
 * @throws {UsageError} if there is no such profile
 */
export function readConfiguration(
  tractest: Readonly<Record<string, unknown>> | null,
  profile: Profile,
  chosen: ChosenProfile | null = null,
): Configuration {
  const defaults = DEFAULTS[profile];
  if (tractest === null && chosen === null) return defaults;
  const file = readKeys(tractest ?? {}, KEYS);
  const profiles = readProfiles(tractest?.[PROFILE_KEY]);
  const over = chosen === null ? {} : profileNamed(profiles, chosen);
  const values: KeyValues = { ...file, ...over };
  const jobRegistries = values["job-registries"] ?? [];
  return {
    registries: [...new Set([...values.registries ?? defaults.registries, ...jobRegistries])],
    socketDirectories: values["socket-directories"] ?? [],
    venv: values.venv ?? DEFAULT_VENV,
    package: values.package ?? null,
    defaultFlags: values["default-flags"] ?? defaults.defaultFlags,
    timeLimitFull: values["time-limit-full"] ?? TIME_LIMITS.full,
    timeLimitFile: values["time-limit-file"] ?? TIME_LIMITS.file,
    timeLimitQuiet: values["time-limit-quiet"] ?? QUIET_SECONDS,
    testTimeout: values["test-timeout"] ?? 0,
    retries: values.retries ?? 0,
    strict: values.strict ?? false,
    knownFlaky: [...flakyRows(values["known-flaky"] ?? []), ...defaults.knownFlaky],
    changeMap: [...changeRows(values["change-map"] ?? []), ...defaults.changeMap],
    targets: { ...defaults.targets, ...values.targets },
    jobs: values.jobs ?? null,
    alone: values.alone ?? [],
    jobRegistries,
    // What the profile says about a test comes first.
    overrides: [...over.overrides ?? [], ...file.overrides ?? []],
    history: {
      runs: values["history-runs"] ?? HISTORY_LIMITS.runs,
      days: values["history-days"] ?? HISTORY_LIMITS.days,
      megabytes: values["history-megabytes"] ?? HISTORY_LIMITS.megabytes,
    },
    isolate: values.isolate ?? null,
    ui: values.ui ?? null,
    junit: values.junit ?? null,
    notify: values.notify ?? false,
    prePushRun: values["pre-push-run"] ?? false,
    profiles: Object.keys(profiles),
  };
}

/** The profile that `--profile` or TRACTEST_PROFILE names. */
export interface ChosenProfile {
  readonly name: string;
  readonly from: "--profile" | "TRACTEST_PROFILE";
}

function profileNamed(
  profiles: Readonly<Record<string, KeyValues>>,
  { name, from }: ChosenProfile,
): KeyValues {
  if (Object.hasOwn(profiles, name)) return profiles[name]!;
  const names = Object.keys(profiles);
  const hint = names.length === 0
    ? "the configuration has no profiles: each is a table [tool.tractest.profile.NAME]"
    : suggestion(name, names) ?? `profiles: ${names.join(", ")}`;
  const own = from === "--profile" ? " (an option of pytest's with this name goes after --)" : "";
  throw new UsageError(`${from} names "${name}", which is no profile`, hint + own);
}

function flakyRows(rows: readonly Partial<KnownFlakyRow>[]): KnownFlakyRow[] {
  return rows.map(({ test = "", error = "", notes = "configured" }) => ({ test, error, notes }));
}

function changeRows(rows: readonly Partial<ChangeRow>[]): ChangeRow[] {
  return rows.map(({ changed = [], tests = [] }) => ({ changed, tests }));
}

const VALUES: Readonly<Record<KeyName | typeof PROFILE_KEY, (values: Configuration) => unknown>> = {
  "registries": (values) => values.registries,
  "socket-directories": (values) => values.socketDirectories,
  "venv": (values) => values.venv,
  "package": (values) => values.package,
  "default-flags": (values) => values.defaultFlags,
  "time-limit-full": (values) => values.timeLimitFull,
  "time-limit-file": (values) => values.timeLimitFile,
  "time-limit-quiet": (values) => values.timeLimitQuiet,
  "test-timeout": (values) => values.testTimeout,
  "retries": (values) => values.retries,
  "strict": (values) => values.strict,
  "jobs": (values) => values.jobs,
  "alone": (values) => values.alone,
  "job-registries": (values) => values.jobRegistries,
  "isolate": (values) => values.isolate,
  "overrides": (values) => values.overrides,
  "ui": (values) => values.ui,
  "junit": (values) => values.junit,
  "notify": (values) => values.notify,
  "known-flaky": (values) => values.knownFlaky,
  "change-map": (values) => values.changeMap,
  "targets": (values) => values.targets,
  "history-runs": (values) => values.history.runs,
  "history-days": (values) => values.history.days,
  "history-megabytes": (values) => values.history.megabytes,
  "pre-push-run": (values) => values.prePushRun,
  "profile": (values) => values.profiles,
};

/** Each key of `[tool.tractest]` with its effective value; of `profile` the names. */
export function effectiveValues(configuration: Configuration): (readonly [string, unknown])[] {
  return Object.entries(VALUES).map(([key, valueOf]) => [key, valueOf(configuration)]);
}
