import { parse } from "smol-toml";
import { iniSection } from "../base/ini.ts";
import { shellSplit } from "../base/shell_split.ts";
import { table } from "../project/project_files.ts";

/** The files of a project in which it may declare plugins of pytest. */
export const ENTRY_POINT_FILES = ["pyproject.toml", "setup.cfg", "setup.py"] as const;

/**
 * The dotted names of modules that pytest loads before any test: plugins that the project installs
 * itself, and those of `-p` in its options, by the name of a module or of such a plugin.
 *
 * @param files the texts of {@linkcode ENTRY_POINT_FILES} that exist, by name
 */
export function pluginModules(addopts: string, files: ReadonlyMap<string, string>): string[] {
  const own = new Map([
    ...fromToml(files.get("pyproject.toml") ?? ""),
    ...fromLines(iniSection(files.get("setup.cfg") ?? "", "options.entry_points")?.get("pytest11")),
    ...fromLines(SETUP_PY.exec(files.get("setup.py") ?? "")?.[1]),
  ]);
  const given = namesOf(addopts).map((name) => own.get(name) ?? name);
  return [...new Set([...own.values(), ...given])];
}

/** The `pytest11` entry of a call of `setup()`. */
const SETUP_PY = /pytest11["']?\s*[=:]\s*([[("'][^\])]*)/;

/** The names after `-p` in options of pytest; `no:NAME` is none. */
function namesOf(addopts: string): string[] {
  const words = shellSplit(addopts);
  const names = words.flatMap((word, index) =>
    word === "-p" ? words[index + 1] ?? [] : /^-p[^-]/.test(word) ? word.slice(2) : []
  );
  return names.filter((name) => /^[\w.]+$/.test(name));
}

function fromToml(text: string): [name: string, module: string][] {
  // Most projects have no plugin: parsing the file takes time.
  if (!text.includes("pytest11")) return [];
  let whole: Record<string, unknown>;
  try {
    whole = parse(text);
  } catch {
    return [];
  }
  const poetry = table(table(whole.tool).poetry);
  const tables = [table(table(whole.project)["entry-points"]), table(poetry.plugins)];
  return tables.flatMap(({ pytest11 }) =>
    Object.entries(table(pytest11)).map(([name, value]): [string, string] => [
      name,
      moduleOf(String(value)),
    ])
  );
}

/** `name = package.module:object`, one a line or each a string. */
function fromLines(text = ""): [name: string, module: string][] {
  return [...text.matchAll(/([\w.-]+)\s*=\s*([\w.]+)/g)]
    .map(([, name, module]) => [name!, module!]);
}

function moduleOf(value: string): string {
  return value.split(/[:\s[]/, 1)[0]!;
}
