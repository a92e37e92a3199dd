import { verdictFacts } from "../run/verdict_facts.ts";
import type { Verdict } from "../pytest/run_exit_code.ts";
import { nearest } from "../base/nearest.ts";
import { join } from "@std/path";
import { newVenvCommand } from "../project/install_commands.ts";
import type { Host } from "../system/host.ts";
import type { Context } from "../command_line/context.ts";
import { pythonOf } from "../preflight/interpreter.ts";
import type { Project } from "../project/project.ts";
import { type Venv, venvName } from "../project/rules_venv.ts";
import { findVenvs } from "../project/venvs.ts";
import type { Outcome } from "../pytest/results.ts";
import { secondsOf } from "../run/after.ts";
import type { EngineOutcome } from "../run/engine/engine_outcome.ts";
import { knownBackends } from "../run/spawn_backends.ts";
import type { Interpreter } from "../system/programs/python.ts";
import { type Cell, cellName, type CellOutcomes } from "./rules.ts";

/** A cell before it runs. */
export type PlannedCell = PossibleCell | ImpossibleCell;

/** A cell with its place in the matrix. */
export interface NumberedCell {
  readonly cell: Cell;
  /** From 1. */
  readonly number: number;
  readonly name: string;
}

/** A cell that can run here. */
export interface PossibleCell extends NumberedCell {
  readonly interpreter: Interpreter;
  readonly impossible: null;
}

/** A cell that can't run here, with the reason and what would help. */
export interface ImpossibleCell extends NumberedCell {
  readonly interpreter: null;
  readonly impossible: { readonly reason: string; readonly fix: string | null };
}

/** How a cell ran. */
export interface CellRun extends PossibleCell {
  readonly runId: string;
  /** As a person would type it. */
  readonly command: readonly string[];
  readonly outcome: EngineOutcome;
  /** Its exit code, with the reasons. */
  readonly verdict: Verdict;
}

/** Decides which cells can run here. */
export async function planCells(
  { host }: Context,
  project: Project,
  interpreter: Interpreter,
  cells: readonly Cell[],
): Promise<PlannedCell[]> {
  const { ranked } = await findVenvs(host, project);
  const backendsOf = async (venv: string | null) =>
    (await knownBackends(host, project, venv))?.names ?? null;
  return await Promise.all(cells.map(async (cell, index): Promise<PlannedCell> => {
    const numbered = { cell, number: index + 1, name: cellName(cell) };
    const python = await pythonFor(host, cell, { project, interpreter, venvs: ranked });
    if ("reason" in python) return { ...numbered, interpreter: null, impossible: python };
    const backend = cell.get("spawn-backend");
    const known = backend === undefined ? null : await backendsOf(python.venv);
    if (backend === undefined || known === null || known.includes(backend)) {
      return { ...numbered, interpreter: python, impossible: null };
    }
    const names = nearest(backend, known).join(", ");
    const reason = `this checkout has no spawn backend "${backend}": it has ${names}`;
    return { ...numbered, interpreter: null, impossible: { reason, fix: null } };
  }));
}

/** The Python of a cell, or why there is none. */
async function pythonFor(
  host: Host,
  cell: Cell,
  { project, interpreter, venvs }: {
    readonly project: Project;
    readonly interpreter: Interpreter;
    readonly venvs: readonly Venv[];
  },
): Promise<Interpreter | ImpossibleCell["impossible"]> {
  const version = cell.get("python");
  if (version === undefined) return interpreter;
  const minor = version.replace(".", "");
  const venv = venvs.find((one) => one.minor === minor);
  if (venv !== undefined) return pythonOf(venv);
  const name = venvName(project.configuration.venv, minor);
  return {
    reason: `no virtual environment "${name}"`,
    fix: await newVenvCommand(host, project.root, { path: join(project.root, name), minor }),
  };
}

/** How the tests of a cell ended. */
export function outcomesOf({ cell, outcome }: CellRun): CellOutcomes {
  const { run, cut, stoppedAt, verdict: { code } } = outcome;
  const outcomes = new Map<string, Outcome | null>();
  for (const test of run.tests.values()) {
    if (test.attempts.length > 0) outcomes.set(test.id, test.finished ? test.outcome : null);
  }
  for (const { id } of run.collectionErrors) outcomes.set(id, "error");
  const complete = cut === null && stoppedAt === null && run.exitStatus !== null && code <= 1;
  return { cell, outcomes, complete };
}

/** A cell in the JSON document; `ran` is null if it did not run. */
export function describeCell(
  { cell, impossible }: PlannedCell,
  ran: CellRun | null,
): Readonly<Record<string, unknown>> {
  const run = ran?.outcome.run ?? null;
  const leaking = [...run?.tests.values() ?? []].filter(({ leaked }) => leaked.length > 0);
  return {
    cell: Object.fromEntries(cell),
    impossible,
    runId: ran?.runId ?? null,
    command: ran?.command ?? null,
    exitCode: null,
    pytestExitCode: null,
    ending: null,
    reasons: [],
    ...(ran ? verdictFacts(ran.verdict) : {}),
    seconds: ran && secondsOf(ran.outcome),
    counts: run?.began ? run.counts : null,
    failures: run?.failures.map(({ id, phase, message }) => ({ id, phase, message })) ?? [],
    leftBehind: leaking.map(({ id, leaked }) => ({ id, processes: leaked })),
  };
}
