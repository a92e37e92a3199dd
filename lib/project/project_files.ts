import { lastPart } from "../base/paths.ts";
import { parse, TomlError } from "smol-toml";
import { isAbsolute, join, relative } from "@std/path";
import { PreflightError } from "../errors.ts";
import { iniSection } from "../base/ini.ts";
import { shellSplit } from "../base/shell_split.ts";

/** The part of a pytest configuration that tractest needs. Paths are relative to the root. */
export interface PytestConfiguration {
  /** The name of its file. */
  readonly file: string;
  readonly cacheDirectory: string;
  readonly testPaths: readonly string[];
  /** Directories that pytest puts on `sys.path`. */
  readonly pythonPaths: readonly string[];
  /** `python_files`, by which pytest knows test files; its own default unless given. */
  readonly pythonFiles?: readonly string[];
  /** Words to be split by `shlex`; a list is quoted. */
  readonly addopts: string;
  /** The log file that pytest writes; null without one. */
  readonly logFile: string | null;
  /** Whether it is one that pytest before version 9 ignores. */
  readonly isRecent: boolean;
}

/** The configuration files of one directory; null for each part that is missing. */
export interface ProjectFiles {
  readonly pytest: PytestConfiguration | null;
  /** `[tool.tractest]` */
  readonly tractest: Readonly<Record<string, unknown>> | null;
  /** `[project] name`. */
  readonly name: string | null;
}

/** The files that pytest reads its configuration from, in its order of precedence (6 to 9). */
export const CONFIGURATION_FILES = [
  "pytest.toml",
  ".pytest.toml",
  "pytest.ini",
  ".pytest.ini",
  "pyproject.toml",
  "tox.ini",
  "setup.cfg",
] as const;

/** The files that mark the root of a project, with or without a configuration of pytest. */
export const PROJECT_FILES = ["pyproject.toml", "setup.py", "setup.cfg", "tox.ini"] as const;

/**
 * A configuration with its paths relative to the root of the project. pytest ignores `testpaths`
 * unless it starts in the directory of the configuration.
 *
 * @param directory that of its file
 */
export function seenFrom(
  root: string,
  directory: string,
  pytest: PytestConfiguration,
): PytestConfiguration {
  if (directory === root) return pytest;
  const path = (name: string) => isAbsolute(name) ? name : relative(root, join(directory, name));
  return {
    ...pytest,
    file: path(pytest.file),
    testPaths: [],
    pythonPaths: pytest.pythonPaths.map(path),
  };
}

/**
 * Reads the configuration files of one directory.
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
    name: typeof name === "string" ? name : null,
  };
}

/**
 * Reads the configuration file that pytest was given by `-c`, whatever its name; null if it has no
 * section for pytest.
 *
 * @throws {PreflightError} if a TOML file can't be parsed
 */
export function readGivenFile(file: string, text: string): PytestConfiguration | null {
  const format = formatOf(lastPart(file));
  const tool = format === "pyproject.toml" ? table(parseToml(text, file).tool) : {};
  const keys = pytestKeys(format, text, tool);
  return keys && { file, ...keys };
}

/** The well-known file whose format pytest assumes for a file. */
function formatOf(name: string): string {
  if ((CONFIGURATION_FILES as readonly string[]).includes(name)) return name;
  if (name.endsWith(".toml")) return "pyproject.toml";
  return name.endsWith(".cfg") ? "setup.cfg" : "tox.ini";
}

function pytestKeys(
  file: string,
  text: string,
  tool: Record<string, unknown>,
): Omit<PytestConfiguration, "file"> | null {
  if (file === "pyproject.toml") {
    // `[tool.pytest]` itself is the native table of pytest 9; `ini_options` is the older one.
    const pytest = table(tool.pytest);
    if (pytest.ini_options !== undefined) return fromToml(table(pytest.ini_options));
    return Object.keys(pytest).length === 0 ? null : { ...fromToml(pytest), isRecent: true };
  }
  if (file.endsWith(".toml")) {
    return { ...fromToml(table(parseToml(text, file).pytest)), isRecent: true };
  }
  // Even an empty pytest.ini marks the root; the other files need their section.
  const section = iniSection(text, file === "setup.cfg" ? "tool:pytest" : "pytest");
  if (!section) return file.endsWith("pytest.ini") ? fromToml({}) : null;
  return {
    cacheDirectory: section.get("cache_dir") ?? ".pytest_cache",
    testPaths: shellSplit(section.get("testpaths") ?? ""),
    pythonPaths: shellSplit(section.get("pythonpath") ?? ""),
    ...(section.has("python_files")
      ? { pythonFiles: shellSplit(section.get("python_files")!) }
      : {}),
    addopts: section.get("addopts") ?? "",
    logFile: section.get("log_file") || null,
    isRecent: false,
  };
}

function fromToml(options: Record<string, unknown>): Omit<PytestConfiguration, "file"> {
  const words = (value: unknown) =>
    Array.isArray(value) ? value.map(String) : typeof value === "string" ? shellSplit(value) : [];
  return {
    cacheDirectory: typeof options.cache_dir === "string" ? options.cache_dir : ".pytest_cache",
    testPaths: words(options.testpaths),
    pythonPaths: words(options.pythonpath),
    ...(options.python_files === undefined ? {} : { pythonFiles: words(options.python_files) }),
    addopts: Array.isArray(options.addopts)
      ? options.addopts.map(String).map(quoted).join(" ")
      : textOr(options.addopts, ""),
    logFile: textOr(options.log_file, "") || null,
    isRecent: false,
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** A word, quoted so that `shlex` reads one word. */
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
      "fix the TOML: pytest can't read it either",
    );
  }
}
