import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { HangReport } from "../pytest/hang_event.ts";
import { Forest } from "../processes/forest.ts";
import { parseCommandLine } from "../command_line/parse.ts";
import { hangDocument } from "./hang_report.ts";
import {
  type Confirmation,
  confirmWords,
  decideConfirmation,
  type HungTest,
  type Rerun,
} from "./rules_confirm.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { DEFAULT_CONFIGURATION } from "../project/configuration.ts";
import { withConfirmation } from "./rules_capture.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import type { Context } from "../command_line/context.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Host } from "../system/host.ts";
import { examineHang } from "./examine.ts";
import { findLiveRuns, type RunOfProcess, runOfProcess } from "./live_runs.ts";
import { endTree, treeOf } from "../processes/kill_ladder.ts";
import { listProcesses, type ProcessList } from "../system/programs/ps.ts";
import { findProject, type Project } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";
import { showHang, showSignature } from "./show.ts";
import { CapturingPrinter } from "../terminal/capturing_printer.ts";
import { unbroken } from "../terminal/wrap.ts";

/** The options of `hang`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  confirm: {
    kind: "flag",
    doc: "rerun the hanging test with -s to see whether capture is the cause; " +
      "a run that still hangs is ended first, after asking",
  },
  stacks: {
    kind: "flag",
    doc: "add Python stacks by py-spy (in the venv or on PATH), where the system permits it",
  },
} as const satisfies OptionTable;

/** Their values. */
export type HangOptions = OptionsOf<typeof OPTIONS>;

/** A tree that was examined, and what is known of its run. */
interface Examined {
  readonly report: HangReport;
  readonly run: RunOfProcess;
}

/**
 * `tractest hang`: what a stuck tree waits for, with proof where there is one; with `--confirm`
 * whether capture is the cause.
 */
export async function hang(context: Context<HangOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  if (line.operands.length > 1) {
    throw new UsageError(`"hang" takes one PID, not ${line.operands.length}`, "tractest hang PID");
  }
  const pid = line.operands[0] === undefined ? null : pidOf(line.operands[0]);
  // A tree given by its pid can be anywhere.
  const project = await projectHere(host);
  const profile = profileOf(project);
  const list = await listProcesses(host);
  const found = pid === null
    ? await findLiveRuns(host, project ?? await findProject(host), list)
    : { pids: [pid], unknowns: [] };
  const examined: Examined[] = [];
  for (const root of found.pids) examined.push(await examine(context, project, root, list));
  const reports = examined.map(({ report }) => report);
  for (const unknown of found.unknowns) printer.warn(escapeText(unknown));
  if (pid !== null && reports[0]?.processes.length === 0) {
    throw new UsageError(`Process ${pid} does not exist or can't be read`, "tractest hang");
  }
  const isConfirming = line.options.confirm;
  // One point of the signature is what --confirm decides: it is shown after that.
  for (const report of printer.json && !printer.keepsLines ? [] : reports) {
    showHang(printer, isConfirming ? { ...report, signature: [] } : report, profile);
  }
  if (reports.length === 0) printer.line("no pytest of this repo is running");
  const [first = null, ...rest] = reports;
  const others = rest.map(hangDocument);
  if (!isConfirming) {
    if (printer.json) printer.document("tractest.hang/1", { ...hangDocument(first), others });
    return EXIT.ok;
  }
  const here = project ?? await findProject(host);
  const { confirmation: confirm, exitCode } = await confirmHang(context, here, examined[0] ?? null);
  const signature = first && withConfirmation(first.signature, confirm);
  const confirmed = first && signature && { ...first, signature };
  if (printer.json) {
    printer.document("tractest.hang/1", { ...hangDocument(confirmed), confirm, others });
  } else if (confirmed) showSignature(printer, confirmed, profile);
  return exitCode;
}

/** The project here; null outside of any. */
async function projectHere(host: Host): Promise<Project | null> {
  try {
    return await findProject(host);
  } catch (error) {
    if (error instanceof PreflightError && error.code === "no-project") return null;
    throw error;
  }
}

function profileOf(project: Project | null): Profile {
  return project?.profile ?? "plain";
}

/** Any process will do: examining changes nothing. */
function pidOf(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new UsageError(`"${text}" is not a PID`, "tractest hang PID takes a number, as in ps");
  }
  return Number(text);
}

async function examine(
  { host, line }: Context<HangOptions>,
  project: Project | null,
  root: number,
  list: ProcessList,
): Promise<Examined> {
  const forest = new Forest(list.processes);
  const checkout = project?.root ?? null;
  const [above, below] = [forest.ancestorsOf(root), forest.descendantsOf(root)];
  const run = await runOfProcess(host, checkout, root, above, below);
  const { stacks, confirm } = line.options;
  const readStacks = stacks ? (await import("./stacks.ts")).readStacks : null;
  const report = await examineHang(host, {
    ...run,
    root,
    processes: list,
    profile: profileOf(project),
    registries: (project?.configuration ?? DEFAULT_CONFIGURATION).registries,
    checkout,
    asked: { stacks, confirm },
    readStacks: readStacks && ((scene) => readStacks(host, checkout, scene)),
  });
  return { report, run };
}

/**
 * Runs the test that hangs, or hung last, again with `-s`. A run that still hangs is ended first:
 * the two would collide.
 */
async function confirmHang(
  context: Context<HangOptions>,
  project: Project,
  live: Examined | null,
): Promise<{ confirmation: Confirmation; exitCode: ExitCode }> {
  const { host, printer, line } = context;
  const hung = live === null
    ? await (await import("./last_hang.ts")).lastHungTest(host, project)
    : hungTestOf(live);
  if (hung === null) {
    throw new TractestError(
      "no-test",
      "The hanging test is not known",
      EXIT.preflight,
      "run it yourself without capture: tractest run -s TEST",
    );
  }
  if (live !== null && !await endLive(context, live.report, hung)) {
    const reason = "the hanging run was not ended";
    return { confirmation: { ...decideConfirmation(hung, null), reason }, exitCode: EXIT.ok };
  }
  const words = confirmWords(hung);
  printer.note(unbroken(shellCommand(["tractest", "run", ...words])));
  const { verbose, color } = printer;
  const quiet = new CapturingPrinter(host, { verbose, color });
  const { VERB: RUN } = await import("../run/command.ts");
  const code = await RUN.run({
    ...context,
    printer: quiet,
    line: parseCommandLine(RUN, [...(line.options.yes ? ["--yes"] : []), ...words]),
  });
  const rerun = quiet.body as unknown as Rerun | null;
  const confirmation = decideConfirmation(hung, rerun);
  const { confirmed, reason } = confirmation;
  const word = confirmed === null ? "not decided" : confirmed ? "confirmed" : "not confirmed";
  printer.line(`${word}: ${escapeText(hung.id)}: ${reason}`);
  // Without a run there is no answer.
  return { confirmation, exitCode: rerun?.counts == null ? code : EXIT.ok };
}

function hungTestOf({ report, run }: Examined): HungTest | null {
  const test = report.running?.[0];
  if (test === undefined) return null;
  const root = report.processes.find(({ pid }) => pid === report.root);
  const seconds = test.seconds ?? root?.asleepSeconds ?? null;
  return { id: test.id, seconds, command: run.command };
}

/** Ends the run that hangs, after asking; false if not wanted. */
async function endLive(
  { host, printer, line }: Context<HangOptions>,
  { root }: HangReport,
  { id }: HungTest,
): Promise<boolean> {
  const tree = await treeOf(host, root);
  const members = `pid ${root} and ${tree.length - 1} below it`;
  const question = `End the hanging run (${members}) and rerun ${escapeText(id)} with -s?`;
  const { CannotAskError, confirm } = await import("../terminal/prompt.ts");
  try {
    if (!await confirm(host, printer, question, { yes: line.options.yes })) return false;
  } catch (error) {
    if (!(error instanceof CannotAskError)) throw error;
    const hint = "--yes agrees; or end that run yourself and try again: its records are kept";
    throw new TractestError(error.code, error.message, error.exitCode, hint);
  }
  const { survivors } = await endTree(host, printer, tree, { graceSeconds: GRACE_SECONDS });
  if (survivors) {
    const message = `Could not end the hanging run, pid ${root}`;
    throw new TractestError("survived", message, EXIT.preflight, "tractest zombies --kill");
  }
  return true;
}

/** `tractest hang`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "hang",
  group: "understand",
  summary: "why a process tree is stuck, with evidence",
  usage: "tractest hang [PID] [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest hang", "the running pytests of this repo"],
    ["tractest hang 4711", "that process and all below it"],
    ["tractest hang --confirm", "rerun the test that hangs, or hung last, with -s, and decide"],
  ],
  exits: [0, 80, 81],
  row: ({ options }) => options.confirm ? "run" : options.stacks ? "hang --stacks" : "hang",
  run: hang,
};
