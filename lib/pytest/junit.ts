import { describeLeft } from "./describe_left.ts";
import { withoutAnsi } from "../base/escape.ts";
import type { Attempt, TestResult } from "./results.ts";
import type { Failure } from "./failure.ts";
import type { RunModel } from "./run_model.ts";

/** One suite of a JUnit document. */
export interface JunitSuite {
  readonly name: string;
  readonly results: RunModel;
}

/**
 * The results of a run as one JUnit document: a single suite, or one for each cell of a matrix.
 * Names are pytest's, so that CI systems continue their histories. If the run was cut short, tests
 * that were running or did not run count as errors.
 *
 * Like pytest: `failure` for the call and each failed subtest, `error` for fixtures and collection;
 * an error in the teardown of a failed test has an element of its own. The totals agree with
 * {@linkcode RunModel.counts}: `errors` includes the tests that did not run. Unlike pytest: `tests`
 * counts a test that passed and whose teardown failed once, not twice; otherwise a CI system that
 * subtracts failures and errors would show a passed test that does not exist. Like surefire:
 * earlier attempts at a test are `flakyFailure`, or `rerunFailure` if it stayed red.
 */
export function junit(results: RunModel | readonly JunitSuite[]): string {
  const suites = "tests" in results ? [{ name: "tractest", results }] : results;
  const root = element("testsuites", { name: "tractest" }, suites.map(suiteOf));
  return `<?xml version="1.0" encoding="utf-8"?>\n${root}\n`;
}

function suiteOf({ name, results }: JunitSuite): string {
  const tests = [...results.tests.values()].filter((test) => test.attempts.length > 0);
  const cases = [
    ...results.collectionErrors.map(collectionError),
    ...results.collectionSkips.map(collectionSkip),
    ...tests.flatMap((test) => casesOf(test, results)),
    ...neverBegun(results, tests),
    ...results.internalErrors.map(internalError),
  ];
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

function suiteProperties({ started, ended, properties: recorded }: RunModel): string {
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
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value == null ? [] : [[name, String(value)]]
  );
  return properties([...known, ...recorded]);
}

/** As pytest's own report has it. */
function internalError(message: string): Case {
  const body = detail("error", { message: "internal error" }, message);
  return untimedCase("errors", { classname: "pytest", name: "internal" }, body);
}

function collectionError({ id, message, traceback }: Failure): Case {
  const body = detail("error", { message: "collection failure" }, traceback || message);
  return untimedCase("errors", nameOf(id), body);
}

function collectionSkip({ id, reason }: { readonly id: string; readonly reason: string }): Case {
  const skipped = detail("skipped", { type: "pytest.skip", message: "collection skipped" }, reason);
  return untimedCase("skipped", nameOf(id), skipped);
}

/** A case that took no time: one error, or one skip. */
function untimedCase(
  kind: "errors" | "skipped",
  name: Readonly<Record<"classname" | "name", string>>,
  body: string,
): Case {
  const xml = element("testcase", { ...name, time: "0.000" }, [body]);
  return { ...NOTHING, tests: 1, [kind]: 1, xml };
}

/** Tests that never began, unless pytest itself stopped, for example because of `-x`. */
function neverBegun(results: RunModel, tests: readonly TestResult[]): Case[] {
  if (results.ended !== null && results.ended.ending === null) return [];
  const begun = new Map<string, number>();
  for (const test of tests) if (!hasResult(test)) begun.set(test.id, (begun.get(test.id) ?? 0) + 1);
  const message = `it did not run: ${endOf(results)}`;
  return results.notRun.flatMap((id): Case[] => {
    const left = begun.get(id) ?? 0;
    begun.set(id, left - 1);
    if (left > 0) return [];
    return [untimedCase("errors", nameOf(id), detail("error", { message }, ""))];
  });
}

function hasResult({ finished, attempts }: TestResult): boolean {
  return finished || (attempts.at(-1)?.counted.length ?? 0) > 0;
}

/** Why a run ended before all its tests had. */
function endOf({ ended }: RunModel): string {
  return ended === null ? "the run was killed" : ended.ending ?? "the run was over";
}

function casesOf(test: TestResult, results: RunModel): Case[] {
  const { attempts } = test;
  const last = attempts.at(-1)!;
  const head = { ...nameOf(test.id), ...placeOf(test) };
  const leaks = test.leaked.map((left) => ["tractest.leak", describeLeft(left)]);
  const known = properties([...last.properties, ...leaks]);
  const testcase = (body: readonly string[]) =>
    element("testcase", { ...head, time: fixed(last.seconds) }, [known, ...body]);
  const further = (message: string, traceback: string, end: string): Case => {
    const body = [detail("error", { message }, traceback), end];
    return { ...NOTHING, errors: 1, xml: element("testcase", { ...head, time: "0.000" }, body) };
  };
  const others = (shown: Attempt) =>
    attempts.flatMap((attempt) => attempt === shown ? [] : attempt.failure ?? []);
  if (!hasResult(test)) {
    const message = last.cut ?? `the run ended while it ran: ${endOf(results)}`;
    const error = detail("error", { message }, "");
    const earlier = others(last).map((failure) => attemptElement("rerun", failure));
    return [{ ...NOTHING, tests: 1, errors: 1, xml: testcase([error, ...earlier]) }];
  }
  // It had a result before the run ended in its teardown.
  const isCut = last.cut !== null && last.counted.length > 0;
  const cut = isCut ? [further(last.cut, "", "")] : [];
  if (last.failure === null) {
    const skipped = skippedElements(last);
    const body = [...skipped, ...others(last).map((one) => attemptElement("flaky", one))];
    return [{ ...NOTHING, tests: 1, skipped: skipped.length, xml: testcase(body) }, ...cut];
  }
  // If the last attempt counts the same as the first failure, the first says most.
  const first = attempts.find((attempt) => attempt.failure !== null)!;
  const isSame = !first.cut && !last.cut && first.counted.join() === last.counted.join();
  const shown = isSame ? first : last;
  return [...redCases(shown, others(shown), testcase, further), ...cut];
}

/** The failures of an attempt at a test, followed by those of other attempts. */
function redCases(
  attempt: Attempt,
  others: readonly Failure[],
  testcase: (body: readonly string[]) => string,
  further: (message: string, traceback: string, end: string) => Case,
): Case[] {
  const failures = attempt.failures;
  // Subtests that failed are no tests of their own.
  const inCall = failures.filter((failure) => failure.phase === "call");
  const [first, ...rest] = inCall.length > 0 ? inCall : failures.slice(0, 1);
  const later = failures.filter((failure) => failure !== first && !rest.includes(failure));
  const kind = kindOf(first!);
  // Skipped, and then its teardown failed.
  const skipped = skippedElements(attempt);
  const body = [
    ...skipped,
    ...[first!, ...rest].map((failure) =>
      detail(kind, { message: messageOf(failure, kind) }, failure.traceback)
    ),
    ...others.map((failure) => attemptElement("rerun", failure)),
    output(first!),
  ];
  const main = {
    ...NOTHING,
    tests: 1,
    failures: kind === "failure" ? 1 + rest.length : 0,
    errors: kind === "error" ? 1 : 0,
    skipped: skipped.length,
    xml: testcase(body),
  };
  const more = (one: Failure) => further(messageOf(one, "error"), one.traceback, output(one));
  return [main, ...later.map(more)];
}

type Kind = "failure" | "error";

function kindOf({ phase }: Failure): Kind {
  return phase === "call" ? "failure" : "error";
}

function messageOf({ phase, message }: Failure, kind: Kind): string {
  return kind === "failure" || phase === "call" ? message : `failed on ${phase} with "${message}"`;
}

/** Another attempt at a test, in surefire's words. */
function attemptElement(prefix: "flaky" | "rerun", failure: Failure): string {
  const name = `${prefix}${kindOf(failure) === "failure" ? "Failure" : "Error"}`;
  const attributes = { message: failure.message, type: failure.errors[0] ?? "" };
  return element(name, attributes, [element("stackTrace", {}, [text(failure.traceback)])]);
}

/** How a test was skipped or expected to fail, even if its teardown failed then; else empty. */
function skippedElements({ skipped, reason }: Attempt): string[] {
  if (skipped === null) return [];
  const type = skipped === "xfailed" ? "pytest.xfail" : "pytest.skip";
  const message = (reason ?? "").replace(/^Skipped: /, "");
  return [detail("skipped", { type, message }, "")];
}

function output({ output = "" }: Failure): string {
  return output === "" ? "" : detail("system-out", {}, output);
}

/** `tests/a/test_b.py::TestC::test_d[e::f]` is `tests.a.test_b.TestC` and `test_d[e::f]`. */
function nameOf(id: string): { classname: string; name: string } {
  const [path = "", ...rest] = id.split("::");
  // The first bracket after the path begins the parameters, which may contain "::".
  const tail = rest.join("::");
  const bracket = tail.indexOf("[");
  const inner = bracket < 0 ? tail : tail.slice(0, bracket);
  const module = path.replaceAll("/", ".").replace(/\.py$/, "");
  const names = [module, ...(tail === "" ? [] : inner.split("::"))];
  const name = names.pop()! + (bracket < 0 ? "" : tail.slice(bracket));
  return { classname: names.join("."), name };
}

function placeOf({ file, line }: TestResult): Record<string, string> {
  return {
    ...(file === null ? {} : { file }),
    ...(file === null || line === null ? {} : { line: String(line + 1) }),
  };
}

function properties(rows: readonly (readonly string[])[]): string {
  const property = ([name, value]: readonly string[]) =>
    element("property", { name: name!, value: value! }, []);
  return rows.length === 0 ? "" : element("properties", {}, rows.map(property));
}

function detail(name: string, attributes: Readonly<Record<string, string>>, body: string): string {
  return element(name, attributes, [text(body)]);
}

function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly string[],
): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const head = name + pairs.join("");
  const body = children.join("");
  return body === "" ? `<${head}/>` : `<${head}>${body}</${name}>`;
}

/** Seconds to the millisecond. */
function fixed(seconds: number): string {
  return Math.max(0, seconds).toFixed(3);
}

function text(value: string): string {
  // A parser turns a bare CR into LF.
  return legal(withoutAnsi(value)).replace(/[&<>\r]/g, reference);
}

function attribute(value: string): string {
  return legal(value).replace(/[&<>"\r\n\t]/g, reference);
}

function reference(character: string): string {
  return `&#${character.charCodeAt(0)};`;
}

/** Characters that XML 1.0 forbids are written as pytest writes them: `#x1B`. */
function legal(value: string): string {
  const hex = (character: string) => character.codePointAt(0)!.toString(16).toUpperCase();
  return value.replace(ILLEGAL, (character) => `#x${hex(character).padStart(2, "0")}`);
}

// deno-lint-ignore no-control-regex
const ILLEGAL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\p{Cs}\ufffe\uffff]/gu;
