import { relative } from "@std/path";
import { type KnownRun, knownRuns } from "../background/known_runs.ts";
import { isUnderWay } from "../background/rules_run_file.ts";
import { stateText } from "../background/show.ts";
import { escapeText } from "../base/escape.ts";
import { isInside } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import type { Context } from "../command_line/context.ts";
import { WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { TractestError } from "../errors.ts";
import { findLeaks } from "../leaks/gather.ts";
import { findProject, type Project } from "../project/project.ts";
import { dotted } from "../project/rules_venv.ts";
import { findVenvs } from "../project/venvs.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { definitions, textWidth } from "../terminal/wrap.ts";
import { type NextStep, nextSteps, type Overview } from "./rules.ts";

/** `tractest` alone: where you are, and what to type next. */
export async function overview({ host, printer }: Context): Promise<ExitCode> {
  const project = await findProject(host).catch((error) => {
    if (error instanceof TractestError && error.code === "no-project") return null;
    throw error;
  });
  const width = textWidth(host.terminal.stdout.columns);
  const show = (steps: readonly NextStep[]) => {
    printer.line("\nnext:");
    for (const line of definitions(steps, width)) printer.line(line);
  };
  if (project === null) {
    if (printer.json) {
      printer.document("tractest.overview/1", { root: null, next: NOWHERE.map(stepFacts) });
    }
    printer.line("no project here: no pytest configuration, no pyproject.toml, no tests");
    show(NOWHERE);
    return EXIT.ok;
  }
  const [runs, venv, leaks] = await Promise.all([
    runsOf(host, project),
    venvOf(host, project),
    leaksOf(host, project),
  ]);
  const facts: Overview = { root: project.root, name: project.name, venv, leaks, ...factsOf(runs) };
  const next = nextSteps(facts);
  if (printer.json) {
    printer.document("tractest.overview/1", { ...facts, next: next.map(stepFacts) });
    return EXIT.ok;
  }
  for (const line of definitions(rowsOf(facts, runs, host.clock.now()), width)) printer.line(line);
  show(next);
  return EXIT.ok;
}

function stepFacts([command, does]: NextStep): Readonly<Record<string, string>> {
  return { command, does };
}

const NOWHERE: readonly NextStep[] = [
  ["tractest -C DIR …", "work in the project at DIR"],
  ["tractest help", "all commands"],
];

async function runsOf(host: Host, { root }: Project): Promise<KnownRun[]> {
  return (await knownRuns(host)).filter(({ record }) => record.root === root);
}

async function venvOf(host: Host, project: Project): Promise<Overview["venv"]> {
  const [best] = (await findVenvs(host, project)).ranked;
  if (best === undefined) return null;
  const { root } = project;
  const path = isInside(best.path, root) ? relative(root, best.path) : best.path;
  return { path, minor: best.minor === "" ? null : dotted(best.minor) };
}

async function leaksOf(host: Host, project: Project): Promise<Overview["leaks"]> {
  try {
    const { clean, actors, sockets, registries, liveRun } = await findLeaks(host, project);
    if (clean === null) return null;
    return {
      processes: actors.filter(({ verdict }) => verdict === "leaked").length,
      sockets: sockets.filter(({ verdict }) => verdict === "stale").length,
      held: liveRun === null ? registries.filter(({ bound }) => bound).length : 0,
    };
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

function factsOf(runs: readonly KnownRun[]): Pick<Overview, "running" | "last"> {
  const last = runs.find(({ state }) => !isUnderWay(state));
  return {
    running: runs.filter(({ state }) => isUnderWay(state)).reverse()
      .map(({ record, state }) => ({ runId: record.runId, state })),
    last: last === undefined ? null : {
      runId: last.record.runId,
      exitCode: last.record.end?.exitCode ?? null,
      state: last.state,
    },
  };
}

function rowsOf(
  { root, name, venv, leaks, last }: Overview,
  runs: readonly KnownRun[],
  now: number,
): [string, string][] {
  const inWords = (run: KnownRun) => `${stateText(run, now)}  ${escapeText(run.record.command)}`;
  const running = runs.filter(({ state }) => isUnderWay(state)).map(inWords);
  const lastRun = runs.find(({ record }) => record.runId === last?.runId);
  const python = venv?.minor == null ? "" : ` (Python ${venv.minor})`;
  return [
    ["project", escapeText(name === null ? root : `${name}, ${root}`)],
    ["venv", venv === null ? "none found" : `${escapeText(venv.path)}${python}`],
    ["running", running.length === 0 ? "nothing" : running.join("; ")],
    ["last run", lastRun === undefined ? "none on record" : inWords(lastRun)],
    ["leaks", leaksText(leaks)],
  ];
}

function leaksText(leaks: Overview["leaks"]): string {
  if (leaks === null) return "unknown: tractest zombies says why";
  const parts = [
    ...(leaks.processes > 0 ? [plural(leaks.processes, "leaked process", "leaked processes")] : []),
    ...(leaks.sockets > 0 ? [plural(leaks.sockets, "stale socket")] : []),
    ...(leaks.held > 0 ? ["the registry is held"] : []),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** `tractest overview`, described. */
export const VERB: Verb<typeof WITH_JSON> = {
  name: "overview",
  group: "understand",
  summary: "where you are and what to type next; the same as tractest alone",
  usage: "tractest overview [OPTIONS]",
  options: WITH_JSON,
  examples: [["tractest", "project, venv, last run, leaks, and the next command"]],
  exits: [0],
  row: "overview",
  run: overview,
};
