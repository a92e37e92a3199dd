import { clock } from "../base/durations.ts";
import { plural } from "../base/plural.ts";
import { shellCommand } from "../base/escape.ts";
import type { PastResult } from "../history/queries.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import { reasonOf } from "../run/rules_cause.ts";
import { type Html, markup, type Part, plainText } from "./html.ts";
import { lettersOf } from "./past.ts";
import { linkToFile, type SourceLinks } from "./rules_links.ts";

/** What the list of all tests shows. */
export interface ListedTests {
  readonly tests: readonly TestResult[];
  /** Ids of tests that were to run and have no result. */
  readonly notRun: readonly string[];
  readonly past: ReadonlyMap<string, readonly PastResult[]>;
  readonly links: SourceLinks;
  /** The number of the failed test on the page, by its id. */
  readonly anchors: ReadonlyMap<string, number>;
  /** Ids that are red in this run and were not in the compared one, and the other way round. */
  readonly broken: ReadonlySet<string>;
  readonly fixed: ReadonlySet<string>;
}

/** Characters of the list, and of the reasons in it, at most: the page stays below 5 MB. */
const MOST = { all: 2_600_000, reasons: 600_000 } as const;
/** Up to so many tests all files are unfolded from the start. */
const UNFOLDED_TESTS = 200;
/** Above so many tests paper has only those that did not pass. */
const PRINTED_TESTS = 400;

interface Row {
  readonly id: string;
  readonly test: TestResult | null;
}

/** Every test, by file, with a search and filters that need scripts. */
export function allTests(listed: ListedTests): Html | null {
  const begun = new Set(listed.tests.filter((test) => !test.hasResult).map(({ id }) => id));
  const missing = listed.notRun.filter((id) => !begun.has(id)).map((id): Row => ({
    id,
    test: null,
  }));
  const all: Row[] = [...listed.tests.map((test): Row => ({ id: test.id, test })), ...missing];
  if (all.length === 0) return null;
  const items = itemsOf(all, listed);
  const groups = Map.groupBy(all.filter((row) => items.has(row)), ({ id }) => fileOf(id));
  const shown = { ...listed, items, areOpen: all.length <= UNFOLDED_TESTS };
  const more = all.length > items.size &&
    markup`<p class="more">and ${all.length - items.size} more: the page would be too large</p>`;
  const many = all.length > PRINTED_TESTS ? "many" : "";
  return markup`${toolbar(all, listed)}
<div class="list ${many}">
${[...groups].map(([file, rows]) => fileGroup(file, rows, shown))}</div>
${more}
<p class="more">After each test: its time, and its latest results, newest last.
<code>.</code> passed, <code>F</code> failed, <code>E</code> error, <code>T</code> timed out,
<code>C</code> crashed pytest, <code>s</code> skipped, <code>x</code> expected failure.</p>`;
}

function toolbar(rows: readonly Row[], listed: ListedTests): Html {
  const counts = new Map<string, number>();
  for (const row of rows) {
    for (const tag of tagsOf(row, listed)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  const chips = TAGS.filter(([tag]) => counts.has(tag)).map(([tag, colour, name]) =>
    markup`<button type="button" data-tag="${tag}" aria-pressed="false"><i
 class="dot ${colour}"></i>${name} ${counts.get(tag)}</button>\n`
  );
  return markup`<form class="tools" role="search">
<input type="search" placeholder="Search: words, -without   ( / )" aria-label="Search tests"
 autocomplete="off" spellcheck="false">
<select aria-label="Order">
<option value="">by file</option>
<option value="slow">slowest first</option>
<option value="fails">failed most often</option>
</select>
<div class="chips">
<button type="button" data-tag="" aria-pressed="true">all ${rows.length}</button>
${chips}</div>
<p class="more" role="status"></p>
</form>`;
}

/** What a filter can ask for: a tag, its colour, and its name. */
const TAGS = [
  ["failed", "failed", "failed"],
  ["error", "error", "errors"],
  ["timeout", "timeout", "timeouts"],
  ["crash", "crash", "crashes"],
  ["flaky", "flaky", "flaky"],
  ["leak", "leak", "leaked"],
  ["broken", "failed", "newly failing"],
  ["fixed", "passed", "fixed"],
  ["passed", "passed", "passed"],
  ["skipped", "skipped", "skipped"],
  ["xfailed", "xfailed", "xfailed"],
  ["xpassed", "xpassed", "xpassed"],
  ["unfinished", "skipped", "unfinished"],
  ["notrun", "skipped", "not run"],
] as const;

/** The tags of a test: its outcome, what pytest counted, and what else is to be found by. */
function tagsOf({ id, test }: Row, { broken, fixed }: ListedTests): Set<string> {
  if (test === null) return new Set(["notrun"]);
  const counted = test.attempts.at(-1)?.counted ?? [];
  return new Set([
    test.outcome,
    ...TAGS.map(([tag]) => tag).filter((tag) => counted.includes(tag)),
    ...(test.hasResult ? [] : ["notrun"]),
    ...(test.flaky ? ["flaky"] : []),
    ...(test.leaked.length > 0 ? ["leak"] : []),
    ...(broken.has(id) ? ["broken"] : []),
    ...(fixed.has(id) ? ["fixed"] : []),
  ]);
}

function isRed({ test }: Row): boolean {
  return test !== null && RED.has(test.outcome);
}

/** The rows as HTML, as far as the page has room: first those of tests that failed. */
function itemsOf(rows: readonly Row[], listed: ListedTests): Map<Row, Html> {
  const items = new Map<Row, Html>();
  const room = { all: MOST.all, reasons: MOST.reasons };
  for (const row of rows.toSorted((a, b) => Number(isRed(b)) - Number(isRed(a)))) {
    const reason = room.reasons > 0 ? reasonLine(row) : null;
    const item = rowItem(row, listed, reason);
    room.all -= item.text.length;
    room.reasons -= reason?.text.length ?? 0;
    if (room.all < 0) break;
    items.set(row, item);
  }
  return items;
}

interface ShownFiles extends ListedTests {
  readonly items: ReadonlyMap<Row, Html>;
  readonly areOpen: boolean;
}

function fileGroup(file: string, rows: readonly Row[], shown: ShownFiles): Html {
  const seconds = rows.reduce((sum, { test }) => sum + (test?.seconds ?? 0), 0);
  const red = rows.filter(isRed).length;
  const open = (shown.areOpen || red > 0) && markup` open`;
  const failed = red > 0 && markup`, <b>${red} failed</b>`;
  const facts = [plural(rows.length, "test"), ", ", clock(seconds), failed];
  const link = linkToFile(shown.links, file) ?? "";
  return markup`<details class="file" data-file="${file}" data-link="${link}"${open}>
<summary><code>${file}</code> <span class="aside">${facts}</span></summary>
<ul class="rows">
${rows.map((row) => shown.items.get(row))}</ul>
</details>
`;
}

function rowItem(row: Row, listed: ListedTests, reason: Html | null): Html {
  const { past, anchors } = listed;
  const { id, test } = row;
  const file = fileOf(id);
  const name = id.startsWith(`${file}::`) ? id.slice(file.length + 2) : id;
  const anchor = anchors.get(id);
  const [outcome, ...others] = tagsOf(row, listed);
  const cells = [
    markup`<code>${anchor === undefined ? name : linkTo(anchor, name)}</code>`,
    test !== null && markup`<i>${clock(test.seconds)}</i>`,
    letters(past.get(id)),
    reason,
  ];
  return markup`<li class="${outcome}"${attributes(row, file, others)}>${cells}</li>\n`;
}

function reasonLine({ test }: Row): Html | null {
  const reason = test?.failure ? reasonOf(test.failure) : test?.attempts.at(-1)?.reason;
  return reason ? markup`<p>${short(reason)}</p>` : null;
}

function linkTo(anchor: number, name: string): Html {
  return markup`<a href="#failure-${anchor}">${name}</a>`;
}

/** What the script of the page needs to know of a test and can't read in its row. */
function attributes({ id, test }: Row, file: string, others: readonly string[]): Part {
  const isElsewhere = test?.file && test.file !== file;
  return [
    others.length > 0 && markup` data-tags="${others.join(" ")}"`,
    test !== null && markup` data-s="${Number(test.seconds.toFixed(3))}"`,
    test?.line != null && !isElsewhere && markup` data-line="${test.line + 1}"`,
    // The script quotes plain ids by itself.
    plainText(id) !== id && markup` data-run="${shellCommand(["tractest", "run", id])}"`,
  ];
}

function letters(past: readonly PastResult[] | undefined): Html | null {
  if (past === undefined || past.length === 0) return null;
  const parts = lettersOf(past).split(/([FETC]+)/);
  const marked = parts.map((part, index) => index % 2 === 1 ? markup`<b>${part}</b>` : part);
  return markup`<small>${marked}</small>`;
}

const REASON_LENGTH = 200;

function short(text: string): string {
  return text.length > REASON_LENGTH ? `${text.slice(0, REASON_LENGTH)}…` : text;
}
