import { duration } from "../base/durations.ts";
import { unicodeWidth } from "@std/cli";
import { escapeText, withoutAnsi } from "../base/escape.ts";
import { endOfLines, linesWithText } from "../base/last_lines.ts";
import type { Live, LiveSession, Note } from "./live.ts";
import type { RunningTest } from "../pytest/run_model.ts";
import { countsLine } from "../pytest/counts.ts";
import { type Failure, gist } from "../pytest/failure.ts";
import type { Paint } from "../terminal/printer.ts";
import { cutAtEnd, cutAtStart } from "../terminal/cut.ts";
import { shownId } from "../terminal/wrap.ts";
import { FAILURE_WORDS } from "./show_failures.ts";
import { slowLines, terminatingLine } from "./show_slow.ts";

/** How a live view is drawn. */
export interface BarScene {
  readonly columns: number;
  readonly rows: number;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly paint: Paint;
  /** Whether keys are read. */
  readonly hasKeys: boolean;
}

/** What the bar says about keys. */
const KEYS = "t: what runs now";

/** Running tests that have a line of their own, at most. */
const SHOWN_RUNNING = 8;
const BAR_WIDEST = 30;
const BAR_NARROWEST = 6;
/** The least width of a bar in front of a line that names keys. */
const BAR_WITH_KEYS = 12;

/**
 * The live lines of a run: its progress, then the running tests. The terminal's last column stays
 * free. ASCII except for ids, since terminals disagree on the width of other characters.
 */
export function barLines(live: Live, scene: BarScene): string[] {
  const { columns, rows, now } = scene;
  const width = Math.max(1, columns - 1);
  const { running } = live;
  const room = Math.max(0, Math.min(SHOWN_RUNNING, rows - 2));
  const shown = running.length > room ? running.slice(0, Math.max(0, room - 1)) : running;
  const more = running.length - shown.length;
  return [
    progressLine(live, width, scene),
    ...shown.map((test) => runningLine(test, width, now)),
    ...(more > 0 && room > 0 ? [cutAtEnd(`${"".padStart(8)}  and ${more} more`, width)] : []),
  ];
}

function progressLine(live: Live, width: number, { now, paint, hasKeys }: BarScene): string {
  const parts = progressParts(live, now);
  // Where there is little room, the least important part is left out first.
  const [how, counts, time, left] = parts;
  const lines = [[how, counts, time, left], [how, counts, time], [how, counts], [how]].map((line) =>
    line.filter((part) => part !== "").join("  ")
  );
  const text = lines.find((line) => unicodeWidth(line) <= width) ?? cutAtEnd(how, width);
  const room = width - unicodeWidth(text) - 4;
  const total = live.total ?? 0;
  // The keys are named where that leaves room for a bar.
  const keys = hasKeys && room - KEYS.length - 2 >= BAR_WITH_KEYS ? `  ${paint("dim", KEYS)}` : "";
  const bar = keys === "" ? room : room - KEYS.length - 2;
  const bad = live.run.countsSoFar.failed + live.run.countsSoFar.errors > 0;
  const shown = bad ? paint("red", text) : text;
  if (bar < BAR_NARROWEST || total === 0) return shown + keys;
  return `${drawBar(live.run.done / total, Math.min(bar, BAR_WIDEST))}  ${shown}${keys}`;
}

/** Done of collected, the counts, the time and the estimate; empty if unknown. */
function progressParts(live: Live, now: number): [string, string, string, string] {
  const how = live.total === null ? stage(live.sessions) : `${live.run.done}/${live.total}`;
  const counts = live.run.done === 0 && live.run.countsSoFar.errors === 0
    ? ""
    : countsLine(live.run.countsSoFar);
  const remaining = live.remaining(now);
  const blemishes = [
    ...(live.run.flaky > 0 ? [`${live.run.flaky} flaky`] : []),
    ...(live.run.leaks > 0 ? [`${live.run.leaks} leaked`] : []),
  ];
  return [
    how,
    [counts, ...blemishes].filter((text) => text !== "").join(", "),
    live.run.first === null ? "" : duration(now - live.run.first),
    remaining === null || live.run.done === live.total ? "" : `about ${duration(remaining)} left`,
  ];
}

function stage(sessions: readonly LiveSession[]): string {
  return sessions.some((session) => session.pid !== null) ? "collecting" : "starting pytest";
}

function drawBar(part: number, width: number): string {
  const full = Math.floor(Math.min(1, part) * width);
  return `[${"=".repeat(full)}${full < width ? ">".padEnd(width - full) : ""}]`;
}

function runningLine({ id, since }: RunningTest, width: number, now: number): string {
  const time = `${Math.max(0, now - since).toFixed(1)} s`.padStart(8);
  return cutAtEnd(`${time}  ${cutAtStart(escapeText(id), width - 10)}`, width);
}

/** The progress on one line, for where lines can't be redrawn. */
export function progressText(live: Live, now: number): string {
  const longest = live.running[0];
  const parts = progressParts(live, now).filter((part) => part !== "").join(", ");
  return longest
    ? `${parts}; running for ${duration(now - longest.since)}: ${escapeText(longest.id)}`
    : parts;
}

/** A descendant of a pytest. */
export interface ShownProcess {
  readonly pid: number;
  readonly title: string;
}

/** Processes below one pytest that are named, at most. */
const SHOWN_PROCESSES = 10;

/**
 * An overview of the running sessions, tests and processes, on request.
 *
 * @param below visible processes of each session, by its name, pytest first
 */
export function nowLines(
  live: Live,
  below: ReadonlyMap<string, readonly ShownProcess[]>,
  now: number,
  paint: Paint,
): string[] {
  const lines = [
    paint("bold", `now: ${progressParts(live, now).filter((part) => part !== "").join(", ")}`),
  ];
  for (const { name, purpose, collecting, isWaiting, pid } of live.sessions) {
    const [pytest, ...others] = below.get(name) ?? [];
    const number = pytest?.pid ?? pid;
    const begun = collecting ? "collecting" : isWaiting ? "waiting" : "running";
    const what = pid === null ? "starting" : begun;
    lines.push(`  pytest ${number === null ? name : `pid ${number}`} (${purpose}): ${what}`);
    for (const test of live.running.filter((one) => one.session === name)) {
      lines.push(`    ${Math.max(0, now - test.since).toFixed(1)} s  ${shownId(test.id)}`);
    }
    for (const { pid, title } of others.slice(0, SHOWN_PROCESSES)) {
      lines.push(`    pid ${pid} ${escapeText(title.slice(0, 100))}`);
    }
    if (others.length > SHOWN_PROCESSES) {
      lines.push(`    and ${others.length - SHOWN_PROCESSES} more processes`);
    }
  }
  return lines;
}

/** The last lines of a traceback and of a test's output, and the processes of a leak. */
const [SHOWN_TRACEBACK, SHOWN_OUTPUT, SHOWN_LEFT] = [15, 10, 3];

/** A note as lines: the incident, its test, and the details. */
export function noteLines(note: Note, paint: Paint): string[] {
  switch (note.kind) {
    case "failed":
      return failedLines(note, paint);
    case "flaky": {
      const word = paint("yellow", `FLAKY ${note.attempt}/${note.tries}`);
      const why = note.message === "" ? "" : `: ${escapeText(note.message.split("\n", 1)[0]!)}`;
      return [`${word} ${escapeText(note.id)}${why}`];
    }
    case "slow":
      return slowLines(note, paint);
    case "terminating":
      return [terminatingLine(note, paint)];
    case "leak": {
      const { id, processes } = note;
      const shown = processes.slice(0, SHOWN_LEFT).map(({ pid, title }) =>
        `pid ${pid} ${escapeText(title.slice(0, 60))}`
      );
      const hidden = processes.length - shown.length;
      const more = hidden > 0 ? ` and ${hidden} more` : "";
      const test = shownId(id ?? "test unknown");
      return [`${paint("yellow", "LEAK")} ${test}: ${shown.join("; ")}${more}`];
    }
    case "trouble":
      return [paint("red", escapeText(note.text))];
  }
}

function failedLines(note: Note & { readonly kind: "failed" }, paint: Paint): string[] {
  const { id, failure, outcome, seconds, attempt } = note;
  const facts = [
    ...(failure.phase === "call" ? [] : [failure.phase]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(seconds === null ? [] : [`${seconds.toFixed(2)} s`]),
  ].join(", ");
  const head = `${paint("red", FAILURE_WORDS[outcome])} ${shownId(id)}`;
  // A traceback ends with the message; that of the first attempt stands above.
  const lines = gist(failure, failure.traceback === "" ? 3 : 1).map(escapeText);
  const details = attempt > 1 ? [] : detailLines(failure);
  return [
    facts === "" ? head : `${head} (${facts})`,
    ...lines.map((line) => `    ${line}`),
    ...details.map((line) => paint("dim", `    ${line}`)),
  ];
}

function detailLines({ traceback, output = "" }: Failure): string[] {
  const shown = (text: string, most: number) =>
    endOfLines(linesWithText(withoutAnsi(text)).map(escapeText), most);
  return [...shown(traceback, SHOWN_TRACEBACK), ...shown(output, SHOWN_OUTPUT)];
}
