import { parse } from "smol-toml";
import { iniSection } from "../base/ini.ts";
import { table } from "./project_files.ts";

/** Whether what is known about tractor applies to a project: its checks, tables and registry. */
export type Profile = "tractor" | "plain";

/** What decides the profile of a project. */
export interface ProfileFacts {
  /** `[project] name`. */
  readonly name: string | null;
  /** Whether the root contains the package `tractor`. */
  readonly hasSource: boolean;
  /** Whether the project depends on tractor, by a file that {@linkcode declaresTractor} reads. */
  readonly isDeclared: boolean;
  /** Whether a venv of the project has it installed. */
  readonly isInstalled: boolean;
}

/** The profile of a project: tractor's where it is tractor, declares it, or has it installed. */
export function profileOf(facts: ProfileFacts): Profile {
  const { name, hasSource, isDeclared, isInstalled } = facts;
  return name === "tractor" || hasSource || isDeclared || isInstalled ? "tractor" : "plain";
}

/** Files that declare dependencies, besides requirements files. */
const DECLARING = ["pyproject.toml", "setup.cfg", "setup.py"];

/** Whether a file, by its name, may declare dependencies. */
export function mayDeclare(name: string): boolean {
  return DECLARING.includes(name) || /^requirements.*\.(txt|in)$/.test(name);
}

/**
 * Whether a file declares tractor as a dependency. Nothing is evaluated: a name that a program puts
 * together is not found. A file that does not mention it is not parsed.
 */
export function declaresTractor(name: string, text: string): boolean {
  if (!/tractor/i.test(text)) return false;
  switch (name) {
    case "pyproject.toml":
      return requirementsOf(text).some(isTractor);
    case "setup.cfg":
      return ["options", "options.extras_require"].some((section) =>
        [...iniSection(text, section)?.values() ?? []].some((value) =>
          value.split(/[\n;]/).some(isTractor)
        )
      );
    case "setup.py":
      return /["']\s*tractor\s*(["'<>=!~;@[(]|\s+@)/i.test(text);
    default:
      return text.split("\n").some((line) => isTractor(line) || isSourceOfTractor(line));
  }
}

/** The requirements in a pyproject.toml, wherever a tool reads them; none if it can't be parsed. */
function requirementsOf(text: string): string[] {
  let pyproject: Record<string, unknown>;
  try {
    pyproject = parse(text);
  } catch {
    return [];
  }
  const project = table(pyproject.project);
  const tool = table(pyproject.tool);
  const poetry = table(tool.poetry);
  return [
    ...strings(project.dependencies),
    ...stringsIn(project["optional-dependencies"]),
    ...stringsIn(pyproject["dependency-groups"]),
    ...strings(table(tool.uv)["dev-dependencies"]),
    ...stringsIn(table(tool.pdm)["dev-dependencies"]),
    ...Object.keys(table(poetry.dependencies)),
    ...Object.keys(table(poetry["dev-dependencies"])),
    ...Object.values(table(poetry.group)).flatMap((group) =>
      Object.keys(table(table(group).dependencies))
    ),
  ];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function stringsIn(value: unknown): string[] {
  return Object.values(table(value)).flatMap(strings);
}

/** Whether a requirement (PEP 508) is for tractor: `tractor[dev]>=0.1`, `tractor @ git+…`. */
function isTractor(requirement: string): boolean {
  return /^\s*tractor\s*($|[<>=!~;@,[(#])/i.test(requirement);
}

/** Whether a line of a requirements file names its repository or a checkout of it. */
function isSourceOfTractor(line: string): boolean {
  if (!/^\s*(-e|--editable|git\+)/.test(line)) return false;
  return /[#&]egg=tractor\b/i.test(line) ||
    /[/:]tractor(\.git)?(@[^#\s]*)?(\[[^\]]*\])?\s*(#.*)?$/i.test(line);
}

/**
 * Whether the names in a `site-packages` show that tractor is installed there; an editable
 * installation leaves only its metadata.
 */
export function isTractorInstalled(names: readonly string[]): boolean {
  return names.some((name) =>
    name === "tractor" || /^tractor(-.*\.(dist|egg)-info|\.egg-(link|info))$/.test(name)
  );
}
