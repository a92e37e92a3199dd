import { type CheckResult, checkResult } from "./rules.ts";
import { satisfies } from "./python_version.ts";
import { dotted } from "../project/rules_venv.ts";

/** Checks the variables that pytest inherits. */
export function environmentChecks(inherited: ReadonlyMap<string, string>): CheckResult[] {
  return [
    variablesCheck("ld-variables", inherited, /^(LD_|DYLD_)/, "pytest gets them, the probes don't"),
    addoptsCheck(inherited.get("PYTEST_ADDOPTS") ?? ""),
    variablesCheck("tractor-variables", inherited, /^_?TRACTOR_/, "they change how actors run"),
    variablesCheck(
      "python-variables",
      inherited,
      /^PYTHON(PATH|HOME|STARTUP|OPTIMIZE|WARNINGS)$/,
      "they change what is imported, and whether assertions and warnings count",
    ),
  ];
}

function variablesCheck(
  id: "ld-variables" | "tractor-variables" | "python-variables",
  inherited: ReadonlyMap<string, string>,
  pattern: RegExp,
  effect: string,
): CheckResult {
  const names = [...inherited.keys()].filter((name) => pattern.test(name) && inherited.get(name));
  if (names.length === 0) return checkResult(id, "ok", "none set");
  const assignments = names.sort().map((name) => `${name}=${inherited.get(name)}`);
  return checkResult(id, "warn", [...assignments, effect].join("\n"), `unset ${names.join(" ")}`);
}

function addoptsCheck(value: string): CheckResult {
  const id = "pytest-addopts";
  if (value.trim() === "") return checkResult(id, "ok", "not set");
  const timeout = /--timeout\b/.test(value)
    ? "\n--timeout is pytest-timeout's, which breaks trio: use tractest run --timeout"
    : "";
  const detail = `PYTEST_ADDOPTS=${value}: pytest adds these to every command line${timeout}`;
  return checkResult(id, "warn", detail, "unset PYTEST_ADDOPTS");
}

/** Checks a Python version against `requires-python` and `.python-version`. */
export function versionCheck(
  version: string | null,
  { requires, wantedMinor }: {
    readonly requires: string | null;
    readonly wantedMinor: string | null;
  },
): CheckResult {
  const id = "python-version";
  if (version === null) return checkResult(id, "skipped", "no Python was started");
  const fits = requires === null || satisfies(version, requires);
  const fix = "tractest run --sync";
  const required = `Python ${version}, but requires-python is ${requires}`;
  if (fits === false) return checkResult(id, "fail", required, fix);
  if (wantedMinor !== null && !version.startsWith(`${dotted(wantedMinor)}.`)) {
    const wanted = `Python ${version}, but .python-version says ${dotted(wantedMinor)}`;
    return checkResult(id, "warn", wanted, fix);
  }
  if (fits === null) {
    const detail = `Python ${version}; requires-python can't be evaluated: ${requires}`;
    return checkResult(id, "unknown", detail, "uv python find");
  }
  return checkResult(id, "ok", version);
}

/**
 * Warns that tractest was started with SIGINT ignored. The preflight only mentions it: pytest gets
 * the default.
 */
export const SIGINT_IGNORED: CheckResult = checkResult(
  "sigint",
  "warn",
  "SIGINT is ignored, as after nohup or & in a script (SigIgn in /proc/self/status)\n" +
    "pytest is started with SIGINT at its default, so tests that cancel with it work",
);

/** @param ignored from `ignoresSigint` */
export function sigintCheck(ignored: boolean | null): CheckResult {
  if (ignored === false) return checkResult("sigint", "ok", "at its default");
  if (ignored === null) {
    const detail = "this system does not show whether it is ignored; pytest gets the default";
    return checkResult("sigint", "unknown", detail);
  }
  const fix = "start it in the foreground, or by: env --default-signal=INT tractest …";
  return { ...SIGINT_IGNORED, fix };
}
