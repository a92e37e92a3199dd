import { parse, TomlError } from "smol-toml";
import { PreflightError } from "../errors.ts";
import { CHANGE_MAP, type ChangeRow } from "../tables/change_map.ts";
import { DEFAULT_FLAGS, DEFAULT_REGISTRY, DEFAULT_TARGETS, DEFAULT_VENV, TIME_LIMITS } from "../tables/defaults.ts";
import { KNOWN_FLAKY, type KnownFlakyRow } from "../tables/known_flaky.ts";
import { iniSection } from "./ini.ts";
import { suggestion } from "./nearest.ts";

/** `[tool.tractest]`, with the defaults for what it leaves out. */
export interface Configuration {
  /** `host:port` each; the first is the one that a run binds. */
  readonly registries: readonly string[];
  /** Directories, besides the standard ones, in which actors leave Unix sockets. */
  readonly socketDirectories: readonly string[];
  /** The venv's directory below the root, with `<MINOR>` for `313`. */
  readonly venv: string;
  /** The import name of the package under test; null: found from the project. */
  readonly package: string | null;
  readonly defaultFlags: readonly string[];
  /** Seconds. */
  readonly timeLimitFull: number;
  /** Seconds. */
  readonly timeLimitFile: number;
  readonly knownFlaky: readonly KnownFlakyRow[];
  readonly changeMap: readonly ChangeRow[];
  /** Named targets, `core` among them. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  readonly jobs: number | null;
  /** Whether a pre-push hook also runs the affected tests. */
  readonly prePushRun: boolean;
}

/** What pytest is configured with, as far as tractest needs it. Paths as written, relative to the root. */
export interface PytestConfiguration {
  /** The file it stands in, by name. */
  readonly file: string;
  readonly cacheDirectory: string;
  readonly testPaths: readonly string[];
  readonly addopts: string;
}

/** What the files of one directory say: null for each part that is not there. */
export interface ProjectFiles {
  readonly pytest: PytestConfiguration | null;
  /** Whether there is a `[tool.tractest]`. */
  readonly tractest: Readonly<Record<string, unknown>> | null;
  /** `[project] name`. */
  readonly projectName: string | null;
}

/** The files that can hold a pytest configuration, in pytest's order of precedence (pytest 6 to 9). */
export const CONFIGURATION_FILES = ["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"] as const;

/** The defaults: the tables, for tractor itself. */
export const DEFAULT_CONFIGURATION: Configuration = {
  registries: [DEFAULT_REGISTRY],
  socketDirectories: [],
  venv: DEFAULT_VENV,
  package: null,
  defaultFlags: DEFAULT_FLAGS,
  timeLimitFull: TIME_LIMITS.full,
  timeLimitFile: TIME_LIMITS.file,
  knownFlaky: KNOWN_FLAKY,
  changeMap: CHANGE_MAP,
  targets: DEFAULT_TARGETS,
  jobs: null,
  prePushRun: false,
};

/**
 * What the configuration files of one directory say.
 *
 * @param files the texts of {@linkcode CONFIGURATION_FILES} that exist, by name
 * @throws {PreflightError} if a TOML file can't be parsed
 */
export function readProjectFiles(files: ReadonlyMap<string, string>): ProjectFiles {
  const pyproject = files.has("pyproject.toml") ? parseToml(files.get("pyproject.toml")!, "pyproject.toml") : {};
  const tool = table(pyproject.tool);
  let pytest: PytestConfiguration | null = null;
  for (const file of CONFIGURATION_FILES) {
    const text = files.get(file);
    if (text === undefined || pytest) continue;
    const keys = pytestKeys(file, text, tool);
    if (keys) pytest = { file, ...keys };
  }
  const name = table(pyproject.project).name;
  return {
    pytest,
    tractest: tool.tractest === undefined ? null : table(tool.tractest),
    projectName: typeof name === "string" ? name : null,
  };
}

function pytestKeys(file: string, text: string, tool: Record<string, unknown>): Omit<PytestConfiguration, "file"> | null {
  if (file === "pyproject.toml") {
    const pytest = table(tool.pytest);
    // `[tool.pytest]` itself is pytest 9's native table; `ini_options` is the older one.
    const options = tool.pytest === undefined ? null : pytest.ini_options === undefined ? pytest : table(pytest.ini_options);
    return options ? fromToml(options) : null;
  }
  if (file.endsWith(".toml")) return fromToml(table(parseToml(text, file).pytest));
  // An empty pytest.ini marks the root too; the other files only with their section.
  const section = iniSection(text, file === "setup.cfg" ? "tool:pytest" : "pytest");
  if (!section) return file.endsWith("pytest.ini") ? fromToml({}) : null;
  return {
    cacheDirectory: section.get("cache_dir") ?? ".pytest_cache",
    testPaths: (section.get("testpaths") ?? "").split(/\s+/).filter((path) => path !== ""),
    addopts: section.get("addopts") ?? "",
  };
}

function fromToml(options: Record<string, unknown>): Omit<PytestConfiguration, "file"> {
  const words = (value: unknown) =>
    Array.isArray(value) ? value.map(String) : typeof value === "string" ? value.split(/\s+/).filter((word) => word !== "") : [];
  return {
    cacheDirectory: typeof options.cache_dir === "string" ? options.cache_dir : ".pytest_cache",
    testPaths: words(options.testpaths),
    addopts: words(options.addopts).join(" "),
  };
}

/**
 * The configuration of `[tool.tractest]`.
 *
 * @throws {PreflightError} for an unknown key (naming the nearest known one) or a value of the wrong shape
 */
export function readConfiguration(tractest: Readonly<Record<string, unknown>> | null): Configuration {
  if (!tractest) return DEFAULT_CONFIGURATION;
  for (const key of Object.keys(tractest)) {
    if (!KEYS.includes(key)) {
      throw wrong(`unknown key "${key}"`, suggestion(key, KEYS) ?? `known keys: ${KEYS.join(", ")}`);
    }
  }
  const get = <T>(key: string, read: (value: unknown, key: string) => T, otherwise: T): T => key in tractest ? read(tractest[key], key) : otherwise;
  return {
    registries: get("registries", strings, DEFAULT_CONFIGURATION.registries),
    socketDirectories: get("socket-directories", strings, []),
    venv: get("venv", text, DEFAULT_VENV),
    package: get("package", text, null as string | null),
    defaultFlags: get<readonly string[]>("default-flags", strings, DEFAULT_FLAGS),
    timeLimitFull: get("time-limit-full", seconds, TIME_LIMITS.full),
    timeLimitFile: get("time-limit-file", seconds, TIME_LIMITS.file),
    knownFlaky: [...get("known-flaky", flakyRows, []), ...KNOWN_FLAKY],
    changeMap: [...get("change-map", changeRows, []), ...CHANGE_MAP],
    targets: { ...DEFAULT_TARGETS, ...get("targets", namedTargets, {}) },
    jobs: get("jobs", seconds, null as number | null),
    prePushRun: get("pre-push-run", truth, false),
  };
}

/** The keys of `[tool.tractest]`. */
export const KEYS: readonly string[] = [
  "registries",
  "socket-directories",
  "venv",
  "package",
  "default-flags",
  "time-limit-full",
  "time-limit-file",
  "known-flaky",
  "change-map",
  "targets",
  "jobs",
  "pre-push-run",
];

function text(value: unknown, key: string): string {
  if (typeof value !== "string" || value === "") throw wrong(`"${key}" has to be a text`);
  return value;
}

function strings(value: unknown, key: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw wrong(`"${key}" has to be a list of texts`);
  return value;
}

function truth(value: unknown, key: string): boolean {
  if (typeof value !== "boolean") throw wrong(`"${key}" has to be true or false`);
  return value;
}

function seconds(value: unknown, key: string): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !(number > 0)) throw wrong(`"${key}" has to be a number above 0`);
  return number;
}

function rows(value: unknown, key: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw wrong(`"${key}" has to be a list of tables`);
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
  return rows(value, key).map((row) => ({ changed: strings(row.changed, `${key}.changed`), tests: strings(row.tests, `${key}.tests`) }));
}

function namedTargets(value: unknown, key: string): Record<string, string[]> {
  return Object.fromEntries(Object.entries(table(value)).map(([name, targets]) => [name, strings(targets, `${key}.${name}`)]));
}

function table(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};
}

function parseToml(toml: string, file: string): Record<string, unknown> {
  try {
    return parse(toml);
  } catch (error) {
    const line = error instanceof TomlError ? ` (line ${error.line}, column ${error.column})` : "";
    throw new PreflightError("configuration", `Cannot parse "${file}"${line}`, "mend the TOML; pytest can't read it either");
  }
}

function wrong(what: string, hint?: string): PreflightError {
  return new PreflightError("configuration", `[tool.tractest] in pyproject.toml: ${what}`, hint);
}
