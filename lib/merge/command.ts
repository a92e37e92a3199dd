import type { CiLog } from "../ci/ci_log.ts";
import { providerOf } from "../ci/providers.ts";
import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { resolve } from "@std/path";
import { durationsText, isDurations } from "../history/durations_file.ts";
import { merge as mergeParts, type Part } from "./rules.ts";
import { documentOf, endingOf, showMerged } from "./show.ts";
import { EVENTS_SCHEMA, type PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";
import { UsageError } from "../errors.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { recordRun } from "../history/record.ts";
import type { Host } from "../system/host.ts";
import { findProject } from "../project/project.ts";
import { EVENTS, EventsFile } from "../run/events_file.ts";
import { eventsOfRun } from "../background/read_events.ts";
import { JunitFile } from "../run/junit_file.ts";
import { type Expected, outputPath, writeTyped } from "../run/output_file.ts";
import type { Printer } from "../terminal/printer.ts";

/** The options of `merge`. */
export const OPTIONS = {
  ...WITH_JSON,
  junit: SHARED.junit,
  events: {
    kind: "file",
    doc: "write the events of all machines to FILE as the events of one run",
  },
  durations: {
    kind: "file",
    doc: "write to FILE how long each test took: with --durations-from FILE on every machine it " +
      "balances the next cut",
  },
  record: { kind: "flag", doc: "add the machines' runs to the history of this project" },
} as const satisfies OptionTable;

/** Their values. */
export type MergeOptions = OptionsOf<typeof OPTIONS>;

/** `tractest merge FILE…`: the runs of several machines as one. */
export async function merge({ host, printer, line }: Context<MergeOptions>): Promise<ExitCode> {
  if (line.operands.length === 0) {
    const problem = '"merge" needs the files that --events wrote';
    throw new UsageError(problem, "tractest merge shard-*.jsonl");
  }
  const outputs = await outputsOf(host, line);
  const ci = await ciLogOf(host, printer);
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
  showMerged(printer, merged, end.ending);
  if (ci !== null) {
    const { reportMergeToCi } = await import("./merge_to_ci.ts");
    await reportMergeToCi(ci, merged, end.ending);
  }
  if (printer.json) printer.document("tractest.merge/1", documentOf(merged));
  return exitCode;
}

/** The log of the CI service whose variables are set, in which tests can't forge commands. */
async function ciLogOf(host: Host, printer: Printer): Promise<CiLog | null> {
  const provider = providerOf("auto", (name) => host.env(name));
  if (provider === null) return null;
  const { CiLog } = await import("../ci/ci_log.ts");
  return new CiLog(host, printer, provider, {
    stream: printer.json ? "stderr" : "stdout",
    brief: false,
  });
}

/** What a merge writes besides its verdict; null where it was not asked for. */
interface Outputs {
  readonly events: EventsFile | null;
  readonly durations: string | null;
  readonly junit: JunitFile | null;
}

async function outputsOf(host: Host, line: Context<MergeOptions>["line"]): Promise<Outputs> {
  const { junit } = line.options;
  const events = await outputAt(host, line, "events", EVENTS);
  const durations = { kind: "a file of durations", isOne: isDurations };
  return {
    events: events === null ? null : await EventsFile.at(host, events),
    durations: await outputAt(host, line, "durations", durations),
    junit: junit === null ? null : await JunitFile.at(host, junit),
  };
}

async function outputAt(
  host: Host,
  { options, operands }: Context<MergeOptions>["line"],
  option: "events" | "durations",
  expected: Expected,
): Promise<string | null> {
  const typed = options[option];
  if (typed === null) return null;
  if (typed === "-") {
    const problem = `"--${option} -" is not possible: standard output has the verdict`;
    throw new UsageError(problem, "name a file");
  }
  const path = await outputPath(host, typed, expected);
  const resolved = await host.files.realPath(path);
  for (const input of resolved === null ? [] : operands) {
    if (await host.files.realPath(resolve(host.cwd, input)) !== resolved) continue;
    throw new UsageError(`--${option} would overwrite the input "${input}"`, "name another file");
  }
  return path;
}

/** Writes events to a file of their own, if there is one. */
class EventCopy {
  constructor(private readonly file: EventsFile | null) {}

  async add(events: readonly PytestEvent[]): Promise<void> {
    const line = (event: PytestEvent) => JSON.stringify({ schema: EVENTS_SCHEMA, ...event });
    await this.file?.sink(events.map(line));
  }

  /** @throws {TractestError} if the file did not take them all */
  end(printer: Printer): void {
    this.file?.end(printer);
    if (this.file?.trouble) throw this.file.trouble;
  }
}

async function partOf(host: Host, name: string): Promise<Part> {
  const hint = "merge takes the files that tractest run --events FILE wrote";
  return { name, events: await eventsOfRun(host, name, hint) };
}

/** Each machine's run goes into the history of this project, unless it is there already. */
async function record(host: Host, printer: Printer, parts: readonly Part[]): Promise<void> {
  const project = await findProject(host);
  for (const { events } of parts) {
    const run = new RunModel();
    for await (const some of events()) {
      for (const event of some) {
        run.apply(event.event === "run-start" ? { ...event, root: project.root } : event);
      }
    }
    await recordRun(host, printer, project, run);
  }
}

/** `tractest merge`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "merge",
  group: "run",
  summary: "join the runs of several machines into one verdict and report",
  usage: "tractest merge FILE… [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: "files" },
  examples: [
    [
      "tractest merge shard-*.jsonl",
      "one verdict for the files of `run --shard K/N --events FILE` of each machine",
    ],
    [
      "tractest merge shard-*.jsonl --junit report.xml --durations durations.json",
      "one report, and the durations for the next cut",
    ],
  ],
  exits: [0, 1, 82, 84, 124, 130, 131, 143],
  row: "merge",
  run: merge,
};
