import { type KnownFlakyRow, TIMING_ERRORS } from "../../tables/known_flaky.ts";
import type { Cause } from "../changes/affected.ts";

/** Why a failure is most likely not the doing of the current changes. */
export type FlakyVerdict =
  /** A row of the known-flaky list names the test, and it failed in the way that the row says. */
  | { readonly kind: "known"; readonly row: KnownFlakyRow; readonly reason: string }
  /** A time limit was missed in a code path that no change touches. */
  | { readonly kind: "timing"; readonly error: string; readonly reason: string };

/**
 * The row of the known-flaky list that a failure falls under, or null. Ids match by the file's name, wherever it lives, and the
 * test's name, without brackets unless the row has them; the failure's text has to contain the row's error.
 *
 * @param text all that is known of the failure: message and traceback
 */
export function knownFlaky(id: string, text: string, rows: readonly KnownFlakyRow[]): { row: KnownFlakyRow; reason: string } | null {
  const row = rows.find((candidate) => isListed(id, candidate) && text.includes(candidate.error));
  return row ? { row, reason: `known to be flaky: ${row.notes}` } : null;
}

/** The row that names a test, in whatever way it failed; null if none does. */
export function listedFlaky(id: string, rows: readonly KnownFlakyRow[]): KnownFlakyRow | null {
  return rows.find((row) => isListed(id, row)) ?? null;
}

/**
 * Whether a failure is most likely flaky: by the list, else by the rule of thumb that a missed time limit in a code path that
 * nobody touched is. Null when it deserves a look. The failure is never to be hidden because of this.
 *
 * @param related the changed file that bears on the test, if there is one
 */
export function flakyVerdict(id: string, text: string, rows: readonly KnownFlakyRow[], related: Cause | null): FlakyVerdict | null {
  const known = knownFlaky(id, text, rows);
  if (known) return { kind: "known", ...known };
  const error = timingError(text);
  if (error === null || related !== null) return null;
  return { kind: "timing", error, reason: `${error} in a code path that no current change touches: most likely timing` };
}

/** The error in a failure's text that says that a time limit was missed; null if there is none. */
export function timingError(text: string): string | null {
  return TIMING_ERRORS.filter((error) => text.includes(error)).sort((a, b) => b.length - a.length)[0] ?? null;
}

function isListed(id: string, row: KnownFlakyRow): boolean {
  const test = partsOf(id);
  const listed = partsOf(row.test);
  return test.file === listed.file && test.name === listed.name && (listed.brackets === "" || listed.brackets === test.brackets);
}

/** `tests/devx/test_x.py::TestY::test_z[a::b/c]` → the file's name, `TestY::test_z`, `[a::b/c]`. */
function partsOf(id: string): { file: string; name: string; brackets: string } {
  const [path = "", ...rest] = id.split("::");
  const test = rest.join("::");
  const bracket = test.indexOf("[");
  const name = bracket < 0 ? test : test.slice(0, bracket);
  return { file: path.slice(path.lastIndexOf("/") + 1), name, brackets: test.slice(name.length) };
}
