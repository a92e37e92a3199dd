import { singleBlock } from "../run/blocks.ts";
import { endLeftBehind } from "../run/exact.ts";
import { quietSeconds } from "../run/settings.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import type { Context } from "../command_line/context.ts";
import type { RunOptions } from "../run/run_options.ts";
import { recordRun } from "../history/record.ts";
import { stopsAtFirst } from "../pytest/pytest_command.ts";
import { RED } from "../pytest/results.ts";
import { groupsOf } from "../pytest/work.ts";
import { OWN_CACHE } from "../pytest/plugin_environment.ts";
import { writeLastFailed } from "../pytest/write_lastfailed.ts";
import type { Verdict } from "../pytest/run_exit_code.ts";
import { leaksAfter, secondsOf, verdictAfter } from "../run/after.ts";
import type { EngineOutcome } from "../run/engine/engine_outcome.ts";
import { WHOLE } from "../run/engine/engine_request.ts";
import { EventLog, type EventSink } from "../run/event_log.ts";
import type { LaunchRequest, Prepared } from "../run/prepared.ts";
import { quickInterpreter } from "../run/ready.ts";
import { extraWords } from "../run/rules_unseen_options.ts";
import type { RunRequest } from "../run/run_request.ts";
import { unseenJunit } from "../run/unseen_options.ts";
import { type Interpreter, runThroughEnv } from "../system/programs/python.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { Progress } from "../terminal/progress.ts";
import { unbroken } from "../terminal/wrap.ts";
import {
  type CellRun,
  describeCell,
  outcomesOf,
  planCells,
  type PlannedCell,
  type PossibleCell,
} from "./cells.ts";
import {
  cellsOf,
  cellWords,
  type Difference,
  differences,
  type Dimension,
  worstCode,
} from "./rules.ts";
import { showMatrix } from "./show.ts";

/** The schema of the JSON document of a matrix. */
export const MATRIX_SCHEMA = "tractest.matrix/1";

/** A run of the tests in every combination of some values. */
export interface Matrix extends RunRequest {
  /** What varies between the cells. */
  readonly dimensions: readonly Dimension[];
}

/** `tractest run --matrix --dry-run`: prints the command of every cell and starts nothing. */
export async function dryMatrix(
  context: Context<RunOptions>,
  { project, dimensions, command }: Matrix,
): Promise<ExitCode> {
  const { host, printer } = context;
  const interpreter = await quickInterpreter(context, project);
  const planned = await planCells(context, project, interpreter, cellsOf(dimensions));
  const cells = planned.map(({ cell, name, interpreter: python, impossible }) => {
    const argv = python && asTyped(command(python.argv, WHOLE, cellWords(cell)), project.root);
    printer.exact(
      argv === null
        ? escapeText(`# ${name}: ${impossible?.reason}`)
        : pasteable(argv, python!.environment, project.root, host.cwd),
    );
    return { cell: Object.fromEntries(cell), command: argv, impossible };
  });
  if (printer.json) printer.document(MATRIX_SCHEMA, { exitCode: 0, dimensions, cells });
  return EXIT.ok;
}

/**
 * `tractest run --matrix`: runs the same tests in every combination, and shows a table and what
 * differs between the cells.
 *
 * @param limit seconds for each cell; 0: no limit
 */
export async function runMatrix(
  context: Context<RunOptions>,
  matrix: Matrix,
  prepared: Prepared,
  limit: number,
): Promise<ExitCode> {
  const { project, dimensions, places, junit, events } = matrix;
  const { host, printer } = context;
  const began = host.clock.monotonic();
  const planned = await planCells(context, project, prepared.interpreter, cellsOf(dimensions));
  for (const note of places.notes) printer.note(escapeText(note));
  const unseenReport = await unseenJunit(host, project, places);
  await unseenReport?.begin();
  for (const { name, impossible } of planned) {
    if (impossible) printer.warn(escapeText(`${name} is not possible: ${impossible.reason}`));
  }
  const runs = await new MatrixRun(context, matrix, prepared, limit).run(planned);
  events?.end(printer);
  const suites = runs.map(({ name, outcome }) => ({
    name: `tractest ${name}`,
    results: outcome.run,
  }));
  for (const report of [junit, unseenReport]) await report?.write(printer, suites);
  const seconds = (host.clock.monotonic() - began) / 1000;
  const exitCode = showRuns(context, matrix, prepared, planned, runs, seconds);
  if (matrix.ci !== null) {
    const { reportCellsToCi } = await import("./cells_to_ci.ts");
    await reportCellsToCi(matrix.ci, project.root, { planned, runs, exitCode, seconds });
  }
  return exitCode;
}

/** Runs the cells of a matrix. */
class MatrixRun {
  /** How many cells run at once: cells that are not isolated would disturb each other. */
  readonly #jobs: number;
  readonly #progress: Progress;
  readonly #runs: CellRun[] = [];

  constructor(
    private readonly context: Context<RunOptions>,
    private readonly matrix: Matrix,
    private readonly prepared: Prepared,
    private readonly limit: number,
  ) {
    const { host, printer } = context;
    const { jobs } = matrix.parallel;
    this.#jobs = prepared.isolation === null ? 1 : jobs === "auto" ? host.processors : jobs;
    this.#progress = new Progress(host, printer);
  }

  /** Runs the possible cells; after an interrupt no other starts. In the order of the cells. */
  async run(planned: readonly PlannedCell[]): Promise<CellRun[]> {
    const { host, printer } = this.context;
    const queue = planned.filter((cell) => cell.impossible === null);
    const all = plural(queue.length, "cell");
    const work = Promise.all(Array.from({ length: this.#jobs }, () => this.#runFrom(queue)));
    await (this.#jobs > 1 ? this.#progress.during(`${all}, ${this.#jobs} at once`, work) : work);
    const runs = this.#runs.sort((a, b) => a.number - b.number);
    await this.#recordFailed();
    for (const { outcome } of runs) {
      await recordRun(host, printer, this.matrix.project, outcome.run);
    }
    return runs;
  }

  async #runFrom(queue: PossibleCell[]): Promise<void> {
    const isInterrupted = ({ outcome: { cut } }: CellRun) => cut !== null && cut !== "time-limit";
    while (queue.length > 0 && !this.#runs.some(isInterrupted)) {
      this.#runs.push(await this.#runCell(queue.shift()!));
    }
  }

  async #runCell(planned: PossibleCell): Promise<CellRun> {
    const { context: { host, printer }, matrix: { project, events }, prepared } = this;
    const { state } = prepared;
    const { name, number, interpreter: python } = planned;
    const argv = this.matrix.command(python.argv, WHOLE, cellWords(planned.cell));
    const command = asTyped(argv, project.root);
    if (this.#jobs === 1) {
      const shown = unbroken(pasteable(command, python.environment, project.root, host.cwd));
      printer.note(`${printer.paint("bold", name, "stderr")}: ${shown}`);
    }
    const directory = join(state.directory, `cell-${number}`);
    await host.files.makeDirectory(directory);
    const log = await EventLog.open(host, directory, namedSink(events?.sink ?? null, name));
    const runId = `${state.runId}-${number}`;
    await this.#logStart(log, runId, command, planned);
    const request = this.#launchRequest(planned, directory);
    const launch = () => prepared.launch(log, directory, request, { python });
    const { ci } = this.matrix;
    const outcome = await (ci !== null && this.#jobs === 1 ? ci.tests(launch, name) : launch());
    const verdict = await this.#verdictAfter(outcome);
    const { code: exitCode, ending } = verdict;
    await log.append({ event: "run-finish", exitCode, ending, seconds: secondsOf(outcome) });
    await log.drain();
    this.#progress.clear();
    const result = exitCode === 0 ? "ok" : `exit ${exitCode}`;
    printer.note(`${name}: ${result} (${outcome.seconds.toFixed(1)} s)`);
    return { ...planned, runId, command, outcome, verdict };
  }

  async #logStart(
    log: EventLog,
    runId: string,
    command: readonly string[],
    { cell, interpreter }: PossibleCell,
  ): Promise<void> {
    const { facts } = this.prepared;
    await log.append({
      event: "run-start",
      runId,
      root: this.matrix.project.root,
      command,
      pid: this.context.host.pid,
      ...facts,
      transport: cell.get("tpt-proto") ?? facts.transport,
      backend: cell.get("spawn-backend") ?? facts.backend,
      python: cell.has("python") ? await this.#versionOf(interpreter) : facts.python,
      cell: Object.fromEntries(cell),
    });
  }

  async #versionOf(python: Interpreter): Promise<string | null> {
    const { code, stdout } = await runThroughEnv(
      this.context.host,
      [python.argv[0]!, "--version"],
      {
        cwd: this.matrix.project.root,
        why: "which Python it is",
        inherited: this.prepared.preflight.inherited,
      },
    );
    const version = /Python (\S+)/.exec(new TextDecoder().decode(stdout));
    return code === 0 ? version?.[1] ?? null : null;
  }

  #launchRequest({ number, cell, interpreter }: PossibleCell, directory: string): LaunchRequest {
    const { context: { printer, line }, matrix, limit } = this;
    const { settings, chosen, places, project, stream } = matrix;
    const exitFirst = stopsAtFirst(matrix.command(this.prepared.interpreter.argv, WHOLE));
    const isData = printer.json || stream === "stderr";
    return {
      sessions: {
        prefix: `cell${number}-`,
        command: (kind) => matrix.command(interpreter.argv, kind, cellWords(cell)),
        // Each cell finds what was recorded before the first: with --lf none runs less.
        environment: () => ({ [OWN_CACHE]: directory }),
        extraWords: extraWords(places, { several: true, handsOut: chosen !== null }),
        // The mixed output of several cells would be unreadable.
        output: this.#jobs > 1 ? "log" : isData ? "stderr" : "shown",
      },
      plan: {
        jobs: 1,
        order: chosen && ((items) => chosen.arrange(groupsOf(items))),
        blocks: (groups) => groups.map(singleBlock),
        runsAlone: () => false,
      },
      limits: { ...settings.limits, run: limit, quiet: quietSeconds(line.options, project) },
      policy: {
        debugging: false,
        exitFirst,
        resume: !exitFirst,
        retries: settings.retries,
        retriesOf: settings.retriesOf,
      },
    };
  }

  async #verdictAfter(outcome: EngineOutcome): Promise<Verdict> {
    const { context: { host, printer, line }, matrix: { project }, prepared } = this;
    const isolated = prepared.isolation !== null;
    const leaks = isolated ? null : await leaksAfter(host, project, outcome);
    // The next cell must find what this one found.
    if (!isolated) await endLeftBehind(host, printer, project, prepared.state, outcome.run);
    return verdictAfter(outcome, leaks, { strict: line.options.strict });
  }

  /** Records what failed in any of the cells, for `pytest --lf`. */
  async #recordFailed(): Promise<void> {
    const models = this.#runs.map(({ outcome }) => outcome.run);
    const cache = models.map((run) => run.cache).find((one) => one !== null) ?? null;
    const tests = models.flatMap((run) => run.finished);
    const red = tests.filter((test) => RED.has(test.outcome));
    await writeLastFailed(this.context.host, cache, {
      // The last result of a test counts: what failed in one cell has failed.
      finished: [...tests, ...red],
      collectionErrors: models.flatMap((run) => run.collectionErrors),
      place: models[0]?.place ?? "",
    });
  }
}

/** Adds the name of a cell to each event: sessions of several cells may run at once. */
function namedSink(sink: EventSink | null, cell: string): EventSink | null {
  return sink &&
    ((lines) => sink(lines.map((line) => JSON.stringify({ ...JSON.parse(line), cell }))));
}

function showRuns(
  { printer, line }: Context<RunOptions>,
  { dimensions }: Matrix,
  prepared: Prepared,
  planned: readonly PlannedCell[],
  runs: readonly CellRun[],
  seconds: number,
): ExitCode {
  const found = differences(runs.map(outcomesOf));
  const exitCode = runs.length === 0
    ? EXIT.preflight
    : worstCode(runs.map(({ verdict }) => verdict.code));
  const rows = planned.map((cell) => ({
    planned: cell,
    ran: runs.find((run) => run.number === cell.number) ?? null,
  }));
  showMatrix(printer, {
    rows,
    differences: found,
    everywhere: failedEverywhere(runs, found),
    detailed: line.options.diff,
    seconds,
  });
  if (runs.some(({ verdict }) => verdict.code !== 0)) {
    printer.note(`logs and events: ${join(prepared.state.directory, "cell-N")}`);
  }
  if (printer.json) {
    printer.document(MATRIX_SCHEMA, {
      exitCode,
      dimensions,
      cells: rows.map((row) => describeCell(row.planned, row.ran)),
      differences: found,
      isolated: prepared.isolation !== null,
      seconds: secondsOf({ seconds }),
      preflight: prepared.preflight.checks,
    });
  }
  return exitCode;
}

/** Tests that failed wherever they ran: nothing that varies explains that. */
function failedEverywhere(
  runs: readonly CellRun[],
  found: readonly Difference[],
): { id: string; message: string }[] {
  const differing = found.filter(({ explanation }) => explanation.startsWith("fails"));
  const ids = new Set(differing.flatMap((difference) => difference.ids));
  const messages = new Map<string, string>();
  for (const { id, outcome, failure } of runs.flatMap(({ outcome }) => outcome.run.finished)) {
    if (RED.has(outcome) && !ids.has(id)) messages.set(id, failure?.message ?? "");
  }
  return [...messages].map(([id, message]) => ({ id, message }));
}
