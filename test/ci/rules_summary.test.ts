import { doesNotMatch, match, ok, strictEqual } from "node:assert";
import fc from "fast-check";
import { markdown, type RunSummary, summaryMarkdown } from "../../lib/ci/rules_summary.ts";

const failure = (id: string, reason: string) => {
  return { id, where: "t.py:3", reason, known: ["flaky"] };
};
const SUMMARY: RunSummary = {
  title: "1 failed, 2 passed in 0.10 s",
  exitCode: 1,
  counts: [["passed", 2], ["failed", 1], ["skipped", 0]],
  failures: [failure("t.py::test_a", "assert 1 == 2")],
  flaky: [],
  leaks: [],
};

Deno.test("the summary has counts, failures, what is known of them, and a command", () => {
  const text = summaryMarkdown(SUMMARY);
  match(text, /^### tractest: 1 failed&#44; 2 passed in 0&#46;10 s\n/);
  match(text, /\| passed \| failed \|\n\| ---: \| ---: \|\n\| 2 \| 1 \|\n/);
  match(text, /\| <code>t&#46;py&#58;&#58;test&#95;a<\/code> \| .*<code>flaky<\/code> \|\n/);
  match(text, /Run them again:\n\n {4}tractest run t\.py::test_a\n/);
  match(text, /Exit code 1\.\n/);
});

Deno.test("whatever a test is named and says, Markdown shows it as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const shown = markdown(text);
    doesNotMatch(shown.replace(/&#\d+;/g, ""), /[!-\/:-@\[-`{-~\n\r]/);
    const table = summaryMarkdown({ ...SUMMARY, failures: [failure(text, text)] });
    const rows = table.split("\n").filter((line) =>
      line.startsWith("| <code>") || /^\| +\|/.test(line)
    );
    ok(rows.every((line) => line.split("|").length === 6), table);
  }));
});

Deno.test("the summary of any run is below GitHub's limit of 1 MiB", () => {
  const long = "|<".repeat(100_000);
  const failures = Array.from({ length: 2_000 }, (_, at) => failure(`${at}${long}`, long));
  const text = summaryMarkdown({ ...SUMMARY, failures, flaky: failures, leaks: failures });
  ok(text.length < 1 << 20, `${text.length}`);
  match(text, /… and 19\d\d more/);
});

Deno.test("a run without failures has neither a table of them nor a command", () => {
  const text = summaryMarkdown({ ...SUMMARY, exitCode: 0, failures: [] });
  doesNotMatch(text, /Failed|again/);
  strictEqual(text.split("\n").at(-1), "");
});
