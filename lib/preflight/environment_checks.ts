import type { CheckResult } from "./rules.ts";
import { satisfies } from "./python_version.ts";
import { dotted } from "../project/rules_venv.ts";

/** The rows about variables that pytest inherits. */
export function environmentChecks(inherited: ReadonlyMap<string, string>): CheckResult[] {
  return [ldCheck(inherited), addoptsCheck(inherited), tractorCheck(inherited)];
}

function ldCheck(inherited: ReadonlyMap<string, string>): CheckResult {
  const set = assignments(inherited, /^(LD_|DYLD_)/);
  if (set.length === 0) return { id: "ld-variables", status: "ok", detail: "none set", fix: null };
  const detail = [...set, "pytest gets them, the probes don't"].join("\n");
  return { id: "ld-variables", status: "warn", detail, fix: unset(set) };
}

function addoptsCheck(inherited: ReadonlyMap<string, string>): CheckResult {
  const value = inherited.get("PYTEST_ADDOPTS") ?? "";
  if (value.trim() === "") {
    return { id: "pytest-addopts", status: "ok", detail: "not set", fix: null };
  }
  const timeout = /--timeout\b/.test(value)
    ? "\n--timeout is pytest-timeout's, which breaks trio: use tractest run --timeout"
    : "";
  return {
    id: "pytest-addopts",
    status: "warn",
    detail: `PYTEST_ADDOPTS=${value}: pytest takes these unseen${timeout}`,
    fix: "unset PYTEST_ADDOPTS",
  };
}

function tractorCheck(inherited: ReadonlyMap<string, string>): CheckResult {
  const set = assignments(inherited, /^_?TRACTOR_/);
  if (set.length === 0) {
    return { id: "tractor-variables", status: "ok", detail: "none set", fix: null };
  }
  return {
    id: "tractor-variables",
    status: "warn",
    detail: [...set, "they change how actors run"].join("\n"),
    fix: unset(set),
  };
}

function assignments(inherited: ReadonlyMap<string, string>, names: RegExp): string[] {
  return [...inherited].filter(([name, value]) => names.test(name) && value !== "").map((
    [name, value],
  ) => `${name}=${value}`).sort();
}

function unset(set: readonly string[]): string {
  return `unset ${set.map((assignment) => assignment.slice(0, assignment.indexOf("="))).join(" ")}`;
}

/** The row about the interpreter's version, against `requires-python` and `.python-version`. */
export function versionCheck(
  version: string | null,
  asked: { readonly requires: string | null; readonly wantedMinor: string | null },
): CheckResult {
  const id = "python-version";
  if (version === null) {
    return { id, status: "skipped", detail: "no Python was started", fix: null };
  }
  const fits = asked.requires === null ? true : satisfies(version, asked.requires);
  const fix = "tractest run --sync";
  if (fits === false) {
    return {
      id,
      status: "fail",
      detail: `Python ${version}, but requires-python is ${asked.requires}`,
      fix,
    };
  }
  const isWanted = asked.wantedMinor === null ||
    version.startsWith(`${dotted(asked.wantedMinor)}.`);
  if (!isWanted) {
    return {
      id,
      status: "warn",
      detail: `Python ${version}, but .python-version says ${dotted(asked.wantedMinor!)}`,
      fix,
    };
  }
  if (fits === null) {
    return {
      id,
      status: "unknown",
      detail: `Python ${version}; requires-python is ${asked.requires}`,
      fix: "uv python find",
    };
  }
  return { id, status: "ok", detail: version, fix: null };
}
