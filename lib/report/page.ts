import { shellCommand } from "../base/escape.ts";
import { type Html, html } from "./html.ts";
import type { PytestEvent } from "../pytest/events.ts";
import { RED, type ResultFailure, type Results, type TestResult } from "../pytest/results.ts";
import { clock, histogram, kindOfRun, meter, runsChart, stamp, timeline } from "./charts.ts";
import { REPORT_STYLE } from "./style.ts";
import { number, table } from "./table.ts";
import type { Trends } from "./trends.ts";

/** The first lines of every report: a file that begins so may be written over. */
export const REPORT_MARK = "<!doctype html>\n<!-- tractest report -->\n";

/** What a page is made of. */
export interface ReportInput {
  readonly results: Results;
  readonly hangs: readonly Extract<PytestEvent, { event: "hang" }>[];
  readonly trends: Trends;
  /** Seconds since the epoch at which the page is made. */
  readonly now: number;
}

/** Items that a page shows in one list, at most. */
const SHOWN = { failures: 100, slowest: 15, others: 50 } as const;

/** The page of a run: one document that needs nothing else. */
export function reportPage({ results, hangs, trends, now }: ReportInput): string {
  const tests = [...results.tests.values()].filter((test) => test.attempts.length > 0);
  const verdict = verdictOf(results, tests);
  const sections: readonly (readonly [string, string, Html | null])[] = [
    ["failures", "Failures", failuresSection(results, tests)],
    [
      "hangs",
      "What it waited for",
      hangs.length === 0 ? null : html`${hangs.slice(0, SHOWN.others).map(hangItem)}`,
    ],
    [
      "flaky",
      "Passed only when tried again",
      listOf(tests.filter((test) => test.flaky), flakyItem),
    ],
    ["leaks", "Left behind", leaks(results, tests)],
    ["timeline", "Timeline", timeline(tests)],
    ["slowest", "Slowest tests", slowest(tests, trends)],
    ["durations", "How long tests take", histogram(tests)],
    ["trends", "Over the runs", trendsSection(trends, results.started?.runId ?? null)],
    ["flakiest", "Failure rates on record", flakiest(trends)],
    ["environment", "Environment", environment(results, now)],
  ];
  const shown = sections.filter(([, , body]) => body !== null);
  const page = html`
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="color-scheme" content="light dark">
        <title>${verdict.word}: tractest report of ${results.started?.runId ?? "a run"}</title>
        <style>${REPORT_STYLE}</style>
      </head>
      <body>
        <header class="${verdict.kind}">
    <p class="eyebrow">tractest report</p>
    <h1>${verdict.word}</h1>
    <p>${verdict.sentence}</p>
    <p class="command"><code>${results.started === null
      ? ""
      : shellCommand(results.started.command)}</code></p>
    ${tiles(tests, results)}
        </header>
        <nav aria-label="Sections">
          <ul>${shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul>
        </nav>
        <main>
    ${shown.map(([id, title, body]) =>
      html`
        <section id="${id}"
          aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>\\n${body}</section>\\n
      `
    )}
        </main>
      </body>
    </html>
  `;
  return REPORT_MARK + page.text;
}

interface Verdict {
  readonly kind: "good" | "bad" | "open";
  readonly word: string;
  readonly sentence: string;
}

function verdictOf(results: Results, tests: readonly TestResult[]): Verdict {
  const { ended } = results;
  const { failed, errors } = results.counts;
  const ran = tests.filter((test) => test.finished).length;
  const said = `${ran} ${ran === 1 ? "test" : "tests"} in ${clock(secondsOf(results))}`;
  const when = results.first === null ? "" : `, ${stamp(results.first)}`;
  if (ended === null) {
    return {
      kind: "open",
      word: "Did not finish",
      sentence: `${said}${when}. The run was killed, or is still under way.`,
    };
  }
  const ending = ended.ending === null ? "" : ` It ended by: ${ended.ending}.`;
  const red = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(errors > 0 ? [`${errors} error${errors === 1 ? "" : "s"}`] : []),
  ];
  if (red.length > 0) {
    return { kind: "bad", word: red.join(", "), sentence: `${said}${when}.${ending}` };
  }
  if (ended.exitCode !== 0) {
    return {
      kind: "bad",
      word: `Exit code ${ended.exitCode}`,
      sentence: `${said}${when}.${ending}`,
    };
  }
  return { kind: "good", word: "Passed", sentence: `${said}${when}.` };
}

function tiles(tests: readonly TestResult[], results: Results): Html {
  const { passed, failed, errors, skipped, xfailed, xpassed, subtestsPassed, notRun } =
    results.counts;
  const ended = (how: "timeout" | "crash") =>
    tests.filter(({ attempts }) => attempts.at(-1)!.ended === how).length;
  const rows: readonly (readonly [string, number, string])[] = [
    ["passed", passed, "passed"],
    ["failed", failed, "failed"],
    ["errors", errors, "error"],
    ["timeouts", ended("timeout"), "timeout"],
    ["crashes", ended("crash"), "crash"],
    ["skipped", skipped, "skipped"],
    ["xfailed", xfailed, "xfailed"],
    ["xpassed", xpassed, "xpassed"],
    ["subtests passed", subtestsPassed, "passed"],
    ["not run", notRun, "skipped"],
    ["flaky", tests.filter((test) => test.flaky).length, "flaky"],
    ["leaked", tests.filter((test) => test.leaked.length > 0).length, "leak"],
  ];
  const shown = rows.filter(([name, number]) =>
    number > 0 || name === "passed" || name === "failed"
  );
  return html`<dl class="tiles">${
    shown.map(([name, number, kind]) =>
      html`
        <div class="tile">
          <dt><i class="dot ${kind}"></i>${name}</dt>
          <dd>${number}</dd>
        </div>
      `
    )
  }</dl>`;
}

function listOf<T>(
  items: readonly T[],
  item: (one: T) => Html,
  most: number = SHOWN.others,
): Html | null {
  if (items.length === 0) return null;
  return html`${items.slice(0, most).map(item)}${
    items.length > most && html`<p class="more">and ${items.length - most} more</p>`
  }`;
}

function failuresSection({ collectionErrors }: Results, tests: readonly TestResult[]): Html | null {
  const collected = collectionErrors.map(({ id, failure }) => ({
    id,
    word: "collection",
    seconds: null,
    failures: [failure],
  }));
  const failed = tests.filter((test) => RED.has(test.outcome)).map((test) => ({
    id: test.id,
    word: test.outcome as string,
    seconds: test.seconds as number | null,
    failures: test.attempts.flatMap((attempt) =>
      attempt.failure === null ? [] : [attempt.failure, ...attempt.later]
    ),
  }));
  // Some are open; a page of many stays a page that can be looked over.
  return listOf(
    [...collected, ...failed].map((one, index) => ({ ...one, open: index < 3 })),
    failureItem,
    SHOWN.failures,
  );
}

interface FailedItem {
  readonly id: string;
  readonly word: string;
  readonly seconds: number | null;
  readonly failures: readonly ResultFailure[];
  readonly open: boolean;
}

function failureItem({ id, word, seconds, failures, open }: FailedItem): Html {
  const [first] = failures;
  return html`
    <details class="failure" ${open ? OPEN : NONE}>
    <summary>${badge(word)} <code>${id}</code> <span class="aside">${failures.length > 1 &&
      `${failures.length} failures, `}${seconds !== null &&
      clock(seconds)}</span>${first &&
      html`<span class="gist">${first.message.split("\n", 1)[0]}</span>`}</summary>
    ${failures.map((failure, index) =>
      isSame(failure, failures[index - 1])
        ? html`<p class="aside">Failure ${index + 1} was the same.</p>`
        : failureBody(failure, failures.length > 1 ? index + 1 : null)
    )}
    </details>
  `;
}

function isSame(failure: ResultFailure, before: ResultFailure | undefined): boolean {
  return before !== undefined && failure.phase === before.phase &&
    failure.message === before.message && failure.traceback === before.traceback;
}

const OPEN: Html = html`
  open
`;
const NONE: Html = html``;

function failureBody(
  { phase, message, where, traceback, output }: ResultFailure,
  number: number | null,
): Html {
  return html`<div class="attempt">${number !== null && html`<h3>Failure ${number} (${phase})</h3>`}
<pre class="message">${message}</pre>
${where !== null && html`<p class="aside">at <code>${where}</code></p>`}
${traceback !== "" && html`<pre tabindex="0">${traceback}</pre>`}
${
    output !== undefined && html`
      <h3>What it wrote</h3>
      <pre tabindex="0">${output}</pre>
    `
  }
</div>`;
}

function hangItem(
  { id, verdict, evidence, processes = [], stacks = [] }: ReportInput["hangs"][number],
): Html {
  return html`
    <details class="failure" open><summary>${badge("timeout")} <b>${verdict.replaceAll(
      "-",
      " ",
    )}</b> ${id !== null &&
      html`<code>${id}</code>`}</summary>
    <ul>${evidence.map((line) => html`<li>${line}</li>`)}</ul>
    ${processes.length > 0 &&
      html`
        <h3>Processes</h3>
        <ul class="plain">${processes.slice(0, SHOWN.others).map((one) =>
          html`<li><code>${one.pid} ${one.title}</code></li>`
        )}</ul>
      `}
    ${stacks.slice(0, SHOWN.others).map(({ pid, text }) =>
      html`
        <h3>Stack of ${pid}</h3>
        <pre>${text}</pre>
      `
    )}
    </details>
  `;
}

function flakyItem({ id, attempts }: TestResult): Html {
  const first = attempts.find((attempt) => attempt.failure !== null)?.failure;
  return html`
    <details
      class="failure"><summary>${badge("flaky")} <code>${id}</code> <span class="aside">${attempts
        .map((attempt) => attempt.outcome).join(
          ", ",
        )}</span></summary>
    ${first && failureBody(first, null)}
    </details>
  `;
}

function leaks(results: Results, tests: readonly TestResult[]): Html | null {
  const run = results.leaked.length > 0
    ? [{ id: "no test in particular", leaked: results.leaked }]
    : [];
  return listOf([...tests.filter((test) => test.leaked.length > 0), ...run], leakItem);
}

function leakItem({ id, leaked }: Pick<TestResult, "id" | "leaked">): Html {
  return html`
    <details class="failure" open>
      <summary>${badge("leak")} <code>${id}</code> <span class="aside">${leaked
        .length} ${leaked.length === 1 ? "process" : "processes"}</span></summary>
      <ul class="plain">${leaked.slice(0, SHOWN.others).map(({ pid, title, seconds }) =>
        html`<li><code>${pid} ${title}</code> still there ${
          seconds === null ? "at the end" : `${seconds.toFixed(1)} s after the test`
        }</li>`
      )}</ul>
    </details>
  `;
}

function badge(kind: string): Html {
  return html`<span class="badge ${/^[a-z]+$/.test(kind) ? kind : ""}">${kind}</span>`;
}

function slowest(tests: readonly TestResult[], { slowest: usual }: Trends): Html | null {
  const rows = tests.filter((test) => test.seconds > 0).toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SHOWN.slowest);
  if (rows.length === 0) return null;
  const before = new Map(usual.map(({ id, seconds }) => [id, seconds]));
  return table(
    ["test", number("time"), number("usual")],
    rows.map((test) => [
      html`<code>${test.id}</code>${meter(test.seconds / rows[0]!.seconds, test.outcome)}`,
      clock(test.seconds),
      before.has(test.id) ? clock(before.get(test.id)!) : "–",
    ]),
  );
}

function trendsSection({ runs }: Trends, own: string | null): Html | null {
  if (runs.length < 2) return null;
  const rows = runs.toReversed().map((run) => [
    html`${badge(kindOfRun(run))} ${stamp(run.started)}${
      run.runId === own && html`
        <b>(this run)</b>
      `
    }`,
    clock(run.seconds),
    run.counts.failed,
    run.counts.tests,
    html`<code>${run.commit?.slice(0, 10) ?? "–"}</code>`,
  ]);
  return html`${runsChart(runs)}
<details>
<summary>The runs as a table</summary>
${table(["run", number("time"), number("failed"), number("tests"), "commit"], rows)}
</details>`;
}

function flakiest({ flakiest: rows }: Trends): Html | null {
  if (rows.length === 0) return null;
  const shown = rows.slice(0, SHOWN.slowest).map((row) => [
    html`<code>${row.id}</code>${meter(row.failures / Math.max(1, row.trials), "flaky")}`,
    `${row.failures} of ${row.trials}`,
    row.rate,
  ]);
  return html`${table(["test", number("failed"), number("rate")], shown)}
<p class="more">Rates with their 95% interval, over all runs on record.</p>`;
}

function environment({ started, ended }: Results, now: number): Html {
  const rows: readonly (readonly [string, string | null])[] = [
    ["run", started?.runId ?? null],
    ["project", started?.root ?? null],
    [
      "commit",
      started?.commit == null ? null : `${started.commit}${started.dirty ? ", with changes" : ""}`,
    ],
    ["Python", started?.python ?? null],
    ["transport", started === null ? null : started.transport ?? "the default"],
    ["spawn backend", started === null ? null : started.backend ?? "the default"],
    ["exit code", ended === null ? null : String(ended.exitCode)],
    ["page made", stamp(now)],
  ];
  return html`<dl class="facts">${
    rows.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value ?? "unknown"}</dd>
        </div>
      `
    )
  }</dl>`;
}

function secondsOf({ ended, first, latest }: Results): number {
  return ended?.seconds ?? (latest ?? 0) - (first ?? 0);
}
