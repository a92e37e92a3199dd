import fc from "fast-check";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { markup } from "../../lib/report/html.ts";
import { REPORT_SCRIPT } from "../../lib/report/script.ts";
import { REPORT_STYLE } from "../../lib/report/style.ts";
import { REPORT_MARK, type ReportInput, reportPage } from "../../lib/report/page.ts";
import type { Trends } from "../../lib/report/trends.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const NO_TRENDS: Trends = {
  runs: [],
  failed: [],
  usualSeconds: new Map(),
  past: new Map(),
  slower: [],
};
const LINKS = { root: "/home/me/shop", template: "file://{path}" } as const;

/** The page of a run, of which nothing else is known. */
function plainPage(results: RunModel): Promise<string> {
  const nothing = { hangs: [], explanations: [], trends: NO_TRENDS, compared: null };
  return reportPage({ results, ...nothing, links: LINKS, now: 0 });
}

/** A page that has every section; all text from outside of tractest in it is `text`. */
function pageWith(text: string, { ends = true } = {}): Promise<string> {
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
  return reportPage({ ...around(text, time), results, links: LINKS, now: time });
}

/** What a page shows besides the results. */
function around(text: string, time: number): Omit<ReportInput, "results" | "links" | "now"> {
  const hang = { time, event: "hang", id: text, verdict: text, evidence: [text] } as const;
  const counts = { tests: 3, failed: 1, errors: 0, flaky: 0 };
  const run = { id: text, started: time, seconds: 9, ...counts, exitCode: 1, commit: text };
  const past = [text, "failed"].map((outcome) => ({ outcome, seconds: 1, started: time }));
  const tries = { failures: 1, trials: 2 };
  const rates = { ...tries, recoveries: 1, contradictions: 1, streak: 1, strained: 1 };
  const trends = {
    runs: [run, run],
    failed: [{ id: `a${text}`, ...rates }],
    usualSeconds: new Map([[`a${text}`, 1]]),
    past: new Map([[`a${text}`, past], [`p${text}`, past]]),
    slower: [{ id: text, before: 1, now: 2, passes: [9, 9] as const, p: 0 }],
  };
  const explained = { time, event: "explained", id: `a${text}`, phase: "call" } as const;
  const related = { file: text, because: text, line: 3, see: ["git", "diff", "--", text] };
  return {
    hangs: [hang],
    explanations: [{ ...explained, known: text, listed: true, related }],
    trends,
    compared: {
      runId: text,
      started: time,
      commit: text,
      command: [text],
      isFinished: false,
      differences: {
        broken: [{ id: `a${text}`, before: text, now: "failed" }],
        fixed: [{ id: text, before: "failed", now: text }],
        skipped: [],
        stillRed: 1,
        slower: [{ id: text, before: 1, now: 2 }],
        faster: [],
        added: [text],
        gone: [text],
        seconds: [1, 2],
      },
    },
  };
}

/** The elements of a page and their attributes, and where its links lead. */
function partsOf(page: string): { elements: string[]; attributes: string[]; links: string[] } {
  const own = page.replace(REPORT_SCRIPT.text, "").replace(REPORT_STYLE.text, "");
  const [elements, attributes, links] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const [tag] of own.replace(REPORT_MARK, "").matchAll(/<[^>]*>/g)) {
    // Each attribute is a name, alone or with a quoted value.
    const [, name] = /^<\/?([a-z][a-z0-9]*)(?:\s+[a-z-]+(?:="[^"<>]*")?)*\s*\/?>$/i.exec(tag) ?? [];
    assert(name, `no tag of ours: ${tag}`);
    elements.add(name!);
    for (const [, attribute, value] of tag.matchAll(/\s([a-z-]+)(?:="([^"]*)")?/gi)) {
      attributes.add(attribute!);
      if (attribute === "href") links.add(value!.replace(/^(#|file:\/\/\/).*/s, "$1"));
    }
  }
  return { elements: [...elements], attributes: [...attributes], links: [...links] };
}

Deno.test("values in a template are escaped: markup, quotes, controls, bidirectional marks", () => {
  assertEquals(
    markup`<b title="${'"><i>'}">${"a<b>\n\tc\x07\u202e"}</b>`.text,
    '<b title="&#34;&#62;&#60;i&#62;">a&#60;b&#62;\n\tc\\x07\\u202e</b>',
  );
  assertEquals(markup`${[markup`<i>`, null, false, undefined, 0, "<"]}`.text, "<i>0&#60;");
});

Deno.test("hostile ids, titles and tracebacks add no element, attribute or link", async () => {
  const harmless = partsOf(await pageWith("x"));
  const known = { ...harmless, attributes: [...harmless.attributes, "data-run"] };
  const hostile = fc.oneof(
    fc.constantFrom(
      "</script><script>alert(1)</script>",
      "</style><img src=x onerror=alert(1)>",
      '" onload="alert(1)',
      "javascript:alert(1)//:1",
      "--><b>",
      "]]>",
      "E   <b>\n>   <i>\nx.py:1: <u>",
      "\u202e</pre>",
      "${x}",
    ),
    fc.string({ unit: "binary", minLength: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (text) => {
      const page = await pageWith(text);
      const found = partsOf(page);
      for (const kind of ["elements", "attributes", "links"] as const) {
        assertEquals(found[kind].filter((name) => !known[kind].includes(name)), []);
      }
      assertEquals(page.split("<script>").length, 2);
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(page));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a page begins with the mark that allows overwriting it, and loads nothing", async () => {
  const page = await pageWith("x");
  assert(page.startsWith(REPORT_MARK));
  assert(!/<(link|img|iframe|base)|\bsrc=|url\(|@import|https?:/.test(page));
});

Deno.test("its policy allows its own style and script, and nothing else", async () => {
  const page = await pageWith("x");
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page)!;
  const digests = await Promise.all(["style", "script"].map(async (name) => {
    const [, text] = new RegExp(`<${name}>(.*)</${name}>`, "s").exec(page)!;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return `${name}-src 'sha256-${new Uint8Array(digest).toBase64()}'`;
  }));
  assertEquals(policy!.replaceAll("&#39;", "'").split("; "), [
    "default-src 'none'",
    ...digests,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assert(!/ style="| on[a-z]+="/.test(page));
});

Deno.test("the page begins with the verdict, also for a killed and for an empty run", async () => {
  assertIncludes(await pageWith("x"), "<h1>1 failed, 1 error</h1>");
  assertIncludes(await pageWith("x", { ends: false }), "<h1>Did not finish</h1>");
  assertIncludes(await plainPage(new RunModel()), "<h1>Did not finish</h1>");
});

Deno.test("a test without a result is listed once, whether it began or not", async () => {
  const results = new RunModel();
  results.apply({ event: "tests", time: 1, session: "0", ids: ["a.py::test_cut", "a.py::test_b"] });
  results.apply({ event: "test-start", time: 2, session: "0", id: "a.py::test_cut" });
  const page = await plainPage(results);
  const rows = [...page.matchAll(/<li class="([a-z]+)"[^>]*><code>(\w+)/g)].map((row) =>
    row.slice(1)
  );
  assertEquals(rows, [["unfinished", "test_cut"], ["notrun", "test_b"]]);
  assertIncludes(page, "<b>2</b> not run</a>");
  assertIncludes(page, "not run 2</button>");
});

Deno.test("a page of 10,000 tests that all fail stays below 5 MB, one of 50,000 too", async () => {
  for (const [count, everyTest] of [[10_000, 1], [50_000, 10]] as const) {
    const results = new RunModel();
    for (let index = 0; index < count; index++) {
      const [id, time] = [`tests/test_a.py::test_b[${index}]`, 1_700_000_000 + index];
      const outcome = index % everyTest === 0 ? "failed" : "passed";
      const report = { event: "report", id, time } as const;
      const failure = outcome === "failed"
        ? { message: `${"m".repeat(300)} ${index}`, traceback: "<t>".repeat(500) }
        : {};
      results.apply({ event: "test-start", id, time });
      results.apply({
        ...report,
        phase: "call",
        outcome,
        category: outcome,
        seconds: 0.9,
        ...failure,
      });
      results.apply({ ...report, phase: "teardown", outcome: "passed", category: "", seconds: 0 });
    }
    const page = await plainPage(results);
    assert(page.length < 5_000_000, `${page.length} characters of ${count}`);
    assertIncludes(page, `and ${count / everyTest - 1_000} more, in the list of all tests`);
    assertEquals(page.split('<li class="failed"').length - 1, count / everyTest);
  }
});
