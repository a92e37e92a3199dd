import type { RunOptions } from "../command_line/options.ts";
import { asTyped } from "../base/typed_command.ts";
import { join } from "@std/path";
import { type Cell, cellName, type CellOutcomes, cellWords } from "./rules.ts";
import { type Outcome, RED } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { venvName } from "../project/rules_venv.ts";
import { nearest } from "../base/nearest.ts";
import type { Context } from "../command_line/context.ts";
import { recordRun } from "../history/record.ts";
import { pythonOf } from "../preflight/interpreter.ts";
import { findVenvs } from "../project/venvs.ts";
import type { Project } from "../project/project.ts";
import { type Interpreter, runThroughEnv } from "../system/programs/python.ts";
import { endingOf, exitCodeAfter, leaksAfter } from "../run/after.ts";
import type { EngineOutcome } from "../run/engine/engine_outcome.ts";
import type { OutputMode, RunPlan, SessionKind } from "../run/engine/engine_request.ts";
import { EventLog, type EventSink } from "../run/event_log.ts";
import { writeLastFailed } from "../pytest/write_lastfailed.ts";
import type { LaunchRequest, Prepared } from "../run/prepared.ts";
import { knownBackends } from "../run/spawn_backends.ts";
import { endLeftBehind } from "../run/tidy.ts";

/** A cell before it runs. */
export interface PlannedCell {
  readonly cell: Cell;
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** Null where it is impossible. */
  readonly interpreter: Interpreter | null;
  /** Why it is impossible, and what would help; null where it is not. */
  readonly impossible: { readonly reason: string; readonly fix: string | null } | null;
}

/** A cell that has run. */
export interface CellRun extends PlannedCell {
  readonly runId: string;
  readonly command: readonly string[];
  readonly outcome: EngineOutcome;
  readonly exitCode: number;
  readonly ending: string | null;
}

/** Which cells can run here, and why the others can't. */
export async function planCells(
  { host }: Context,
  project: Project,
  interpreter: Interpreter,
  cells: readonly Cell[],
): Promise<PlannedCell[]> {
  const { ranked } = await findVenvs(host, project, null);
  return await Promise.all(cells.map(async (cell, index) => {
    const base = { cell, number: index + 1, name: cellName(cell) };
    const wanted = cell.get("python")?.replace(".", "");
    const venv = ranked.find((one) => one.minor === wanted);
    if (wanted !== undefined && venv === undefined) {
      const name = venvName(project.configuration.venv, wanted);
      const fix = `UV_PROJECT_ENVIRONMENT=${name} uv sync --python ${cell.get("python")}`;
      return {
        ...base,
        interpreter: null,
        impossible: { reason: `there is no venv "${name}"`, fix },
      };
    }
    const python = venv === undefined ? interpreter : pythonOf(venv);
    const backend = cell.get("spawn-backend");
    const known = backend === undefined
      ? null
      : (await knownBackends(host, project, python.venv))?.names ?? null;
    if (backend !== undefined && known !== null && !known.includes(backend)) {
      const reason = `this checkout has no spawn backend "${backend}": it has ${
        nearest(backend, known).join(", ")
      }`;
      return { ...base, interpreter: null, impossible: { reason, fix: null } };
    }
    return { ...base, interpreter: python, impossible: null };
  }));
}

/** How each cell is launched. */
export interface CellLaunch extends Pick<LaunchRequest, "limits" | "policy"> {
  readonly extraWords: LaunchRequest["sessions"]["extraWords"];
  readonly order: RunPlan["order"];
}

/** What the cells of a matrix have in common. */
export interface MatrixRequest {
  readonly context: Context<RunOptions>;
  readonly project: Project;
  readonly prepared: Prepared;
  /** How many cells run at once. */
  readonly jobs: number;
  readonly launch: CellLaunch;
  /** The command of one of a cell's pytests. */
  readonly command: (
    python: readonly string[],
    words: readonly string[],
    kind: SessionKind,
  ) => string[];
  readonly output: OutputMode;
  readonly strict: boolean;
  /** Gets the events of all cells, each line with the name of its cell. */
  readonly sink: EventSink | null;
  readonly onBegin: (cell: PlannedCell) => void;
  readonly onEnd: (run: CellRun) => void;
}

/**
 * Runs the possible cells, so many at once; what was interrupted keeps the others from beginning.
 * In the order of the cells.
 */
export async function runCells(
  request: MatrixRequest,
  planned: readonly PlannedCell[],
): Promise<CellRun[]> {
  const { context: { host, printer }, project, jobs } = request;
  const queue = planned.filter((cell) => cell.impossible === null);
  const runs: CellRun[] = [];
  const lane = async () => {
    for (
      let next = queue.shift();
      next !== undefined && !runs.some(isInterrupted);
      next = queue.shift()
    ) {
      request.onBegin(next);
      const run = await runCell(request, next);
      runs.push(run);
      request.onEnd(run);
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  runs.sort((a, b) => a.number - b.number);
  await recordFailed(request, runs);
  for (const { outcome } of runs) await recordRun(host, printer, project, outcome.run);
  return runs;
}

function isInterrupted({ outcome: { cut } }: CellRun): boolean {
  return cut !== null && cut !== "time-limit";
}

async function runCell(request: MatrixRequest, planned: PlannedCell): Promise<CellRun> {
  const { context: { host, printer }, project, prepared, strict } = request;
  const { state, facts } = prepared;
  const { extraWords, order, limits, policy } = request.launch;
  const python = planned.interpreter!;
  const directory = join(state.directory, `cell-${planned.number}`);
  await host.files.makeDirectory(directory);
  const log = await EventLog.open(host, directory, namedSink(request.sink, planned.name));
  const words = cellWords(planned.cell);
  const command = asTyped(
    request.command(python.argv, words, { purpose: "tests", tests: null }),
    project.root,
  );
  const runId = `${state.runId}-${planned.number}`;
  await log.append({
    event: "run-start",
    runId,
    root: project.root,
    command,
    pid: host.pid,
    ...facts,
    transport: planned.cell.get("tpt-proto") ?? facts.transport,
    backend: planned.cell.get("spawn-backend") ?? facts.backend,
    python: planned.cell.has("python") ? await versionOf(request, python) : facts.python,
    cell: Object.fromEntries(planned.cell),
  });
  const outcome = await prepared.launch(log, directory, {
    sessions: {
      prefix: `cell${planned.number}-`,
      command: (kind) => request.command(python.argv, words, kind),
      extraWords,
      output: request.output,
    },
    plan: { jobs: 1, order, runsAlone: () => false },
    limits,
    policy,
  }, { python });
  const isolated = prepared.isolation !== null;
  const leaks = isolated ? null : await leaksAfter(host, project, outcome);
  // The next cell is to find what this one found.
  if (!isolated) await endLeftBehind(host, printer, project, state, outcome.run);
  const exitCode = exitCodeAfter(outcome, leaks, strict);
  const ending = endingOf(outcome, limits.run);
  await log.append({
    event: "run-finish",
    exitCode,
    ending,
    seconds: Math.round(outcome.seconds * 1000) / 1000,
  });
  await log.drain();
  return { ...planned, runId, command, outcome, exitCode, ending };
}

async function versionOf(
  { context: { host }, project, prepared }: MatrixRequest,
  python: Interpreter,
): Promise<string | null> {
  const { inherited } = prepared.preflight;
  const { code, stdout } = await runThroughEnv(host, [python.argv[0]!, "--version"], {
    cwd: project.root,
    why: "which Python it is",
    inherited,
  });
  return code === 0 ? /Python (\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? null : null;
}

/** Sessions of different cells may have begun at once: each line says whose it is. */
function namedSink(sink: EventSink | null, cell: string): EventSink | null {
  return sink &&
    ((lines) => sink(lines.map((line) => JSON.stringify({ ...JSON.parse(line), cell }))));
}

/** For plain `pytest --lf`: what failed in any of the cells. */
async function recordFailed(
  { context: { host } }: MatrixRequest,
  runs: readonly CellRun[],
): Promise<void> {
  const cache = runs.map(({ outcome }) => outcome.run.cache).find((one) => one !== null) ?? null;
  const tests = runs.flatMap(({ outcome }) => outcome.run.finished);
  const red = tests.filter((test) => RED.has(test.outcome));
  await writeLastFailed(host, cache, {
    // What failed in one of them comes last, and stays.
    finished: [...tests, ...red],
    collectionErrors: runs.flatMap(({ outcome }) => outcome.run.collectionErrors),
  });
}

/** How the tests of a cell ended. */
export function outcomesOf({ cell, outcome }: CellRun): CellOutcomes {
  const outcomes = new Map<string, Outcome | null>();
  for (const test of testsOf(outcome.run)) {
    outcomes.set(test.id, test.finished ? test.outcome : null);
  }
  for (const { id } of outcome.run.collectionErrors) outcomes.set(id, "error");
  const complete = outcome.cut === null && outcome.stoppedAt === null &&
    outcome.run.exitStatus !== null && outcome.code <= 1;
  return { cell, outcomes, complete };
}

function testsOf(results: RunModel) {
  return [...results.tests.values()].filter((test) => test.attempts.length > 0);
}
