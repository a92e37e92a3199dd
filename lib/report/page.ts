import { plural } from "../base/plural.ts";
import { clock } from "../base/durations.ts";
import { shellCommand } from "../base/escape.ts";
import type { TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { histogram, stamp, timeline } from "./charts.ts";
import { failures, flakyTests, type Hang, hangs, leaks } from "./findings.ts";
import { type Html, markup } from "./html.ts";
import { REPORT_STYLE } from "./style.ts";
import { failureRates, latestRuns, slowestTests, type Trends } from "./trends.ts";

/** How every report begins: a file that begins so may be overwritten. */
export const REPORT_MARK = "<!doctype html>\n<!-- tractest report -->\n";

/** Everything that a page shows. */
export interface ReportInput {
  readonly results: RunModel;
  readonly hangs: readonly Hang[];
  readonly trends: Trends;
  /** When the page is made, in seconds since the epoch. */
  readonly now: number;
}

/** The page of a run: one HTML document that loads nothing else. */
export function reportPage(input: ReportInput): string {
  const { started } = input.results;
  const tests = [...input.results.tests.values()].filter((test) => test.attempts.length > 0);
  const { kind, word, sentence } = verdictOf(input.results, tests);
  const sections = sectionsOf(input, tests).filter(([, , body]) => body !== null);
  const links = sections.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`);
  const page = markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${word}: tractest report of ${started?.runId ?? "a run"}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<header class="${kind}">
<p class="eyebrow">tractest report</p>
<h1>${word}</h1>
<p>${sentence}</p>
<p class="command"><code>${started && shellCommand(started.command)}</code></p>
${tiles(input.results, tests)}
</header>
<nav aria-label="Sections">
<ul>${links}</ul>
</nav>
<main>
${sections.map(section)}</main>
</body>
</html>
`;
  return REPORT_MARK + page.text;
}

/** A part of the page; null leaves it out. */
type Section = readonly [id: string, title: string, body: Html | null];

function sectionsOf(
  { results, hangs: examined, trends, now }: ReportInput,
  tests: readonly TestResult[],
): Section[] {
  return [
    ["failures", "Failures", failures(results, tests)],
    ["hangs", "Hangs", hangs(examined)],
    ["flaky", "Passed only on a retry", flakyTests(tests)],
    ["leaks", "Left behind", leaks(results, tests)],
    ["timeline", "Timeline", timeline(tests)],
    ["slowest", "Slowest tests", slowestTests(tests, trends)],
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
  const ending = ended.ending === null ? "" : ` Ended by: ${ended.ending}.`;
  return { kind: "bad", word, sentence: `${facts}${ending}` };
}

function tiles({ counts }: RunModel, tests: readonly TestResult[]): Html {
  const number = (has: (test: TestResult) => boolean) => tests.filter(has).length;
  const rows: readonly (readonly [name: string, count: number, colour: string])[] = [
    ["passed", counts.passed, "passed"],
    ["failed", counts.failed, "failed"],
    ["errors", counts.errors, "error"],
    ["timeouts", number(({ attempts }) => attempts.at(-1)!.ended === "timeout"), "timeout"],
    ["crashes", number(({ attempts }) => attempts.at(-1)!.ended === "crash"), "crash"],
    ["skipped", counts.skipped, "skipped"],
    ["xfailed", counts.xfailed, "xfailed"],
    ["xpassed", counts.xpassed, "xpassed"],
    ["subtests passed", counts.subtestsPassed, "passed"],
    ["not run", counts.notRun, "skipped"],
    ["flaky", number((test) => test.flaky), "flaky"],
    ["leaked", number((test) => test.leaked.length > 0), "leak"],
  ];
  const shown = rows.filter(([name, count]) => count > 0 || ["passed", "failed"].includes(name));
  const all = shown.map(([name, count, colour]) => {
    const label = markup`<dt><i class="dot ${colour}"></i>${name}</dt>`;
    return markup`<div class="tile">${label}<dd>${count}</dd></div>\n`;
  });
  return markup`<dl class="tiles">\n${all}</dl>`;
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
