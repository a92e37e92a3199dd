import { plural } from "../base/plural.ts";
import type { PytestEvent } from "../pytest/events.ts";
import type { TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { failureBody, foldable, heading, type ShownFailures } from "./failed_tests.ts";
import { badge, type Html, markup } from "./html.ts";

/** Items of one list, at most: a page with many stays readable. */
const SHOWN = 50;

function listOf<T>(items: readonly T[], show: (item: T) => Html): Html | null {
  if (items.length === 0) return null;
  const more = items.length > SHOWN && markup`<p class="more">and ${items.length - SHOWN} more</p>`;
  return markup`${items.slice(0, SHOWN).map(show)}${more}`;
}

/** A hang that was examined while the tests ran. */
export type Hang = Extract<PytestEvent, { event: "hang" }>;

/** The hangs of a run, each with its evidence. */
export function hangs(all: readonly Hang[]): Html | null {
  return listOf(all, ({ id, verdict, evidence, processes = [], stacks }) => {
    const test = id !== null && markup`<code>${id}</code>`;
    const title = markup`${badge("timeout")} <b>${verdict.replaceAll("-", " ")}</b> ${test}`;
    const proof = evidence.map((line) => markup`<li>${line}</li>`);
    const rows = processes.slice(0, SHOWN).map(processItem);
    const tree = rows.length > 0 && markup`<h3>Processes</h3><ul class="plain">${rows}</ul>`;
    const texts = (stacks ?? []).slice(0, SHOWN).map(({ pid, text }) =>
      markup`<h3>Stack of ${pid}</h3><pre>${text}</pre>`
    );
    return foldable(true, title, markup`<ul>${proof}</ul>\n${tree}\n${texts}`);
  });
}

function processItem({ pid, title }: { readonly pid: number; readonly title: string }): Html {
  return markup`<li><code>${pid} ${title}</code></li>`;
}

/** Tests that failed, then passed on a retry. */
export function flakyTests(tests: readonly TestResult[], shown: ShownFailures): Html | null {
  return listOf(tests.filter((test) => test.flaky), ({ id, attempts }) => {
    const outcomes = attempts.map((attempt) => attempt.outcome).join(", ");
    const [first] = attempts.flatMap((attempt) => attempt.failures);
    return foldable(false, heading("flaky", id, outcomes), first && failureBody(first, shown));
  });
}

/** Processes that were left behind, by the tests that started them. */
export function leaks(results: RunModel, tests: readonly TestResult[]): Html | null {
  const leaking = tests.filter((test) => test.leaked.length > 0);
  const unknown = { id: "test unknown", leaked: results.leaked };
  const all = [...leaking, ...(unknown.leaked.length > 0 ? [unknown] : [])];
  return listOf(all, ({ id, leaked }) => {
    const count = plural(leaked.length, "process", "processes");
    const rows = leaked.slice(0, SHOWN).map(({ pid, title, seconds }) => {
      const when = seconds === null ? "at the end" : `${seconds.toFixed(1)} s after the test`;
      return markup`<li><code>${pid} ${title}</code> still there ${when}</li>`;
    });
    return foldable(true, heading("leak", id, count), markup`<ul class="plain">${rows}</ul>`);
  });
}
