import { parse, TomlError } from "smol-toml";
import { PreflightError } from "../errors.ts";
import { iniSection } from "../base/ini.ts";
import { shellSplit } from "../base/shell_split.ts";

/**
 * What pytest is configured with, as far as tractest needs it. Paths as written, relative to the
 * root.
 */
export interface PytestConfiguration {
  /** The file it stands in, by name. */
  readonly file: string;
  readonly cacheDirectory: string;
  readonly testPaths: readonly string[];
  /** Directories that pytest puts on `sys.path`. */
  readonly pythonPaths: readonly string[];
  /** As `shlex` takes it; a list of words is quoted. */
  readonly addopts: string;
  /** A file that pytest writes a log to; null if it writes none. */
  readonly logFile: string | null;
}

/** What the files of one directory say: null for each part that is not there. */
export interface ProjectFiles {
  readonly pytest: PytestConfiguration | null;
  /** Whether there is a `[tool.tractest]`. */
  readonly tractest: Readonly<Record<string, unknown>> | null;
  /** `[project] name`. */
  readonly projectName: string | null;
}

/**
 * The files that can hold a pytest configuration, in pytest's order of precedence (pytest 6 to 9).
 */
export const CONFIGURATION_FILES = [
  "pytest.toml",
  ".pytest.toml",
  "pytest.ini",
  ".pytest.ini",
  "pyproject.toml",
  "tox.ini",
  "setup.cfg",
] as const;

/**
 * What the configuration files of one directory say.
 *
 * @param files the texts of {@linkcode CONFIGURATION_FILES} that exist, by name
 * @throws {PreflightError} if a TOML file can't be parsed
 */
export function readProjectFiles(files: ReadonlyMap<string, string>): ProjectFiles {
  const pyproject = files.has("pyproject.toml")
    ? parseToml(files.get("pyproject.toml")!, "pyproject.toml")
    : {};
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

/**
 * What a configuration file says that pytest was given by `-c`, whatever its name is; null if it
 * has no part for pytest.
 *
 * @throws {PreflightError} if a TOML file can't be parsed
 */
export function readGivenFile(file: string, text: string): PytestConfiguration | null {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const isKnown = (CONFIGURATION_FILES as readonly string[]).includes(name);
  const like = isKnown
    ? name
    : name.endsWith(".toml")
    ? "pyproject.toml"
    : name.endsWith(".cfg")
    ? "setup.cfg"
    : "tox.ini";
  const keys = pytestKeys(
    like,
    text,
    like === "pyproject.toml" ? table(parseToml(text, file).tool) : {},
  );
  return keys && { file, ...keys };
}

function pytestKeys(
  file: string,
  text: string,
  tool: Record<string, unknown>,
): Omit<PytestConfiguration, "file"> | null {
  if (file === "pyproject.toml") {
    const pytest = table(tool.pytest);
    // `[tool.pytest]` itself is pytest 9's native table; `ini_options` is the older one.
    const options = tool.pytest === undefined
      ? null
      : pytest.ini_options === undefined
      ? pytest
      : table(pytest.ini_options);
    return options ? fromToml(options) : null;
  }
  if (file.endsWith(".toml")) return fromToml(table(parseToml(text, file).pytest));
  // An empty pytest.ini marks the root too; the other files only with their section.
  const section = iniSection(text, file === "setup.cfg" ? "tool:pytest" : "pytest");
  if (!section) return file.endsWith("pytest.ini") ? fromToml({}) : null;
  return {
    cacheDirectory: section.get("cache_dir") ?? ".pytest_cache",
    testPaths: shellSplit(section.get("testpaths") ?? ""),
    pythonPaths: shellSplit(section.get("pythonpath") ?? ""),
    addopts: section.get("addopts") ?? "",
    logFile: section.get("log_file") || null,
  };
}

function fromToml(options: Record<string, unknown>): Omit<PytestConfiguration, "file"> {
  const words = (value: unknown) =>
    Array.isArray(value) ? value.map(String) : typeof value === "string" ? shellSplit(value) : [];
  return {
    cacheDirectory: typeof options.cache_dir === "string" ? options.cache_dir : ".pytest_cache",
    testPaths: words(options.testpaths),
    pythonPaths: words(options.pythonpath),
    addopts: Array.isArray(options.addopts)
      ? options.addopts.map(String).map(quoted).join(" ")
      : textOr(options.addopts, ""),
    logFile: textOr(options.log_file, "") || null,
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** A word so that `shlex` takes it for one. */
function quoted(word: string): string {
  return /^[^\s'"\\]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** A TOML table; an empty one for anything else. */
export function table(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : {};
}

function parseToml(toml: string, file: string): Record<string, unknown> {
  try {
    return parse(toml);
  } catch (error) {
    const line = error instanceof TomlError ? ` (line ${error.line}, column ${error.column})` : "";
    throw new PreflightError(
      "configuration",
      `Cannot parse "${file}"${line}`,
      "mend the TOML; pytest can't read it either",
    );
  }
}
