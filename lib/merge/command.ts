import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { durationsText, isDurations } from "../history/durations_file.ts";
import { merge as mergeParts, type Merged, type MergedPart, type Part } from "./rules.ts";
import { countsLine } from "../pytest/counts.ts";
import { EVENTS_SCHEMA, type PytestEvent } from "../pytest/events.ts";
import { RED } from "../pytest/results.ts";
import { gist } from "../pytest/failure.ts";
import { RunModel } from "../pytest/run_model.ts";
import { UsageError } from "../errors.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { recordRun } from "../history/record.ts";
import type { Host } from "../system/host.ts";
import { findProject } from "../project/project.ts";
import { EVENTS, EventsFile } from "../run/events_file.ts";
import { eventsOfFile } from "../background/read_events.ts";
import { JunitFile } from "../run/junit_file.ts";
import { type Expected, outputPath, writeTyped } from "../run/typed_files.ts";
import type { Printer } from "../terminal/printer.ts";

/** The options of `merge`. */
export const OPTIONS = {
  ...WITH_JSON,
  junit: SHARED.junit,
  events: { kind: "file", doc: "write the events of all machines to FILE as those of one run" },
  durations: {
    kind: "file",
    doc:
      "write to FILE how long each test took: the next cut is balanced by it, with --durations-from FILE on every machine",
  },
  record: { kind: "flag", doc: "add the machines' runs to the history of this project" },
} as const satisfies OptionTable;

/** Their values. */
export type MergeOptions = OptionsOf<typeof OPTIONS>;

/** `tractest merge FILE…`: the runs of several machines as one. */
export async function merge({ host, printer, line }: Context<MergeOptions>): Promise<ExitCode> {
  if (line.operands.length === 0) {
    throw new UsageError(
      '"merge" needs the files that --events wrote',
      "tractest merge shard-*.jsonl",
    );
  }
  const outputs = await outputsOf(host, line);
  const parts = await Promise.all(line.operands.map((name) => partOf(host, name)));
  await outputs.events?.begin();
  const copy = new EventCopy(outputs.events);
  const merged = await mergeParts(parts, (events) => copy.add(events));
  const { run, exitCode, seconds } = merged;
  const end = {
    event: "run-finish",
    time: run.latest ?? 0,
    exitCode,
    ending: endingOf(merged),
    seconds,
  } as const satisfies PytestEvent;
  run.apply(end);
  await copy.add([end]);
  copy.end(printer);
  if (outputs.durations !== null) await writeTyped(host, outputs.durations, durationsText(run));
  await outputs.junit?.write(printer, run);
  if (line.options.record) await record(host, printer, parts);
  show(printer, merged, end.ending);
  if (printer.json) printer.document("tractest.merge/1", documentOf(merged));
  return exitCode;
}

/** What a merge writes besides its verdict; null where it was not asked for. */
interface Outputs {
  readonly events: EventsFile | null;
  readonly durations: string | null;
  readonly junit: JunitFile | null;
}

async function outputsOf(host: Host, line: Context<MergeOptions>["line"]): Promise<Outputs> {
  const junit = line.options.junit !== null ? await JunitFile.at(host, line.options.junit) : null;
  const place = async (option: "events" | "durations", expected: Expected) => {
    const typed = line.options[option];
    if (typed === "-") {
      throw new UsageError(
        `"--${option} -" is not possible: standard output has the verdict`,
        "name a file",
      );
    }
    if (typed === null) return null;
    const path = await outputPath(host, typed, expected);
    const resolved = await host.files.realPath(path);
    for (const input of line.operands) {
      if (resolved === null || await host.files.realPath(resolve(host.cwd, input)) !== resolved) {
        continue;
      }
      throw new UsageError(
        `--${option} would overwrite "${input}", which is to be read`,
        "name another file",
      );
    }
    return path;
  };
  const events = await place("events", EVENTS);
  return {
    events: events === null ? null : await EventsFile.at(host, events),
    durations: await place("durations", { kind: "file of durations", isOne: isDurations }),
    junit,
  };
}

/** Writes events to a file of their own, if there is one. */
class EventCopy {
  constructor(private readonly file: EventsFile | null) {}

  async add(events: readonly PytestEvent[]): Promise<void> {
    if (this.file !== null) {
      await this.file.sink(
        events.map((event) => JSON.stringify({ schema: EVENTS_SCHEMA, ...event })),
      );
    }
  }

  /** @throws {TractestError} if the file did not take them all */
  end(printer: Printer): void {
    this.file?.end(printer);
    if (this.file?.trouble) throw this.file.trouble;
  }
}

function documentOf(merged: Merged): Record<string, unknown> {
  const { exitCode, missing, unfinished, duplicates, problems, seconds, run } = merged;
  return {
    exitCode,
    shards: merged.parts,
    missing,
    unfinished,
    duplicates,
    problems,
    counts: run.counts,
    failures: run.failures.map(({ id, phase, message }) => ({ id, phase, message })),
    flaky: run.finished.filter((test) => test.flaky).map((test) => test.id),
    seconds,
  };
}

async function partOf(host: Host, name: string): Promise<Part> {
  const hint = "merge takes the files that tractest run --events FILE wrote";
  const path = resolve(host.cwd, name);
  const status = await host.files.stat(path);
  if (status === null) throw new UsageError(`"${name}" does not exist`, hint);
  if (status.kind === "directory") {
    throw new UsageError(`Cannot read "${name}": it is a directory`, hint);
  }
  // What is merged is read twice, and has an end.
  if (status.kind !== "file") {
    throw new UsageError(`Cannot read "${name}": it is no regular file`, hint);
  }
  const events = () => eventsOfFile(host, path, name);
  const first = await events().next();
  if (first.done || first.value[0]?.event !== "run-start") {
    throw new UsageError(`"${name}" does not begin with the start of a run`, hint);
  }
  return { name, events };
}

/** Each machine's run goes into the history of this project, unless it is there already. */
async function record(host: Host, printer: Printer, parts: readonly Part[]): Promise<void> {
  const project = await findProject(host);
  for (const { events } of parts) {
    const results = new RunModel();
    for await (const some of events()) {
      for (const event of some) {
        results.apply(event.event === "run-start" ? { ...event, root: project.root } : event);
      }
    }
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

function show(printer: Printer, merged: Merged, ending: string | null): void {
  const { parts, missing, unfinished, duplicates, problems, run, exitCode, seconds } = merged;
  for (const part of parts) printer.line(partLine(part));
  for (const failure of run.failures) {
    printer.line(
      `${printer.paint("red", failure.phase === "call" ? "FAILED" : "ERROR")} ${
        escapeText(failure.id)
      }`,
    );
    for (const line of gist(failure)) printer.line(`    ${escapeText(line)}`);
  }
  for (const test of run.finished.filter((test) => test.flaky)) {
    const reds = test.attempts.filter((attempt) => RED.has(attempt.outcome)).length;
    printer.line(
      `${printer.paint("yellow", "FLAKY")} ${
        escapeText(test.id)
      } failed ${reds} time(s), then passed`,
    );
  }
  for (const problem of problems) printer.warn(escapeText(problem));
  if (missing.length > 0) {
    printer.warn(
      `no file is from shard ${missing.join(", ")} of ${
        parts.find((part) => part.shard)!.shard!.count
      }`,
    );
  }
  const name = (texts: readonly string[], what: string) => {
    if (texts.length === 0) return;
    printer.warn(`${texts.length} test(s) ${what}:`);
    for (const text of texts.slice(0, SHOWN)) printer.note(`  ${escapeText(text)}`);
    if (texts.length > SHOWN) printer.note(`  … and ${texts.length - SHOWN} more`);
  };
  name(unfinished, "were collected and have no result");
  name(
    duplicates.map(({ id, files }) => `${id}  (${files.join(", ")})`),
    "ran on several machines",
  );
  printer.line(
    printer.paint(
      exitCode === 0 ? "green" : "red",
      `${ending === null ? "" : `${escapeText(ending)}: `}${
        countsLine(run.counts, run)
      } on ${parts.length} machine(s), the slowest in ${seconds.toFixed(2)} s`,
    ),
  );
}

function partLine({ file, shard, exitCode, tests }: MergedPart): string {
  const which = shard === null ? "all" : `${shard.index}/${shard.count}`;
  return `${which.padEnd(7)} ${
    exitCode === null ? "killed".padEnd(8) : `exit ${exitCode}`.padEnd(8)
  } ${tests} test(s)  ${escapeText(file)}`;
}

/** `tractest merge`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "merge",
  summary: "joins the runs of several machines: one verdict, one report",
  usage: "tractest merge FILE… [OPTIONS]",
  options: OPTIONS,
  examples: [
    [
      "tractest merge shard-*.jsonl",
      "one verdict over what `run --shard K/N --events FILE` wrote on each machine",
    ],
    [
      "tractest merge shard-*.jsonl --junit report.xml --durations durations.json",
      "one report, and what the next cut is balanced by",
    ],
  ],
  exits: [0, 1, 82, 84, 124, 130, 131, 143],
  row: "merge",
  run: merge,
};
