import fc from "fast-check";
import { junit } from "../../lib/pytest/junit.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { assertEquals, assertIncludes } from "../assert.ts";

/**
 * Reads a document with a real parser: attributes of the suite, then of each test with its
 * children.
 */
const READER = `
import json, sys, xml.etree.ElementTree as tree
def read(node):
    children = [read(child) for child in node]
    text = node.text or ""
    return {"tag": node.tag, "attributes": node.attrib, "text": text, "children": children}
documents = json.load(sys.stdin)
json.dump([read(tree.fromstring(text.encode())[0]) for text in documents], sys.stdout)
`;

interface Node {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Node[];
}

async function parse(documents: readonly string[]): Promise<Node[]> {
  const child = new Deno.Command("python3", {
    args: ["-c", READER],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(documents)));
  await writer.close();
  return JSON.parse(new TextDecoder().decode((await child.output()).stdout));
}

type EventDraft = PytestEvent extends infer Event
  ? Event extends PytestEvent ? Omit<Event, "time"> : never
  : never;

function resultsOf(events: readonly EventDraft[]): RunModel {
  const results = new RunModel();
  events.forEach((event, index) =>
    results.apply({ time: 1_700_000_000 + index, ...event } as PytestEvent)
  );
  return results;
}

const started = (id: string): EventDraft => ({
  event: "test-start",
  id,
  file: "tests/test_a.py",
  line: 6,
});
const report = (
  id: string,
  phase: "setup" | "call" | "teardown",
  category: string,
  rest: Partial<{ message: string; output: string }> = {},
): EventDraft => ({
  event: "report",
  id,
  phase,
  outcome: ["failed", "error"].includes(category)
    ? "failed"
    : ["skipped", "xfailed"].includes(category)
    ? "skipped"
    : "passed",
  category,
  seconds: 0.5,
  ...(rest.message === undefined
    ? {}
    : { traceback: `E   ${rest.message}`, errors: ["AssertionError"] }),
  ...rest,
});
const whole = (id: string, category: string, rest = {}): EventDraft[] => [
  started(id),
  report(id, "setup", ""),
  report(id, "call", category, rest),
  report(id, "teardown", ""),
];

/** The same in another session. */
const again = (events: readonly EventDraft[]): EventDraft[] =>
  events.map((event) => ({ ...event, session: "again" }));

function tagsOf(node: Node): string[] {
  return node.children.map((child) => child.tag);
}

Deno.test("a test whose call and teardown failed counts once, with both errors", async () => {
  const id = "tests/test_a.py::TestA::test_b[x::y/z]";
  const [suite] = await parse([junit(resultsOf([
    started(id),
    report(id, "call", "failed", {
      message: "assert 1 == 2",
      output: "--- Captured stdout call ---\nhello",
    }),
    report(id, "teardown", "error", { message: "stuck" }),
  ]))]);
  const { tests, failures, errors } = suite!.attributes;
  assertEquals([tests, failures, errors], ["1", "1", "1"]);
  const cases = suite!.children.filter((child) => child.tag === "testcase");
  assertEquals(
    cases.map((one) => [one.attributes.classname, one.attributes.name, one.attributes.line]),
    [
      ["tests.test_a.TestA", "test_b[x::y/z]", "7"],
      ["tests.test_a.TestA", "test_b[x::y/z]", "7"],
    ],
  );
  assertEquals(cases.map(tagsOf), [["failure", "system-out"], ["error"]]);
  assertEquals(cases[0]!.children[0]!.attributes.message, "assert 1 == 2");
  assertIncludes(cases[0]!.children[1]!.text, "hello");
  assertEquals(cases[1]!.children[0]!.attributes.message, 'failed on teardown with "stuck"');
});

Deno.test("a test that was skipped stays skipped where its teardown fails", async () => {
  const [suite] = await parse([
    junit(resultsOf([
      started("a.py::x"),
      report("a.py::x", "call", "skipped", { message: "Skipped: not here" }),
      report("a.py::x", "teardown", "error", { message: "no" }),
    ])),
  ]);
  const { tests, skipped, errors } = suite!.attributes;
  assertEquals([tests, skipped, errors], ["1", "1", "1"]);
  const tags = suite!.children.at(-1)!.children.map(({ tag }) => tag);
  assertEquals(tags, ["skipped", "error"]);
});

Deno.test("names are pytest's, with brackets in paths and colons in parameters", () => {
  const ids = [
    "tests/[x]/test_a[1].py::TestB::test_c[d::e]",
    "tests/test_a.py::test_b",
    "tests/[x].py",
  ];
  const document = junit(resultsOf(ids.flatMap((id) => whole(id, "passed"))));
  const names = [...document.matchAll(/classname="([^"]*)" name="([^"]*)"/g)].map((
    [, classname, name],
  ) => [classname, name]);
  assertEquals(names, [["tests.[x].test_a[1].TestB", "test_c[d::e]"], ["tests.test_a", "test_b"], [
    "",
    "tests.[x]",
  ]]);
});

Deno.test("a broken file counts for its module and its doctests, as in pytest", () => {
  const skip: EventDraft = { event: "collection-skip", id: "tests/test_a.py", message: "no" };
  const error = {
    event: "collection-error",
    id: "tests/test_b.py",
    message: "E",
    where: null,
    traceback: "",
    errors: [],
  } as EventDraft;
  const results = resultsOf([skip, error, skip, ...again([skip, error, skip, error])]);
  assertEquals([results.counts.skipped, results.counts.errors], [2, 2]);
  assertIncludes(junit(results), 'errors="2" failures="0" skipped="2"');
});

Deno.test(
  "an internal error of pytest is an error in the report, so that it does not seem " +
    "green",
  () => {
    const id = "tests/test_a.py::test_b";
    const internal: EventDraft = { event: "internal-error", message: "ValueError: hook" };
    const document = junit(resultsOf([...whole(id, "passed"), internal, ...again([internal])]));
    assertIncludes(document, 'errors="1" failures="0" skipped="0" tests="2"');
    assertIncludes(
      document,
      'classname="pytest" name="internal" time="0.000">' +
        '<error message="internal error">ValueError: hook</error>',
    );
  },
);

Deno.test("a failure stays if the next attempt was cut short, and goes if it passed", () => {
  const id = "tests/test_a.py::test_b";
  const failed = [
    started(id),
    report(id, "setup", ""),
    report(id, "call", "failed", { message: "first" }),
    report(id, "teardown", ""),
  ];
  assertEquals(
    resultsOf([...failed, ...again([started(id)])]).failures.map(({ message }) => message),
    ["first"],
  );
  assertEquals(resultsOf([...failed, ...again(whole(id, "passed"))]).failures, []);
});

Deno.test("earlier attempts are flakyFailure if the test passed, else rerunFailure", async () => {
  const [flaky, red] = [
    whole("a.py::t", "failed", { message: "first" }),
    whole("a.py::t", "failed", { message: "second" }),
  ];
  const [passed, failed] = await parse([
    junit(resultsOf([...flaky, ...again(whole("a.py::t", "passed"))])),
    junit(resultsOf([...flaky, ...again(red)])),
  ]);
  const testcase = (suite: Node) => suite.children.find((child) => child.tag === "testcase")!;
  assertEquals([passed!.attributes.failures, failed!.attributes.failures], ["0", "1"]);
  assertEquals(tagsOf(testcase(passed!)), ["flakyFailure"]);
  assertEquals(testcase(passed!).children[0]!.children[0]!.text, "E   first");
  assertEquals(testcase(failed!).children.map((child) => [child.tag, child.attributes.message]), [[
    "failure",
    "first",
  ], ["rerunFailure", "second"]]);
});

Deno.test("timeouts and crashes are failures, unfinished tests errors", async () => {
  const [suite] = await parse([junit(resultsOf([
    {
      event: "collection-error",
      id: "tests/test_bad.py",
      message: "SyntaxError",
      where: null,
      traceback: "E  SyntaxError",
      errors: [],
    },
    started("a.py::limit"),
    {
      event: "timeout",
      id: "a.py::limit",
      seconds: 3,
      limit: 3,
      message: "it took longer than 3 s and was ended",
      traceback: "stacks",
    },
    started("a.py::crash"),
    {
      event: "crash",
      id: "a.py::crash",
      seconds: 1,
      message: "pytest ended by SIGSEGV while it ran",
    },
    ...whole("a.py::leaks", "passed"),
    {
      event: "leak",
      id: "a.py::leaks",
      processes: [{ pid: 7, startTicks: 1, title: "_subactor[<w>]", seconds: 0.5 }],
    },
    started("a.py::running"),
  ]))]);
  assertEquals(suite!.attributes.tests, "5");
  assertEquals([suite!.attributes.errors, suite!.attributes.failures], ["2", "2"]);
  const shown = suite!.children.map((
    child,
  ) => [child.attributes.name, child.children[0]?.tag, child.children[0]?.attributes.message]);
  assertEquals(shown, [
    ["tests.test_bad", "error", "collection failure"],
    ["limit", "failure", "it took longer than 3 s and was ended"],
    ["crash", "failure", "pytest ended by SIGSEGV while it ran"],
    ["leaks", "properties", undefined],
    ["running", "error", "the run ended while it ran: the run was killed"],
  ]);
  assertIncludes(
    suite!.children[3]!.children[0]!.children[0]!.attributes.value!,
    "pid 7 _subactor[<w>]",
  );
});

Deno.test("a parser reads the document whatever ids, messages and output contain", async () => {
  // Every code unit, lone surrogates included, and what terminals and parsers trip over.
  const wild = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 }).map((units) =>
      String.fromCharCode(...units)
    ),
    fc.constantFrom(
      "]]>",
      "\x1b[31mred\x1b[0m",
      "\x1b]8;;http://x\x07link",
      "<!--",
      "&amp;",
      "\r\n\t",
      "\ud800",
      "\ufffe\uffff",
      "</system-out>",
    ),
  );
  const cases = fc.sample(fc.tuple(wild, wild, wild), { numRuns: 300, seed: 20 });
  const documents = cases.map(([id, message, output]) =>
    junit(resultsOf(whole(`tests/a.py::t[${id}]`, "failed", { message, output })))
  );
  const suites = await parse(documents);
  for (const [index, [id, message]] of cases.entries()) {
    const testcase = suites[index]!.children[0]!;
    const legal = (text: string) =>
      !/[\p{Cs}\ufffe\uffff\x7f]/u.test(text) &&
      ![...text].some((one) => one < " " && !"\t\n\r".includes(one));
    if (legal(id)) assertEquals(testcase.attributes.name, `t[${id}]`);
    if (legal(message)) assertEquals(testcase.children[0]!.attributes.message, message);
  }
  assertEquals(suites.length, 300);
});
