import { escapeText } from "../core/escape.ts";
import { durationsText, isDurations } from "../core/history/given_durations.ts";
import { merge as mergeParts, type Merged, type MergedPart, type Part } from "../core/results/merge.ts";
import { EventReader, EVENTS_SCHEMA, type PytestEvent } from "../core/results/pytest_events.ts";
import { RED, Results } from "../core/results/results.ts";
import { Tally } from "../core/results/tally.ts";
import { countsLine, gist } from "../core/results/verdict.ts";
import { UsageError } from "../errors.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../context.ts";
import { recordRun } from "../history/record.ts";
import type { Host } from "../host/host.ts";
import { findProject } from "../project/project.ts";
import { EVENTS } from "../run/events_file.ts";
import { JunitFile } from "../run/junit_file.ts";
import { type Expected, outputPath, readTyped, writeTyped } from "../run/typed_files.ts";
import type { Printer } from "../ui/printer.ts";

/** `tractest merge FILE…`: the runs of several machines as one. */
export async function merge({ host, printer, line }: Context): Promise<ExitCode> {
  if (line.operands.length === 0) throw new UsageError('"merge" needs the files that --events wrote', "tractest merge shard-*.jsonl");
  const junit = line.has("junit") ? await JunitFile.at(host, line.value("junit")!) : null;
  const place = async (option: string, expected: Expected) => {
    const typed = line.value(option);
    if (typed === "-") throw new UsageError(`"--${option} -" is not possible: standard output has the verdict`, "name a file");
    return typed === undefined ? null : await outputPath(host, typed, expected);
  };
  const eventsPath = await place("events", EVENTS);
  const durationsPath = await place("durations", { kind: "file of durations", isOne: isDurations });
  const parts = await Promise.all(line.operands.map((name) => readPart(host, name)));
  const merged = mergeParts(parts);
  const { results, exitCode } = merged;
  const seconds = longestOf(parts);
  const end = { event: "run-finish", time: results.latest ?? 0, exitCode, ending: endingOf(merged), seconds } as const satisfies PytestEvent;
  results.add(end);
  if (eventsPath !== null) {
    const lines = [...merged.events, end].map((event) => `${JSON.stringify({ schema: EVENTS_SCHEMA, ...event })}\n`);
    await writeTyped(host, eventsPath, lines.join(""));
  }
  if (durationsPath !== null) await writeTyped(host, durationsPath, durationsText(results));
  await junit?.write(printer, results);
  if (line.has("record")) await record(host, printer, parts);
  const tally = new Tally();
  for (const event of merged.events) tally.add(event);
  show(printer, merged, tally, end);
  if (printer.json) {
    const { missing, unfinished, duplicates, problems } = merged;
    const failures = tally.failures.map(({ id, phase, message }) => ({ id, phase, message }));
    printer.document("tractest.merge/1", {
      exitCode,
      shards: merged.parts,
      missing,
      unfinished,
      duplicates,
      problems,
      counts: tally.counts,
      failures,
      flaky: results.finished.filter((test) => test.flaky).map((test) => test.id),
      seconds,
    });
  }
  return exitCode;
}

async function readPart(host: Host, name: string): Promise<Part> {
  const hint = "merge takes the files that tractest run --events FILE wrote";
  const { events } = new EventReader().read(await readTyped(host, name, hint));
  if (!events.some((event) => event.event === "run-start")) throw new UsageError(`"${name}" has no events of a run`, hint);
  return { name, events };
}

/** The machines ran beside each other: together they took as long as the slowest. */
function longestOf(parts: readonly Part[]): number {
  const seconds = parts.flatMap(({ events }) => events.flatMap((event) => event.event === "run-finish" ? [event.seconds] : []));
  return Math.max(0, ...seconds);
}

/** Each machine's run goes into the history of this project, unless it is there already. */
async function record(host: Host, printer: Printer, parts: readonly Part[]): Promise<void> {
  const project = await findProject(host);
  for (const { events } of parts) {
    const results = new Results();
    for (const event of events) results.add(event.event === "run-start" ? { ...event, root: project.root } : event);
    await recordRun(host, printer, project, results);
  }
}

function endingOf({ missing, unfinished, endings }: Merged): string | null {
  if (endings.length > 0) return endings.join("; ");
  if (missing.length > 0) return `shard ${missing.join(", ")} missing`;
  return unfinished.length > 0 ? `${unfinished.length} test(s) without a result` : null;
}

/** Tests that are named, at most. */
const SHOWN = 10;

function show(
  printer: Printer,
  { parts, missing, unfinished, duplicates, problems, results, exitCode }: Merged,
  tally: Tally,
  { seconds, ending }: { readonly seconds: number; readonly ending: string | null },
): void {
  for (const part of parts) printer.line(partLine(part));
  for (const failure of tally.failures) {
    printer.line(`${printer.paint("red", failure.phase === "call" ? "FAILED" : "ERROR")} ${escapeText(failure.id)}`);
    for (const line of gist(failure)) printer.line(`    ${escapeText(line)}`);
  }
  for (const test of results.finished.filter((test) => test.flaky)) {
    const reds = test.attempts.filter((attempt) => RED.has(attempt.outcome)).length;
    printer.line(`${printer.paint("yellow", "FLAKY")} ${escapeText(test.id)} failed ${reds} time(s), then passed`);
  }
  for (const problem of problems) printer.warn(escapeText(problem));
  if (missing.length > 0) printer.warn(`no file is from shard ${missing.join(", ")} of ${parts.find((part) => part.shard)!.shard!.count}`);
  const name = (texts: readonly string[], what: string) => {
    if (texts.length === 0) return;
    printer.warn(`${texts.length} test(s) ${what}:`);
    for (const text of texts.slice(0, SHOWN)) printer.note(`  ${escapeText(text)}`);
    if (texts.length > SHOWN) printer.note(`  … and ${texts.length - SHOWN} more`);
  };
  name(unfinished, "were collected and have no result");
  name(duplicates.map(({ id, files }) => `${id}  (${files.join(", ")})`), "ran on several machines");
  printer.line(
    printer.paint(
      exitCode === 0 ? "green" : "red",
      `${ending === null ? "" : `${escapeText(ending)}: `}${countsLine(tally.counts, tally)} on ${parts.length} machine(s), the slowest in ${
        seconds.toFixed(2)
      } s`,
    ),
  );
}

function partLine({ file, shard, exitCode, tests }: MergedPart): string {
  const which = shard === null ? "all" : `${shard.index}/${shard.count}`;
  return `${which.padEnd(7)} ${exitCode === null ? "killed".padEnd(8) : `exit ${exitCode}`.padEnd(8)} ${tests} test(s)  ${escapeText(file)}`;
}
