import { parse } from "smol-toml";

/**
 * Whether a Python version satisfies a `requires-python` (`>=3.10,<3.13`, `==3.12.*`, `~=3.11`);
 * null if it contains an unknown part.
 */
export function satisfies(version: string, requirement: string): boolean | null {
  const own = numbers(version);
  if (own === null) return null;
  let all = true;
  const clauses = requirement.split(",").map((clause) => clause.trim());
  for (const clause of clauses.filter((each) => each !== "")) {
    const match = /^(~=|===?|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+)*)(\.\*)?$/.exec(clause);
    if (!match) return null;
    const [, operator, text, wildcard] = match;
    const wanted = numbers(text!)!;
    const order = compare(own, wanted);
    const sameStart = compare(own.slice(0, wanted.length), wanted) === 0;
    const holds: Record<string, boolean> = {
      ">=": order >= 0,
      "<=": order <= 0,
      ">": order > 0,
      "<": order < 0,
      "==": wildcard ? sameStart : order === 0,
      "===": order === 0,
      "!=": wildcard ? !sameStart : order !== 0,
      "~=": order >= 0 && compare(own.slice(0, wanted.length - 1), wanted.slice(0, -1)) === 0,
    };
    all &&= holds[operator!]!;
  }
  return all;
}

/** The oldest minor that a `requires-python` accepts: `310` from `>=3.10,<3.13`; null if open. */
export function oldestMinor(requirement: string): string | null {
  const match = /(?:>=|~=|==)\s*(\d)\.(\d+)/.exec(requirement);
  return match ? `${match[1]}${match[2]}` : null;
}

/** `[project] requires-python` of a pyproject.toml; null without one, or if it is invalid. */
export function requiresPythonOf(pyproject: string | null): string | null {
  try {
    const project = parse(pyproject ?? "").project;
    const requirement = typeof project === "object" && project !== null
      ? (project as Record<string, unknown>)["requires-python"]
      : null;
    return typeof requirement === "string" ? requirement : null;
  } catch {
    return null;
  }
}

function numbers(version: string): number[] | null {
  const match = /^(\d+(?:\.\d+)*)/.exec(version);
  return match ? match[1]!.split(".").map(Number) : null;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
