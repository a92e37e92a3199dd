import fc from "fast-check";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { markup } from "../../lib/report/html.ts";
import { REPORT_MARK, reportPage } from "../../lib/report/page.ts";
import type { Trends } from "../../lib/report/trends.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const NO_TRENDS: Trends = { runs: [], failed: [], usualSeconds: new Map() };

/** A page that has every section; all text from outside of tractest in it is `text`. */
function pageWith(text: string, { ends = true } = {}): string {
  const results = new RunModel();
  let time = 1_700_000_000;
  const add = (event: Record<string, unknown>) =>
    results.apply({ time: time++, session: "0", ...event } as unknown as PytestEvent);
  const whole = (id: string, category: string, session = "0") => {
    add({ event: "test-start", id, session });
    const failed = category === "failed"
      ? { message: text, traceback: `${text}\n${text}`, errors: [text], where: text, output: text }
      : {};
    add({
      event: "report",
      id,
      session,
      phase: "call",
      outcome: category === "failed" ? "failed" : "passed",
      category,
      seconds: 0.5,
      ...failed,
    });
    add({
      event: "report",
      id,
      session,
      phase: "teardown",
      outcome: "passed",
      category: "",
      seconds: 0.1,
    });
  };
  const facts = { commit: text, dirty: true, transport: text, backend: text, python: text };
  add({ event: "run-start", runId: text, root: text, command: [text], pid: 1, ...facts });
  add({
    event: "collection-error",
    id: `c${text}`,
    message: text,
    where: text,
    traceback: text,
    errors: [],
  });
  whole(`a${text}`, "failed");
  whole(`f${text}`, "failed");
  whole(`f${text}`, "passed", text);
  whole(`p${text}`, "passed");
  add({
    event: "leak",
    id: `p${text}`,
    processes: [{ pid: 5, startTicks: 1, title: text, seconds: 0.5 }],
  });
  if (ends) add({ event: "run-finish", exitCode: 1, ending: text, seconds: 9 });
  const hang = { time, event: "hang", id: text, verdict: text, evidence: [text] } as const;
  const counts = { tests: 3, failed: 1, errors: 0 };
  const run = { id: text, started: time, seconds: 9, ...counts, exitCode: 1, commit: text };
  const trends = {
    runs: [run, run],
    failed: [{ id: text, failures: 1, trials: 2 }],
    usualSeconds: new Map([[`a${text}`, 1]]),
  };
  return reportPage({ results, hangs: [hang], trends, now: time });
}

/** The tags of a page, without texts and values of attributes. */
function skeleton(page: string): string {
  return page.replace(/>[^<]*</g, "><").replace(/"[^"]*"/g, '""');
}

Deno.test("values in a template are escaped: markup, quotes, controls, bidirectional marks", () => {
  assertEquals(
    markup`<b title="${'"><i>'}">${"a<b>\n\tc\x07\u202e"}</b>`.text,
    '<b title="&#34;&#62;&#60;i&#62;">a&#60;b&#62;\n\tc\\x07\\u202e</b>',
  );
  assertEquals(markup`${[markup`<i>`, null, false, undefined, 0, "<"]}`.text, "<i>0&#60;");
});

Deno.test("hostile ids, titles and tracebacks add no elements to the page", () => {
  const harmless = skeleton(pageWith("x"));
  const hostile = fc.oneof(
    fc.constantFrom(
      "</script><script>alert(1)</script>",
      "</style><img src=x onerror=alert(1)>",
      '" onload="alert(1)',
      "--><b>",
      "]]>",
      "\u202e</pre>",
      "${x}",
    ),
    fc.string({ unit: "binary", minLength: 1 }),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const page = pageWith(text);
      assertEquals(skeleton(page), harmless);
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(page));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a page begins with the mark that allows overwriting it, and loads nothing", () => {
  const page = pageWith("x");
  assert(page.startsWith(REPORT_MARK));
  assert(!/<(script|link|img|iframe)|\bsrc=|url\(|@import|https?:/.test(page));
  assertIncludes(page, "default-src 'none'");
});

Deno.test("the page begins with the verdict, also for a killed and for an empty run", () => {
  assertIncludes(pageWith("x"), "<h1>1 failed, 1 error</h1>");
  assertIncludes(pageWith("x", { ends: false }), "<h1>Did not finish</h1>");
  assertIncludes(
    reportPage({ results: new RunModel(), hangs: [], trends: NO_TRENDS, now: 0 }),
    "<h1>Did not finish</h1>",
  );
});

Deno.test("a page of 50,000 tests stays below 1 MB", () => {
  const results = new RunModel();
  for (let index = 0; index < 50_000; index++) {
    const [id, time] = [`tests/test_a.py::test_b[${index}]`, 1_700_000_000 + index];
    results.apply({ event: "test-start", id, time });
    const outcome = index % 10 === 0 ? "failed" : "passed";
    results.apply({
      event: "report",
      id,
      time,
      phase: "call",
      outcome,
      category: outcome,
      seconds: 0.9,
      message: "no",
      traceback: "t".repeat(500),
    });
    results.apply({
      event: "report",
      id,
      time,
      phase: "teardown",
      outcome: "passed",
      category: "",
      seconds: 0,
    });
  }
  const page = reportPage({ results, hangs: [], trends: NO_TRENDS, now: 0 });
  assert(page.length < 1_000_000, `${page.length} characters`);
  assertIncludes(page, "and 4900 more");
});
