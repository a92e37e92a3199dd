import type { RunOptions } from "../command_line/options.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import { join } from "@std/path";
import {
  cellsOf,
  cellWords,
  type Difference,
  differences,
  type Dimension,
  worstCode,
} from "./rules.ts";
import { escapeText } from "../base/escape.ts";
import { RED } from "../pytest/results.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { showMatrix } from "./show.ts";
import { Progress } from "../terminal/progress.ts";
import type { Context } from "../command_line/context.ts";
import { WHOLE } from "../run/engine/engine_request.ts";
import { extraWords } from "../run/rules_unseen_options.ts";
import type { RunRequest } from "../run/run_request.ts";
import { quietSeconds } from "../run/time_limit.ts";
import { stopsAtFirst } from "../pytest/pytest_command.ts";
import { groupsOf } from "../pytest/work.ts";
import { unseenJunit } from "../run/unseen_options.ts";
import {
  type CellLaunch,
  type CellRun,
  outcomesOf,
  planCells,
  type PlannedCell,
  runCells,
} from "./cells.ts";
import type { Prepared } from "../run/prepared.ts";
import { quickInterpreter } from "../run/ready.ts";

/** The schema of the document of a matrix. */
export const MATRIX_SCHEMA = "tractest.matrix/1";

/** A run of the tests in every combination of some values. */
export interface Matrix extends RunRequest {
  /** What varies between the cells. */
  readonly dimensions: readonly Dimension[];
}

/** Prints the command of every cell and starts nothing. */
export async function dryMatrix(
  context: Context<RunOptions>,
  { project, dimensions, command }: Matrix,
): Promise<ExitCode> {
  const { host, printer } = context;
  const interpreter = await quickInterpreter(context, project);
  const planned = await planCells(context, project, interpreter, cellsOf(dimensions));
  const cells = planned.map(({ cell, name, interpreter: python, impossible }) => {
    const argv = python === null
      ? null
      : asTyped(command(python.argv, WHOLE, cellWords(cell)), project.root);
    printer.line(
      argv === null
        ? escapeText(`# ${name}: ${impossible!.reason}`)
        : pasteable(argv, python!.environment, project.root, host.cwd),
    );
    return { cell: Object.fromEntries(cell), command: argv, impossible };
  });
  if (printer.json) printer.document(MATRIX_SCHEMA, { exitCode: 0, dimensions, cells });
  return EXIT.ok;
}

/**
 * `tractest run --matrix`: the same tests in every combination, a table, and what differs between
 * the cells.
 */
export async function runMatrix(
  context: Context<RunOptions>,
  matrix: Matrix,
  prepared: Prepared,
  limit: number,
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const { project, dimensions } = matrix;
  const began = host.clock.monotonic();
  const planned = await planCells(context, project, prepared.interpreter, cellsOf(dimensions));
  const talks = printer.json || line.options.events === "-";
  const jobs = jobsOf(matrix, prepared, host.processors);
  const beside = jobs > 1;
  for (const note of matrix.places.notes) printer.note(escapeText(note));
  const unseenReport = await unseenJunit(host, project, matrix.places);
  await unseenReport?.begin();
  const progress = new Progress(host, printer);
  const of = planned.filter(({ impossible }) => impossible === null).length;
  for (const { name, impossible } of planned) {
    if (impossible) printer.warn(escapeText(`${name} is not possible: ${impossible.reason}`));
  }
  const work = runCells({
    context,
    project,
    prepared,
    jobs,
    launch: launchOf(context, matrix, prepared, limit),
    command: (python, words, kind) => matrix.command(python, kind, words),
    // What several pytests write at once nobody can read.
    output: beside ? "log" : talks ? "stderr" : "shown",
    strict: line.options.strict,
    sink: matrix.events?.sink ?? null,
    onBegin: ({ name, interpreter, cell }) => {
      const argv = asTyped(matrix.command(interpreter!.argv, WHOLE, cellWords(cell)), project.root);
      if (!beside) {
        printer.note(
          `${printer.paint("bold", name, "stderr")}: ${
            pasteable(argv, interpreter!.environment, project.root, host.cwd)
          }`,
        );
      }
    },
    onEnd: ({ name, exitCode, outcome }) => {
      progress.clear();
      printer.note(
        `${name}: ${exitCode === 0 ? "ok" : `exit ${exitCode}`} (${outcome.seconds.toFixed(1)} s)`,
      );
    },
  }, planned);
  const runs = await (beside ? progress.during(`${of} cells, ${jobs} at once`, work) : work);
  matrix.events?.end(printer);
  const suites = runs.map(({ name, outcome }) => ({
    name: `tractest ${name}`,
    results: outcome.run,
  }));
  for (const report of [matrix.junit, unseenReport]) await report?.write(printer, suites);
  return tell(context, matrix, {
    prepared,
    planned,
    runs,
    seconds: (host.clock.monotonic() - began) / 1000,
  });
}

/** How many cells run at once. */
function jobsOf({ parallel: { jobs } }: Matrix, { isolation }: Prepared, most: number): number {
  if (isolation === null) return 1;
  return jobs === "auto" ? most : jobs;
}

function launchOf(
  { line }: Context<RunOptions>,
  { project, settings, chosen, places, command }: Matrix,
  { interpreter }: Prepared,
  limit: number,
): CellLaunch {
  const exitFirst = stopsAtFirst(command(interpreter.argv, WHOLE));
  return {
    extraWords: extraWords(places, { several: true, handsOut: chosen !== null }),
    order: chosen && ((items) => chosen.arrange(groupsOf(items))),
    limits: { ...settings.limits, run: limit, quiet: quietSeconds(line.options, project) },
    policy: { debugging: false, exitFirst, resume: !exitFirst, retries: settings.retries },
  };
}

interface Told {
  readonly prepared: Prepared;
  readonly planned: readonly PlannedCell[];
  readonly runs: readonly CellRun[];
  readonly seconds: number;
}

function tell(
  { printer, line }: Context<RunOptions>,
  { dimensions }: Matrix,
  { prepared, planned, runs, seconds }: Told,
): ExitCode {
  const found = differences(runs.map(outcomesOf));
  const exitCode = runs.length === 0 ? EXIT.preflight : worstCode(runs.map((run) => run.exitCode));
  const ranOf = (cell: PlannedCell) => runs.find((run) => run.number === cell.number);
  showMatrix(printer, {
    rows: planned.map((cell) => {
      const run = ranOf(cell);
      const { outcome, ending, exitCode = 0 } = run ?? {};
      const ran = outcome
        ? {
          exitCode,
          counts: outcome.run.began ? outcome.run.counts : null,
          seconds: outcome.seconds,
          ending: ending!,
        }
        : null;
      return {
        name: cell.name,
        ran,
        why: cell.impossible?.reason ?? (run ? null : "interrupted before"),
        fix: cell.impossible?.fix ?? null,
      };
    }),
    differences: found,
    everywhere: failedEverywhere(runs, found),
    detailed: line.options.diff,
    seconds,
  });
  if (runs.some((run) => run.exitCode !== 0)) {
    printer.note(`logs and events: ${join(prepared.state.directory, "cell-N")}`);
  }
  if (printer.json) {
    printer.document(MATRIX_SCHEMA, {
      exitCode,
      dimensions,
      cells: planned.map((cell) => {
        const run = ranOf(cell);
        const tests = run ? [...run.outcome.run.tests.values()] : [];
        return {
          cell: Object.fromEntries(cell.cell),
          impossible: cell.impossible,
          runId: run?.runId ?? null,
          command: run?.command ?? null,
          exitCode: run?.exitCode ?? null,
          pytestExitCode: run?.outcome.pytestExitCode ?? null,
          ending: run?.ending ?? null,
          seconds: run ? Math.round(run.outcome.seconds * 1000) / 1000 : null,
          counts: run?.outcome.run.began ? run.outcome.run.counts : null,
          failures:
            run?.outcome.run.failures.map(({ id, phase, message }) => ({ id, phase, message })) ??
              [],
          leftBehind: tests.filter((test) => test.leaked.length > 0).map(({ id, leaked }) => ({
            id,
            processes: leaked,
          })),
        };
      }),
      differences: found,
      isolated: prepared.isolation !== null,
      seconds: Math.round(seconds * 1000) / 1000,
      preflight: prepared.preflight.checks,
    });
  }
  return exitCode;
}

/** What failed wherever it ran: nothing that varies explains it. */
function failedEverywhere(
  runs: readonly CellRun[],
  found: readonly Difference[],
): { id: string; message: string }[] {
  const different = new Set(
    found.filter(({ explanation }) => explanation.startsWith("fails")).flatMap(({ ids }) => ids),
  );
  const red = runs.flatMap(({ outcome }) => outcome.run.finished).filter((test) =>
    RED.has(test.outcome) && !different.has(test.id)
  );
  return [
    ...new Map(red.map((test) => [test.id, { id: test.id, message: test.failure?.message ?? "" }]))
      .values(),
  ];
}
