/**
 * Which test files `scripts/test` runs, and whether they need the binary. All of it is decided by
 * what files import, so nothing has to be listed by hand.
 */

import { importsOf } from "./check_imports.ts";

/** Test helpers that start the built binary. */
const USES_BINARY = /^test\/(?:cli\/tractest|build\/built)\.ts$/;

/** Sources by path, relative to the repository's root. */
export type Sources = ReadonlyMap<string, string>;

/** A file and everything that it imports, directly or not. */
export function closureOf(path: string, sources: Sources): Set<string> {
  const seen = new Set<string>();
  for (const pending = [path]; pending.length > 0;) {
    const next = pending.pop()!;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const { specifier } of importsOf(sources.get(next) ?? "")) {
      if (specifier.startsWith(".")) {
        pending.push(new URL(specifier, `file:///${next}`).pathname.slice(1));
      }
    }
  }
  return seen;
}

/** Whether a test needs `dist/tractest`. */
export function needsBinary(test: string, sources: Sources): boolean {
  return test.startsWith("test/build/") ||
    [...closureOf(test, sources)].some((path) => USES_BINARY.test(path));
}

/** Tests for changed files, and the tests of the binary that were left out. */
export interface ChangedTests {
  readonly tests: readonly string[];
  readonly leftOut: readonly string[];
}

/**
 * The tests that a change affects: changed tests, tests that import a changed file, and those of
 * the binary whose name contains the room of a changed file of `lib/`. All other tests of the
 * binary are left out: any change of `lib/` might affect them.
 */
export function testsForChanges(
  tests: readonly string[],
  changed: readonly string[],
  sources: Sources,
): ChangedTests {
  const rooms = changed.map((path) => /^lib\/(\w+)\//.exec(path)?.[1]).filter((room) => room);
  const chosen = tests.filter((test) => {
    const reached = closureOf(test, sources);
    if (changed.some((path) => reached.has(path))) return true;
    return rooms.some((room) => test.startsWith("test/cli/") && test.includes(room!));
  });
  const isLibChanged = changed.some((path) => path === "main.ts" || path.startsWith("lib/"));
  const leftOut = isLibChanged
    ? tests.filter((test) => !chosen.includes(test) && needsBinary(test, sources))
    : [];
  return { tests: chosen, leftOut };
}
