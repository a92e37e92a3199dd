import { plural } from "../base/plural.ts";
import { clock } from "../base/durations.ts";
import { shellCommand } from "../base/escape.ts";
import type { TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { histogram, stamp, timeline } from "./charts.ts";
import { allTests } from "./all_tests.ts";
import { type ComparedRun, comparison, differencesText } from "./comparison.ts";
import { anchorsOf, type Explanation, failedOf, failures } from "./failed_tests.ts";
import { flakyTests, type Hang, hangs, leaks } from "./findings.ts";
import { type Html, markup } from "./html.ts";
import type { SourceLinks } from "./rules_links.ts";
import { REPORT_SCRIPT } from "./script.ts";
import { REPORT_STYLE } from "./style.ts";
import { failureRates, latestRuns, slowerTests, slowestTests, type Trends } from "./trends.ts";

/** How every report begins: a file that begins so may be overwritten. */
export const REPORT_MARK = "<!doctype html>\n<!-- tractest report -->\n";

/** Everything that a page shows. */
export interface ReportInput {
  readonly results: RunModel;
  readonly hangs: readonly Hang[];
  readonly explanations: readonly Explanation[];
  readonly trends: Trends;
  /** The run that it is compared with; null: none. */
  readonly compared: ComparedRun | null;
  readonly links: SourceLinks;
  /** When the page is made, in seconds since the epoch. */
  readonly now: number;
}

/** The page of a run: one HTML document that loads nothing else. */
export async function reportPage(input: ReportInput): Promise<string> {
  const { results, compared } = input;
  const { started } = results;
  const tests = results.begun;
  const { kind, word, sentence } = verdictOf(results, tests);
  const sections = sectionsOf(input, tests).filter(([, , body]) => body !== null);
  const links = sections.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`);
  const changes = compared && differencesText(compared.differences);
  const since = compared &&
    markup`<p>Since run <code>${compared.runId}</code>: <a href="#compared">${changes}</a>.</p>`;
  const page = markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${await policy()}">
<meta name="color-scheme" content="light dark">
<title>${word}: tractest report of ${started?.runId ?? "a run"}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<header class="${kind}">
<p class="eyebrow">tractest report</p>
<h1>${word}</h1>
<p>${sentence}</p>
${since}
<p class="typed"><code>${started && shellCommand(started.command)}</code></p>
${tiles(results, tests)}
</header>
<nav aria-label="Sections">
<ul>${links}</ul>
</nav>
<main>
${sections.map(section)}</main>
<script>${REPORT_SCRIPT}</script>
</body>
</html>
`;
  return REPORT_MARK + page.text;
}

/** Nothing is loaded, and of scripts and styles only the page's own are used, by their digests. */
async function policy(): Promise<string> {
  const [style, script] = await Promise.all([REPORT_STYLE, REPORT_SCRIPT].map(digestOf));
  return [
    "default-src 'none'",
    `style-src ${style}`,
    `script-src ${script}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

async function digestOf({ text }: Html): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${new Uint8Array(digest).toBase64()}'`;
}

/** A part of the page; null leaves it out. */
type Section = readonly [id: string, title: string, body: Html | null];

function sectionsOf(input: ReportInput, tests: readonly TestResult[]): Section[] {
  const { results, hangs: examined, explanations, trends, compared, links, now } = input;
  const failed = failedOf(results, tests);
  const anchors = anchorsOf(failed);
  const typed = shellCommand(results.started?.command ?? []);
  const shown = {
    links,
    explanations,
    records: new Map(trends.failed.map((record) => [record.id, record])),
    past: trends.past,
    broken: new Set(compared?.differences.broken.map(({ id }) => id)),
  };
  const fixed = new Set(compared?.differences.fixed.map(({ id }) => id));
  const listed = { ...shown, tests, notRun: results.notRun, anchors, fixed };
  return [
    ["failures", "Failures", failures(failed, shown)],
    ["compared", "Compared", compared && comparison(compared, typed, anchors)],
    ["hangs", "Hangs", hangs(examined)],
    ["flaky", "Passed only on a retry", flakyTests(tests, shown)],
    ["leaks", "Left behind", leaks(results, tests)],
    ["tests", "All tests", allTests(listed)],
    ["timeline", "Timeline", timeline(tests)],
    ["slowest", "Slowest tests", slowestTests(tests, trends)],
    ["slower", "Became slower", slowerTests(trends)],
    ["durations", "Durations", histogram(tests)],
    ["trends", "Latest runs", latestRuns(trends, results.started?.runId ?? null)],
    ["flakiest", "Failure rates", failureRates(trends)],
    ["environment", "Environment", environment(results, now)],
  ];
}

function section([id, title, body]: Section): Html {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`;
}

interface Verdict {
  readonly kind: "good" | "bad" | "open";
  readonly word: string;
  readonly sentence: string;
}

function verdictOf(results: RunModel, tests: readonly TestResult[]): Verdict {
  const { ended, first, latest } = results;
  const { failed, errors } = results.counts;
  const ran = tests.filter((test) => test.finished).length;
  const seconds = ended?.seconds ?? (latest ?? 0) - (first ?? 0);
  const when = first === null ? "" : `, ${stamp(first)}`;
  const facts = `${plural(ran, "test")} in ${clock(seconds)}${when}.`;
  if (ended === null) {
    const sentence = `${facts} The run was killed, or is still running.`;
    return { kind: "open", word: "Did not finish", sentence };
  }
  const red = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(errors > 0 ? [plural(errors, "error")] : []),
  ];
  if (red.length === 0 && ended.exitCode === 0) {
    return { kind: "good", word: "Passed", sentence: facts };
  }
  const word = red.length > 0 ? red.join(", ") : `Exit code ${ended.exitCode}`;
  const ending = ended.ending === null ? "" : ` How it ended: ${ended.ending}.`;
  return { kind: "bad", word, sentence: `${facts}${ending}` };
}

function tiles({ counts }: RunModel, tests: readonly TestResult[]): Html {
  const number = (has: (test: TestResult) => boolean) => tests.filter(has).length;
  const rows: readonly (readonly [name: string, count: number, colour: string, tag?: string])[] = [
    ["passed", counts.passed, "passed", "passed"],
    ["failed", counts.failed, "failed", "failed"],
    [counts.errors === 1 ? "error" : "errors", counts.errors, "error", "error"],
    ["timed out", number(({ attempts }) => attempts.at(-1)!.ended === "timeout"), "timeout"],
    ["crashed", number(({ attempts }) => attempts.at(-1)!.ended === "crash"), "crash"],
    ["skipped", counts.skipped, "skipped", "skipped"],
    ["xfailed", counts.xfailed, "xfailed", "xfailed"],
    ["xpassed", counts.xpassed, "xpassed", "xpassed"],
    ["subtests passed", counts.subtestsPassed, "passed"],
    ["not run", counts.notRun, "skipped", "notrun"],
    ["flaky", number((test) => test.flaky), "flaky", "flaky"],
    ["leaked", number((test) => test.leaked.length > 0), "leak", "leak"],
  ];
  const shown = rows.filter(([name, count]) => count > 0 || ["passed", "failed"].includes(name));
  const all = shown.map(([name, count, colour, tag]) => {
    const label = markup`<b>${count}</b> ${name}`;
    const canShow = tag !== undefined && count > 0;
    const shown = canShow ? markup`<a href="#tests" data-tag="${tag}">${label}</a>` : label;
    return markup`<li><i class="dot ${colour}"></i>${shown}</li>\n`;
  });
  return markup`<ul class="tiles">\n${all}</ul>`;
}

function environment({ started, ended }: RunModel, now: number): Html {
  const changes = started?.dirty ? ", with changes" : "";
  const rows: readonly (readonly [string, string | null | undefined])[] = [
    ["run", started?.runId],
    ["project", started?.root],
    ["commit", started?.commit && `${started.commit}${changes}`],
    ["Python", started?.python],
    ["transport", started && (started.transport ?? "the default")],
    ["spawn backend", started && (started.backend ?? "the default")],
    ["exit code", ended && String(ended.exitCode)],
    ["page made", stamp(now)],
  ];
  const facts = rows.map(([name, value]) =>
    markup`<div><dt>${name}</dt><dd>${value ?? "unknown"}</dd></div>\n`
  );
  return markup`<dl class="facts">\n${facts}</dl>`;
}
