import { clock } from "../base/durations.ts";
import { plural } from "../base/plural.ts";
import { isFlakyAgain, recordText, type TestRecord } from "../base/rates.ts";
import type { PastResult } from "../history/queries.ts";
import type { EventOf } from "../pytest/events.ts";
import type { Failure } from "../pytest/failure.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { groupByCause, reasonOf } from "../run/rules_cause.ts";
import { command, sourceLink } from "./commands.ts";
import { badge, type Html, markup, type Part } from "./html.ts";
import { pastStrip } from "./past.ts";
import { excerptOf } from "./rules_excerpt.ts";
import type { SourceLinks } from "./rules_links.ts";

/** What most likely explains a failure, as the verdict of its run said. */
export type Explanation = EventOf<"explained">;

/** What is known about the failures of a run, besides what they say. */
export interface ShownFailures {
  readonly links: SourceLinks;
  readonly explanations: readonly Explanation[];
  readonly records: ReadonlyMap<string, TestRecord>;
  readonly past: ReadonlyMap<string, readonly PastResult[]>;
  /** Ids that are red in this run, and were not in the one that it is compared with. */
  readonly broken: ReadonlySet<string>;
}

/** A failed test, or a file that could not be collected. */
export interface Failed extends Failure {
  readonly outcome: string;
  readonly seconds: number | null;
  /** Of all attempts. */
  readonly failures: readonly Failure[];
}

/** Everything that failed: files that could not be collected, then tests. */
export function failedOf(results: RunModel, tests: readonly TestResult[]): Failed[] {
  const collected = results.collectionErrors.map((failure): Failed => (
    { ...failure, outcome: "collection", seconds: null, failures: [failure] }
  ));
  const failed = tests.filter((test) => RED.has(test.outcome)).map((test): Failed => {
    const { id, outcome, seconds } = test;
    const failures = test.attempts.flatMap((attempt) => attempt.failures);
    return { ...failures[0] ?? unsaid(id), outcome, seconds, failures };
  });
  return [...collected, ...failed];
}

function unsaid(id: string): Failure {
  return { id, phase: "call", message: "", where: null, traceback: "", errors: [] };
}

/** Failures that are shown, at most, and how many of them are unfolded from the start. */
const SHOWN = { failures: 1_000, unfolded: 3 } as const;
/** Failures of one cause that are shown before the others unfold. */
const ALIKE = 5;
/** Failures that paper has in full: the others have their gist. */
const PRINTED = 30;
/** Characters of all failures with their tracebacks and output: the page stays below 5 MB. */
const MOST_CHARACTERS = 1_500_000;
/** Ids that are worth typing in one command. */
const TYPED_IDS = 20;

/** The number of each failed test on the page; of several failures the first. */
export function anchorsOf(failed: readonly Failed[]): Map<string, number> {
  const shown = groupByCause(failed).flat().slice(0, SHOWN.failures);
  return new Map(shown.map(({ id }, index) => [id, index] as const).reverse());
}

/** The failures of a run, grouped by their cause. */
export function failures(failed: readonly Failed[], shown: ShownFailures): Html | null {
  if (failed.length === 0) return null;
  const room = { characters: MOST_CHARACTERS };
  const groups = groupByCause(failed);
  let number = 0;
  const items = groups.map((group, place) => {
    if (number >= SHOWN.failures) return null;
    const own = group.slice(0, SHOWN.failures - number).map((one, index) => {
      const isUnfolded = place < SHOWN.unfolded && index === 0;
      return failedItem(one, shown, { number: number++, isUnfolded, room });
    });
    if (group.length === 1) return own;
    const title = markup`<h3>${group.length} failures of one cause: ${reasonOf(group[0]!)}</h3>`;
    const others = own.length > ALIKE && markup`<details class="others">
<summary>${own.length - ALIKE} more of this cause</summary>
${own.slice(ALIKE)}</details>`;
    return markup`<div class="cause">${title}\n${own.slice(0, ALIKE)}${others}</div>\n`;
  });
  const rest = failed.length - number;
  const more = rest > 0 && markup`<p class="more">and ${rest} more, in the list of all tests</p>`;
  const ids = [...new Set(failed.filter(canRun).map(({ id }) => id))];
  const all = ids.length > 1 && ids.length <= TYPED_IDS &&
    markup`<details class="all"><summary>Run all ${ids.length} again</summary>
${command(["tractest", "run", ...ids])}</details>`;
  return markup`${items}${more}${all}`;
}

/** Copies the test, its place, its error and the command: for an issue, or a coding agent. */
const COPY_ALL = markup`<button type="button" class="copy" data-all>Copy with error</button>`;

/** A file that could not be collected can be run again; the configuration can't. */
function canRun({ id, phase }: Failure): boolean {
  return id.includes("::") || phase === "collection" && !/(^|\/)conftest\.py$/.test(id);
}

interface Placed {
  readonly number: number;
  readonly isUnfolded: boolean;
  /** The room that is left on the page. */
  readonly room: { characters: number };
}

function failedItem(failed: Failed, shown: ShownFailures, placed: Placed): Html {
  const { id, outcome, seconds, failures } = failed;
  const { number, isUnfolded, room } = placed;
  const several = failures.length > 1;
  const facts = [several && `${failures.length} failures, `, seconds !== null && clock(seconds)];
  const gist = markup`<span class="gist">${reasonOf(failed)}</span>`;
  const marks = marksOf(failed, shown).map((mark) => markup` <span class="mark">${mark}</span>`);
  const summary = [heading(outcome, id, facts), marks, gist];
  const past = shown.past.get(id);
  const rest = [
    knowledge(failed, shown),
    canRun(failed) && command(["tractest", "run", id], COPY_ALL),
    past && past.length > 1 && markup`<p class="history">${pastStrip(past)}</p>`,
  ];
  const [first, ...others] = failures;
  const whole = [
    first && failureBody(first, shown, rest),
    others.map((failure, index) => laterBody(failure, failures[index]!, index + 2, shown)),
  ];
  const item = foldable(isUnfolded, summary, whole, number);
  room.characters -= item.text.length;
  if (room.characters > 0) return item;
  const note = markup`<p class="aside">Its traceback and output are left out: too many failed.</p>`;
  return foldable(false, summary, [rest, note], number);
}

function laterBody(failure: Failure, before: Failure, number: number, shown: ShownFailures): Html {
  return isSame(failure, before)
    ? markup`<p class="aside">Failure ${number} was the same.</p>`
    : markup`<h3>Failure ${number} (${failure.phase})</h3>${failureBody(failure, shown)}`;
}

function isSame(failure: Failure, before: Failure): boolean {
  return failure.phase === before.phase && failure.message === before.message &&
    failure.traceback === before.traceback;
}

function marksOf({ id, phase, failures }: Failed, shown: ShownFailures): string[] {
  const explanation = explanationOf({ id, phase }, shown);
  const record = shown.records.get(id);
  const isKnown = explanation?.known != null;
  return [
    ...(shown.broken.has(id) ? ["newly failing"] : []),
    ...(isKnown ? [explanation.listed ? "known flaky" : "likely timing"] : []),
    ...(record && isFlakyAgain(record) ? ["flaky by record"] : []),
    ...(explanation?.related ? ["changed code"] : []),
    ...(failures[0] && failures[0].phase !== "call" ? [failures[0].phase] : []),
  ];
}

function explanationOf(
  { id, phase }: Pick<Failure, "id" | "phase">,
  { explanations }: ShownFailures,
): Explanation | undefined {
  return explanations.find((one) => one.id === id && one.phase === phase) ??
    explanations.find((one) => one.id === id);
}

/** Whether it is known to be flaky, its record, and the change that may have caused it. */
function knowledge(failed: Failed, shown: ShownFailures): Html | null {
  const explanation = explanationOf(failed, shown);
  const record = shown.records.get(failed.id);
  const past = record ? recordText(record) : null;
  const facts = [explanation?.known ?? null, past].filter((fact) => fact !== null);
  const related = explanation?.related;
  if (facts.length === 0 && !related) return null;
  const items = [
    ...facts.map((fact) => markup`<li>${fact}</li>`),
    related && change(related, shown),
  ];
  return markup`<ul class="knowledge">${items}</ul>`;
}

function change(
  { file, line, because, see }: NonNullable<Explanation["related"]>,
  { links }: ShownFailures,
): Part {
  const place = sourceLink(links, line === null ? file : `${file}:${line}`);
  return [
    markup`<li><b>changed:</b> ${place}, a likely cause: ${because}</li>`,
    see && markup`<li>${command(see)}</li>`,
  ];
}

/**
 * What a failure says: its place and the line that failed first, then the rest.
 *
 * @param next what follows the line that failed
 */
export function failureBody(failure: Failure, { links }: ShownFailures, next: Part = null): Html {
  const { message, where, traceback, output } = failure;
  const { lines, hidden, isPart } = excerptOf(failure);
  const place = where !== null && markup`<p class="aside">at ${sourceLink(links, where)}</p>`;
  const excerpt = lines.map(({ kind, text }) => markup`<span class="${kind}">${text}</span>\n`);
  const said = lines.map(({ text }) => text).join("\n");
  const [first = ""] = message.split("\n");
  const printed = output !== undefined &&
    markup`<h3>Output</h3><pre class="output" tabindex="0">${output}</pre>`;
  const whole = hidden > 0 && markup`<details class="whole">
<summary>The whole traceback, ${plural(traceback.trimEnd().split("\n").length, "line")}</summary>
<pre tabindex="0">${traceLines(traceback, links)}</pre></details>`;
  return markup`<div class="attempt">${place}
${!said.includes(first) && preformatted(message)}
<pre class="excerpt ${isPart && "part"}" tabindex="0">${excerpt}</pre>
${next}
${whole}
${printed}
</div>`;
}

/** Text that the keyboard can scroll. */
function preformatted(text: string): Html {
  return markup`<pre tabindex="0">${text}</pre>`;
}

/** A traceback with its places as links, and what failed and what the error says in colour. */
function traceLines(traceback: string, links: SourceLinks): Html[] {
  return traceback.trimEnd().split("\n").map((line) => {
    const kind = line.startsWith(">") ? "failing" : /^E(?: {3}|$)/.test(line) ? "error" : null;
    if (kind !== null) return markup`<span class="${kind}">${line}</span>\n`;
    const [, where, rest] = /^([^\s:][^:]*:\d+)(:(?: .*)?)$/.exec(line) ?? [];
    return where === undefined ? markup`${line}\n` : markup`${sourceLink(links, where)}${rest}\n`;
  });
}

/** A line that unfolds; with a number it can be linked to. */
export function foldable(isUnfolded: boolean, summary: Part, body: Part, number?: number): Html {
  const open = isUnfolded && markup` open`;
  const id = number !== undefined && markup` id="failure-${number}"`;
  const later = (number ?? 0) >= PRINTED && " later";
  return markup`<details class="failure${later}"${id}${open}>
<summary>${summary}</summary>
${body}
</details>
`;
}

/** An outcome, an id, and facts about it. */
export function heading(word: string, id: string, more: Part): Html {
  return markup`${badge(word)} <code>${id}</code> <span class="aside">${more}</span>`;
}
