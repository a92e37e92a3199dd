import type { Context } from "../command_line/context.ts";
import { endLeaks } from "../leaks/end_leaks.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import { isCleanable } from "../leaks/rules_report.ts";
import type { Project } from "../project/project.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import { checksOf } from "./check_ids.ts";
import { leakChecks, leakChecksOfRun } from "./leak_checks.ts";
import type { PreflightOptions } from "./preflight_options.ts";
import { type CheckResult, checkResult } from "./rules.ts";
import type { ShownChecks } from "./shown_checks.ts";

/**
 * Shows what earlier runs left behind, and cleans it up if that is requested or agreed to. Returns
 * what is there in the end.
 */
export async function checkLeaks(
  context: Context,
  project: Project,
  options: PreflightOptions,
  shown: ShownChecks,
  report: LeakReport,
): Promise<LeakReport> {
  const ids = checksOf(project);
  const rowsOf = (report: LeakReport) =>
    options.diagnosis ? leakChecks(report, ids) : leakChecksOfRun(report, ids);
  const rows = rowsOf(report);
  if (options.isolated && !options.clean) {
    for (const row of rows) shown.show(asOfIsolated(row, project));
    return report;
  }
  const cleanable = isCleanable(report);
  const stops = rows.some((row) => row.status === "fail") && report.clean === false &&
    !isHeldRightly(report);
  if (!cleanable || (!stops && !options.clean)) {
    for (const row of rows) shown.show(row);
    if (stops && options.clean && options.show) {
      context.printer.note("--clean: none of these was left by a run of this project");
    }
    return report;
  }
  const wrong = rows.filter(isWrong);
  for (const row of rows) isWrong(row) ? shown.print(row) : shown.show(row);
  if (!await agreesToCleanUp(context, options, shown)) {
    for (const row of wrong) shown.add(row);
    return report;
  }
  const how = { graceSeconds: options.graceSeconds ?? GRACE_SECONDS, dryRun: false };
  const { after } = await endLeaks(context.host, context.printer, project, report, how);
  showCleaned(context, options, shown, wrong, rowsOf(after));
  return after;
}

function isWrong({ status }: CheckResult): boolean {
  return status === "fail" || status === "warn";
}

/** An isolated run is not affected by what would stop another. */
function asOfIsolated(row: CheckResult, { configuration }: Project): CheckResult {
  if (row.status !== "fail") return row;
  const own = configuration.registries.length > 0
    ? "a registry and sockets of its own"
    : "ports and sockets of its own";
  return checkResult(row.id, "warn", `${row.detail}\ndoes not affect this run, which has ${own}`);
}

async function agreesToCleanUp(
  { host, printer }: Context,
  { ask, clean, yes }: PreflightOptions,
  shown: ShownChecks,
): Promise<boolean> {
  if (clean) return true;
  if (!ask || !(yes || canAsk(host, printer))) return false;
  shown.clear();
  const question = "Clean up what earlier runs left behind (tractest zombies --kill)?";
  return await shown.asking(() => confirm(host, printer, question, { yes }));
}

/** Shows the checks that a clean-up changed; the others have been shown already. */
function showCleaned(
  { printer }: Context,
  options: PreflightOptions,
  shown: ShownChecks,
  before: readonly CheckResult[],
  after: readonly CheckResult[],
): void {
  for (const row of before) {
    const now = after.find((one) => one.id === row.id)!;
    if (now.status !== row.status || now.detail !== row.detail) shown.show(now);
    else {
      shown.add(now);
      if (options.show) printer.note(`${now.id}: the clean-up did not change this`);
    }
  }
}

/** Whether the only problem is a live run of this project that holds the registry. */
function isHeldRightly({ registries, liveRun, actors, sockets }: LeakReport): boolean {
  const leaked = actors.some((actor) => actor.verdict === "leaked") ||
    sockets.some((socket) => socket.verdict === "stale");
  return !leaked && liveRun !== null && registries.some((registry) => registry.bound === true);
}
