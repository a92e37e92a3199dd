import { clock } from "../base/durations.ts";
import { shellCommand } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { stamp } from "./charts.ts";
import { badge, type Html, markup, number, type Part, table } from "./html.ts";
import { type Differences, type Paced, type Turned, WORTH } from "./rules_compare.ts";

/** A run that another one is compared with. */
export interface ComparedRun {
  readonly runId: string;
  /** Seconds since the epoch. */
  readonly started: number;
  readonly commit: string | null;
  readonly command: readonly string[];
  readonly isFinished: boolean;
  readonly differences: Differences;
}

/** Rows of each list, at most. */
const SHOWN = 50;

/** `2 newly failing, 1 fixed, 3 slower`; without a difference says so. */
export function differencesText(differences: Differences): string {
  const { broken, fixed, skipped, slower, faster, added, gone } = differences;
  const counts = [
    [broken, "newly failing"],
    [fixed, "fixed"],
    [skipped, "newly skipped"],
    [slower, "slower"],
    [faster, "faster"],
    [added, "new"],
    [gone, "not in this run"],
  ] as const;
  const parts = counts.flatMap(([tests, name]) =>
    tests.length > 0 ? [`${tests.length} ${name}`] : []
  );
  const still = differences.stillRed > 0 ? [`${differences.stillRed} failing in both`] : [];
  return [...parts, ...still].join(", ") || "no difference";
}

/**
 * What differs from the other run, by kind.
 *
 * @param ownCommand the command of the run that the page is about
 */
export function comparison(
  { runId, started, commit, command, isFinished, differences }: ComparedRun,
  ownCommand: string,
  anchors: ReadonlyMap<string, number>,
): Html {
  const { broken, fixed, skipped, slower, faster, added, gone, seconds } = differences;
  const [before, now] = seconds;
  const at = commit === null ? "" : ` at ${commit.slice(0, 10)}`;
  const open = isFinished ? "" : " That run did not finish.";
  const typed = shellCommand(command);
  const other = typed !== ownCommand && markup` Its command was <code>${typed}</code>.`;
  const passed = before > 0 &&
    markup` Tests that passed in both took ${clock(before)} then and ${clock(now)} now.`;
  const link = (id: string) => nameOf(id, anchors);
  const changes = differencesText(differences);
  const floor = clock(WORTH.seconds);
  return markup`<p>Compared with run <code>${runId}</code> (${stamp(started)}${at}): ${changes}.
${open}${other}${passed}</p>
${turned("Newly failing", broken, link)}
${turned("Fixed", fixed, link)}
${turned("Newly skipped", skipped, link)}
${paced("Slower", slower, link)}
${paced("Faster", faster, link)}
${names("New tests", added, link)}
${names("Not in this run", gone, link)}
<p class="more">Slower and faster: passed in both, by a factor of ${WORTH.factor} and ${floor} or
more.</p>`;
}

type ShowId = (id: string) => Part;

function nameOf(id: string, anchors: ReadonlyMap<string, number>): Part {
  const anchor = anchors.get(id);
  const name = markup`<code>${id}</code>`;
  return anchor === undefined ? name : markup`<a href="#failure-${anchor}">${name}</a>`;
}

function turned(title: string, tests: readonly Turned[], show: ShowId): Html | null {
  return listed(
    title,
    tests,
    ({ id, before, now }) =>
      markup`<li>${before === null ? "new" : badge(before)} → ${badge(now)} ${show(id)}</li>\n`,
  );
}

function names(title: string, ids: readonly string[], show: ShowId): Html | null {
  if (ids.length === 0) return null;
  const list = listed(title, ids, (id) => markup`<li>${show(id)}</li>\n`);
  const summary = `${title}: ${plural(ids.length, "test")}`;
  return markup`<details><summary>${summary}</summary>${list}</details>`;
}

function listed<T>(title: string, items: readonly T[], show: (item: T) => Html): Html | null {
  if (items.length === 0) return null;
  return markup`<h3>${title}: ${items.length}</h3>
<ul class="plain">${items.slice(0, SHOWN).map(show)}</ul>${moreOf(items)}`;
}

function paced(title: string, tests: readonly Paced[], show: ShowId): Html | null {
  if (tests.length === 0) return null;
  const rows = tests.slice(0, SHOWN).map(({ id, before, now }) => {
    const [more, less] = now > before ? [now, before] : [before, now];
    const factor = less > 0 ? factorText(more / less) : "–";
    return [show(id), clock(before), clock(now), factor];
  });
  const columns = ["test", number("before"), number("now"), number("factor")];
  return markup`<h3>${title}: ${tests.length}</h3>\n${table(columns, rows)}${moreOf(tests)}`;
}

function moreOf(items: readonly unknown[]): Html | false {
  return items.length > SHOWN && markup`<p class="more">and ${items.length - SHOWN} more</p>`;
}

function factorText(factor: number): string {
  return `${factor.toFixed(factor < 10 ? 1 : 0)}×`;
}
