import { plural } from "../base/plural.ts";
import { clock } from "../base/durations.ts";
import type { PytestEvent } from "../pytest/events.ts";
import type { Failure } from "../pytest/failure.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { badge, type Html, markup, type Part } from "./html.ts";

/** Items of one list, at most: a page with many stays readable. */
const SHOWN = { failures: 100, others: 50 } as const;
/** Failures that are unfolded from the start. */
const UNFOLDED = 3;

function listOf<T>(
  items: readonly T[],
  show: (item: T, index: number) => Html,
  most: number = SHOWN.others,
): Html | null {
  if (items.length === 0) return null;
  const more = items.length > most && markup`<p class="more">and ${items.length - most} more</p>`;
  return markup`${items.slice(0, most).map(show)}${more}`;
}

/** A line that unfolds. */
function foldable(isUnfolded: boolean, summary: Part, body: Part): Html {
  const open = isUnfolded && markup` open`;
  return markup`<details class="failure"${open}>
<summary>${summary}</summary>
${body}
</details>
`;
}

function heading(word: string, id: string, more: Part): Html {
  return markup`${badge(word)} <code>${id}</code> <span class="aside">${more}</span>`;
}

/** A failed test, or a file that could not be collected. */
interface Failed {
  readonly id: string;
  readonly outcome: string;
  readonly seconds: number | null;
  readonly failures: readonly Failure[];
}

/** Everything that failed: files that could not be collected, then tests. */
export function failures(results: RunModel, tests: readonly TestResult[]): Html | null {
  const collected: Failed[] = results.collectionErrors.map((failure) => (
    { id: failure.id, outcome: "collection", seconds: null, failures: [failure] }
  ));
  const failed: Failed[] = tests.filter((test) => RED.has(test.outcome)).map((
    { id, outcome, seconds, attempts },
  ) => ({ id, outcome, seconds, failures: attempts.flatMap((attempt) => attempt.failures) }));
  return listOf([...collected, ...failed], failedItem, SHOWN.failures);
}

function failedItem({ id, outcome, seconds, failures }: Failed, index: number): Html {
  const several = failures.length > 1;
  const facts = [several && `${failures.length} failures, `, seconds !== null && clock(seconds)];
  const firstLine = failures[0]?.message.split("\n", 1)[0];
  const gist = firstLine !== undefined && markup`<span class="gist">${firstLine}</span>`;
  const bodies = failures.map((failure, index) =>
    isSame(failure, failures[index - 1])
      ? markup`<p class="aside">Failure ${index + 1} was the same.</p>`
      : failureBody(failure, several ? index + 1 : null)
  );
  return foldable(index < UNFOLDED, [heading(outcome, id, facts), gist], bodies);
}

function isSame(failure: Failure, before: Failure | undefined): boolean {
  return failure.phase === before?.phase && failure.message === before.message &&
    failure.traceback === before.traceback;
}

function failureBody(failure: Failure, number: number | null): Html {
  const { phase, message, where, traceback, output } = failure;
  const title = number !== null && markup`<h3>Failure ${number} (${phase})</h3>`;
  const place = where !== null && markup`<p class="aside">at <code>${where}</code></p>`;
  const printed = output !== undefined && [markup`<h3>Output</h3>`, preformatted(output)];
  return markup`<div class="attempt">${title}
<pre class="message">${message}</pre>
${place}
${traceback !== "" && preformatted(traceback)}
${printed}
</div>`;
}

/** Text that the keyboard can scroll. */
function preformatted(text: string): Html {
  return markup`<pre tabindex="0">${text}</pre>`;
}

/** A hang that was examined while the tests ran. */
export type Hang = Extract<PytestEvent, { event: "hang" }>;

/** The hangs of a run, each with its evidence. */
export function hangs(all: readonly Hang[]): Html | null {
  return listOf(all, ({ id, verdict, evidence, processes = [], stacks }) => {
    const test = id !== null && markup`<code>${id}</code>`;
    const title = markup`${badge("timeout")} <b>${verdict.replaceAll("-", " ")}</b> ${test}`;
    const proof = evidence.map((line) => markup`<li>${line}</li>`);
    const rows = processes.slice(0, SHOWN.others).map(processItem);
    const tree = rows.length > 0 && markup`<h3>Processes</h3><ul class="plain">${rows}</ul>`;
    const texts = (stacks ?? []).slice(0, SHOWN.others).map(({ pid, text }) =>
      markup`<h3>Stack of ${pid}</h3><pre>${text}</pre>`
    );
    return foldable(true, title, markup`<ul>${proof}</ul>\n${tree}\n${texts}`);
  });
}

function processItem({ pid, title }: { readonly pid: number; readonly title: string }): Html {
  return markup`<li><code>${pid} ${title}</code></li>`;
}

/** Tests that failed, then passed on a retry. */
export function flakyTests(tests: readonly TestResult[]): Html | null {
  return listOf(tests.filter((test) => test.flaky), ({ id, attempts }) => {
    const outcomes = attempts.map((attempt) => attempt.outcome).join(", ");
    const [first] = attempts.flatMap((attempt) => attempt.failures);
    return foldable(false, heading("flaky", id, outcomes), first && failureBody(first, null));
  });
}

/** Processes that were left behind, by the tests that started them. */
export function leaks(results: RunModel, tests: readonly TestResult[]): Html | null {
  const leaking = tests.filter((test) => test.leaked.length > 0);
  const unknown = { id: "test unknown", leaked: results.leaked };
  const all = [...leaking, ...(unknown.leaked.length > 0 ? [unknown] : [])];
  return listOf(all, ({ id, leaked }) => {
    const count = plural(leaked.length, "process", "processes");
    const rows = leaked.slice(0, SHOWN.others).map(({ pid, title, seconds }) => {
      const when = seconds === null ? "at the end" : `${seconds.toFixed(1)} s after the test`;
      return markup`<li><code>${pid} ${title}</code> still there ${when}</li>`;
    });
    return foldable(true, heading("leak", id, count), markup`<ul class="plain">${rows}</ul>`);
  });
}
