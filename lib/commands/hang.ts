import { capturesOutput, logLevelOf } from "../core/run_command.ts";
import { parsePid } from "../core/leaks_options.ts";
import { descendantsOf } from "../core/leaks_judge.ts";
import { hangDocument } from "../core/hang.ts";
import type { HangReport } from "../core/hang_types.ts";
import { UsageError } from "../errors.ts";
import type { Context } from "../context.ts";
import { examineHang } from "../hang/hang.ts";
import { findLiveRuns, knownRun } from "../hang/live_runs.ts";
import { listProcesses } from "../programs/ps.ts";
import { findProject, type Project } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { showHang } from "../ui/hang.ts";

/** `tractest hang`: what a stuck tree waits for, with proof where there is one. */
export async function hang(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  if (line.operands.length > 1) throw new UsageError(`"hang" looks at one tree, not at ${line.operands.length}`, "tractest hang PID");
  const pid = line.operands[0] === undefined ? null : parsePid(line.operands[0], host.pid);
  const project = await findProject(host);
  const found = pid === null ? await findLiveRuns(host, project) : { pids: [pid], unknowns: [] };
  const reports: HangReport[] = [];
  for (const root of found.pids) reports.push(await examine(context, project, root));
  for (const unknown of found.unknowns) printer.warn(unknown);
  if (pid !== null && reports[0]?.processes.length === 0) throw new UsageError(`There is no process ${pid}, or it can't be read`, "tractest hang");
  const [first, ...others] = reports;
  if (printer.json) printer.document("tractest.hang/1", { ...hangDocument(first ?? null), others: others.map(hangDocument) });
  for (const report of reports) showHang(printer, report);
  if (first === undefined) printer.line("no pytest of this repo is running: nothing to look at");
  return EXIT.ok;
}

async function examine({ host, line }: Context, project: Project, root: number): Promise<HangReport> {
  const forest = new Map((await listProcesses(host)).processes.map((row) => [row.pid, row]));
  const run = await knownRun(host, project.root, root, descendantsOf(root, forest));
  const readStacks = line.has("stacks") ? (await import("../hang/stacks.ts")).readStacks : null;
  return await examineHang(host, {
    root,
    also: run.also,
    registries: project.configuration.registries,
    checkout: project.root,
    running: run.running,
    captured: run.command === null ? null : capturesOutput(run.command),
    logLevel: run.command === null ? null : logLevelOf(run.command),
    readStacks: readStacks && ((scene) => readStacks(host, project.root, scene)),
  });
}
