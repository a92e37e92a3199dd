import { lastPart } from "../base/paths.ts";
import type { Cause } from "../affected/affected_targets.ts";
import { type KnownFlakyRow, TIMING_ERRORS } from "../project/known_flaky.ts";
import type { TestRecord } from "../base/rates.ts";
import { classOf, decisiveErrors } from "../pytest/decisive.ts";
import type { Failure } from "../pytest/failure.ts";

/** Why a failure is most likely not the doing of the current changes. */
export type FlakyVerdict =
  /** A row of the known-flaky list names the test, and it failed in the way that the row says. */
  | { readonly kind: "known"; readonly row: KnownFlakyRow; readonly reason: string }
  /** A time limit was missed in a code path that no change touches. */
  | { readonly kind: "timing"; readonly error: string; readonly reason: string };

/** What a failure says about itself: the classes of its errors, and its message. */
export type Said = Pick<Failure, "errors" | "message">;

/** What {@linkcode flakyVerdict} weighs besides the failure itself. */
export interface FlakyEvidence {
  /** The changed file that bears on the test, if there is one. */
  readonly related: Cause | null;
  /**
   * A changed file that the test loads without asking for it: with its package, or by a
   * conftest.py.
   */
  readonly loaded: string | null;
  /** What earlier runs recorded of the test; null when nothing is on record. */
  readonly record: TestRecord | null;
  /** Whether something else held the registry: then no limit says anything. */
  readonly registryHeld: boolean;
}

/**
 * The row of the known-flaky list that a failure falls under, or null. Ids match by the file's
 * name, wherever it lives, and the test's name, without brackets unless the row has them; all
 * errors that say what went wrong have to be what the row says.
 */
export function knownFlaky(
  id: string,
  said: Said,
  rows: readonly KnownFlakyRow[],
): { row: KnownFlakyRow; reason: string } | null {
  const row = rows.find((candidate) => isListed(id, candidate) && failsAs(said, candidate.error));
  return row ? { row, reason: `known to be flaky: ${row.notes}` } : null;
}

/** The name of an error class, as pytest prints it. */
const CLASS = /^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Group|Interrupt|TIMEOUT)$/;

function failsAs(said: Said, error: string): boolean {
  if (!CLASS.test(error)) return said.message.includes(error);
  const is = (name: string) => error.includes(".") ? name === error : classOf(name).endsWith(error);
  const decisive = decisiveErrors(said);
  return decisive.length > 0 ? decisive.every(is) : said.errors.slice(0, 1).some(is);
}

/** The row that names a test, in whatever way it failed; null if none does. */
export function listedFlaky(id: string, rows: readonly KnownFlakyRow[]): KnownFlakyRow | null {
  return rows.find((row) => isListed(id, row)) ?? null;
}

/**
 * Whether a failure is most likely flaky: by the list, else by the rule of thumb that a missed time
 * limit in an unchanged code path is. Null for all other failures. Never hide a failure because of
 * this.
 */
export function flakyVerdict(
  id: string,
  said: Said,
  rows: readonly KnownFlakyRow[],
  evidence: FlakyEvidence,
): FlakyVerdict | null {
  const error = timingError(said);
  if (error !== null && evidence.registryHeld) return null;
  const known = knownFlaky(id, said, rows);
  if (known) return { kind: "known", ...known };
  if (error === null || evidence.related !== null || failsAlways(evidence.record)) return null;
  const loaded = `(${evidence.loaded} is only loaded with the rest)`;
  const where = evidence.loaded === null
    ? "in a code path that no current change touches"
    : `and no change is in its traceback or asked for by its imports ${loaded}`;
  const unproven = (evidence.record?.trials ?? 0) === 0 ? "; no earlier run proves it" : "";
  return { kind: "timing", error, reason: `${error} ${where}: most likely timing${unproven}` };
}

/** Whether a test failed every time it ran, so that timing is not the cause. */
function failsAlways(record: TestRecord | null): boolean {
  return record !== null && record.trials > 0 && record.failures === record.trials;
}

/**
 * The error that reports a missed time limit; null if there is none, or another error that explains
 * the failure.
 */
export function timingError(said: Said): string | null {
  const decisive = decisiveErrors(said);
  return decisive.length > 0 && decisive.every(isTiming) ? decisive[0]! : null;
}

/**
 * Whether a class is one of {@linkcode TIMING_ERRORS}, in whatever module of its package it is
 * today.
 */
function isTiming(name: string): boolean {
  const packageOf = (dotted: string) => dotted.split(".", 1)[0];
  return TIMING_ERRORS.some((error) =>
    classOf(error) === classOf(name) && packageOf(error) === packageOf(name)
  );
}

function isListed(id: string, row: KnownFlakyRow): boolean {
  const test = partsOf(id);
  const listed = partsOf(row.test);
  return test.file === listed.file && test.name === listed.name &&
    (listed.brackets === "" || listed.brackets === test.brackets);
}

/** `tests/devx/test_x.py::TestY::test_z[a::b/c]` → the file's name, `TestY::test_z`, `[a::b/c]`. */
function partsOf(id: string): { file: string; name: string; brackets: string } {
  const [path = "", ...rest] = id.split("::");
  const test = rest.join("::");
  const bracket = test.indexOf("[");
  const name = bracket < 0 ? test : test.slice(0, bracket);
  return { file: lastPart(path), name, brackets: test.slice(name.length) };
}
