import { describeLeft } from "./left_behind.ts";
import { withoutAnsi } from "../escape.ts";
import type { LeftBehind } from "./pytest_events.ts";
import type { Attempt, ResultFailure, Results, TestResult } from "./results.ts";

/** The results that one suite of a JUnit document has. */
export interface JunitSuite {
  readonly name: string;
  readonly results: Results;
}

/**
 * The results of a run as one JUnit document: a single suite, or one for each cell of a matrix; names as pytest gives them, so that histories of CI systems go on. Of a
 * run that was cut short it holds what is known, and the tests that were running count as errors.
 *
 * As pytest does: `failure` for what failed in the call, `error` for fixtures, collection, and what ended a test from outside; an error
 * in the teardown of a test that failed has an element of its own. Other than pytest: `tests` is how many tests there are, where pytest
 * counts one that passed, and whose teardown failed, as two: a CI system that takes failures and errors from it would show one that passed
 * and is nowhere. As surefire does: earlier attempts of a test that was tried again
 * are `flakyFailure`, or `rerunFailure` if it stayed red.
 */
export function junit(results: Results | readonly JunitSuite[]): string {
  const suites = "tests" in results ? [{ name: "tractest", results }] : results;
  return `<?xml version="1.0" encoding="utf-8"?>\n${element("testsuites", { name: "tractest" }, suites.map(suiteOf))}\n`;
}

function suiteOf({ name, results }: JunitSuite): string {
  const tests = [...results.tests.values()].filter((test) => test.attempts.length > 0);
  const cases = [...results.collectionErrors.map(collectionCase), ...tests.flatMap(casesOf)];
  const count = (of: (one: Case) => number) => String(cases.reduce((sum, one) => sum + of(one), 0));
  const seconds = results.ended?.seconds ?? (results.latest ?? 0) - (results.first ?? 0);
  return element("testsuite", {
    name,
    errors: count((one) => one.errors),
    failures: count((one) => one.failures),
    skipped: count((one) => one.skipped),
    tests: count((one) => one.tests),
    time: fixed(seconds),
    timestamp: new Date((results.first ?? 0) * 1000).toISOString(),
  }, [suiteProperties(results), ...cases.map((one) => one.xml)]);
}

/** A `testcase`, and what it counts as. */
interface Case {
  readonly xml: string;
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
}

const NOTHING = { tests: 0, failures: 0, errors: 0, skipped: 0 } as const;

function suiteProperties({ started, ended }: Results): string {
  const facts: Readonly<Record<string, string | number | boolean | null | undefined>> = {
    runId: started?.runId,
    command: started?.command.join(" "),
    commit: started?.commit,
    dirty: started?.dirty,
    transport: started?.transport,
    backend: started?.backend,
    python: started?.python,
    exitCode: ended?.exitCode,
    ending: ended?.ending,
  };
  return properties(Object.entries(facts).flatMap(([name, value]) => value == null ? [] : [[name, String(value)]]));
}

function collectionCase({ id, failure }: { readonly id: string; readonly failure: ResultFailure }): Case {
  const body = detail("error", { message: "collection failure" }, failure.traceback || failure.message);
  return { ...NOTHING, tests: 1, errors: 1, xml: element("testcase", { ...nameOf(id), time: "0.000" }, [body]) };
}

function casesOf(test: TestResult): Case[] {
  const attempts = test.finished ? test.attempts : test.attempts.slice(0, -1);
  const last = attempts.at(-1);
  const head = { ...nameOf(test.id), ...placeOf(test) };
  const leaks = properties(test.leaked.map(leakProperty));
  const testcase = (attempt: Attempt | undefined, body: readonly string[]) =>
    element("testcase", { ...head, time: fixed(attempt?.seconds ?? 0) }, [leaks, ...body]);
  if (!last) {
    const error = detail("error", { message: "the run ended while it ran" }, "");
    return [{ ...NOTHING, tests: 1, errors: 1, xml: testcase(test.attempts[0], [error]) }];
  }
  if (last.failure === null) {
    const skipped = last.outcome === "skipped" || last.outcome === "xfailed";
    const body = [
      ...(skipped ? [skippedElement(last)] : []),
      ...attempts.flatMap((attempt) => attempt.failure === null ? [] : [attemptElement("flaky", attempt.failure, attempt)]),
    ];
    return [{ ...NOTHING, tests: 1, skipped: skipped ? 1 : 0, xml: testcase(last, body) }];
  }
  // The first failure is the one to look at; those of later attempts stand behind it.
  const [first, ...rest] = attempts.flatMap((attempt) => attempt.failure === null ? [] : [{ attempt, failure: attempt.failure }]);
  const kind = kindOf(first!.failure, first!.attempt);
  const body = [
    detail(kind, { message: messageOf(first!.failure, kind) }, first!.failure.traceback),
    ...rest.map(({ failure, attempt }) => attemptElement("rerun", failure, attempt)),
    output(first!.failure),
  ];
  const main = { ...NOTHING, tests: 1, failures: kind === "failure" ? 1 : 0, errors: kind === "error" ? 1 : 0, xml: testcase(last, body) };
  const later = first!.attempt.later.map((failure): Case => {
    const error = detail("error", { message: messageOf(failure, "error") }, failure.traceback);
    return { ...NOTHING, errors: 1, xml: element("testcase", { ...head, time: "0.000" }, [error, output(failure)]) };
  });
  return [main, ...later];
}

type Kind = "failure" | "error";

function kindOf({ phase }: ResultFailure, { outcome }: Pick<Attempt, "outcome">): Kind {
  return phase === "call" && outcome !== "timeout" && outcome !== "crash" ? "failure" : "error";
}

function messageOf({ phase, message }: ResultFailure, kind: Kind): string {
  return kind === "failure" || phase === "call" ? message : `failed on ${phase} with "${message}"`;
}

/** Another attempt at a test, in surefire's words. */
function attemptElement(prefix: "flaky" | "rerun", failure: ResultFailure, attempt: Attempt): string {
  const name = `${prefix}${kindOf(failure, attempt) === "failure" ? "Failure" : "Error"}`;
  const attributes = { message: failure.message, type: failure.errors[0] ?? "" };
  return element(name, attributes, [element("stackTrace", {}, [text(failure.traceback)])]);
}

function skippedElement({ outcome, reason }: Attempt): string {
  const message = (reason ?? "").replace(/^Skipped: /, "");
  return detail("skipped", { type: outcome === "xfailed" ? "pytest.xfail" : "pytest.skip", message }, "");
}

function output({ output = "" }: ResultFailure): string {
  return output === "" ? "" : detail("system-out", {}, output);
}

function leakProperty(left: LeftBehind): [string, string] {
  return ["tractest.leak", describeLeft(left)];
}

/** `tests/a/test_b.py::TestC::test_d[e::f]` is `tests.a.test_b.TestC` and `test_d[e::f]`. */
function nameOf(id: string): { classname: string; name: string } {
  const bracket = id.indexOf("[");
  const names = (bracket < 0 ? id : id.slice(0, bracket)).split("::");
  names[0] = names[0]!.replaceAll("/", ".").replace(/\.py$/, "");
  const name = names.pop()! + (bracket < 0 ? "" : id.slice(bracket));
  return { classname: names.join("."), name };
}

function placeOf({ file, line }: TestResult): Record<string, string> {
  return { ...(file === null ? {} : { file }), ...(file === null || line === null ? {} : { line: String(line + 1) }) };
}

function properties(rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : element("properties", {}, rows.map(([name, value]) => element("property", { name: name!, value: value! }, [])));
}

function detail(name: string, attributes: Readonly<Record<string, string>>, body: string): string {
  return element(name, attributes, [text(body)]);
}

function element(name: string, attributes: Readonly<Record<string, string>>, children: readonly string[]): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`).join("");
  const body = children.join("");
  return body === "" ? `<${name}${head}/>` : `<${name}${head}>${body}</${name}>`;
}

/** Seconds to the millisecond. */
function fixed(seconds: number): string {
  return Math.max(0, seconds).toFixed(3);
}

function text(value: string): string {
  // A parser turns a bare CR into LF.
  return legal(withoutAnsi(value)).replace(/[&<>\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function attribute(value: string): string {
  return legal(value).replace(/[&<>"\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What XML 1.0 has no way to say is written as pytest writes it: `#x1B`. */
function legal(value: string): string {
  return value.replace(ILLEGAL, (character) => `#x${character.codePointAt(0)!.toString(16).toUpperCase().padStart(2, "0")}`);
}

// deno-lint-ignore no-control-regex
const ILLEGAL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\p{Cs}\ufffe\uffff]/gu;
