import type { Candidate } from "./rules_wanted.ts";

/**
 * The names of the tests of a file, in its order: `test_x`, `TestY::test_z`, `test_x[a b]`. Those
 * that pytest has recorded, without functions that the file does not have any more, and those that
 * were written since then.
 *
 * @param recorded what follows `file::` in the ids of the last collections
 * @param text the file as it is now; null if it can't be read
 */
export function testNames(recorded: readonly string[], text: string | null): string[] {
  if (text === null) return [...recorded];
  const written = writtenNames(text);
  const words = new Set(text.match(/\w+/g));
  const hasOthers = /^\s*from\s+\S+\s+import\s+\*/m.test(text);
  const kept = recorded.filter((name) => {
    const base = baseOf(name);
    return base.includes("::") || hasOthers || words.has(base);
  });
  const known = new Set(kept.map(baseOf));
  return [...kept, ...written.filter((name) => !known.has(name))];
}

/** A name without its parameters. */
function baseOf(name: string): string {
  const bracket = name.indexOf("[");
  return bracket < 0 ? name : name.slice(0, bracket);
}

/** The tests that a file defines, by the default names of pytest and of unittest. */
function writtenNames(text: string): string[] {
  const names: string[] = [];
  let [inClass, isTests]: [string | null, boolean] = [null, false];
  for (const line of text.split("\n")) {
    const [, name, bases = ""] = /^class\s+(\w+)\s*(?:\((.*))?/.exec(line) ?? [];
    if (name !== undefined) {
      inClass = name;
      isTests = name.startsWith("Test") || bases.includes("TestCase");
      continue;
    }
    const [, indent, test] = /^(\s*)(?:async\s+)?def\s+(test\w*)/.exec(line) ?? [];
    if (test !== undefined && indent === "") names.push(test);
    else if (test !== undefined && isTests && indent!.length <= 4) {
      names.push(`${inClass}::${test}`);
    } // Anything else at the margin ends the class, but for comments, decorators and brackets.
    else if (/^[^\s#@)\]}]/.test(line)) [inClass, isTests] = [null, false];
  }
  return names;
}

/**
 * The names to offer for a part of one: a class with `::`, a function without its parameters; these
 * follow when the function is named, or is the only one.
 */
export function namesAt(names: readonly string[], part: string): string[] {
  const matching = names.filter((name) => name.startsWith(part));
  if (part.includes("[")) return matching;
  const steps = new Set(matching.map((name) => {
    const base = baseOf(name);
    const colons = base.indexOf("::", part.length);
    return colons < 0 ? base : base.slice(0, colons + 2);
  }));
  const [only, ...others] = steps;
  if (only === undefined) return [];
  if (others.length === 0 && only.endsWith("::")) return namesAt(names, only);
  const named = others.length === 0 ? only : part;
  const parameters = matching.filter((name) => name.startsWith(`${named}[`));
  return [...steps, ...parameters];
}

/** The names as candidates, with those that failed last marked. */
export function nameCandidates(
  names: readonly string[],
  before: string,
  failed: ReadonlySet<string>,
): Candidate[] {
  return names.map((name) => ({
    value: before + name,
    ...(failed.has(name) ? { about: "failed last time" } : {}),
  }));
}
