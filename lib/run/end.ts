import type { RunFindings } from "./run_findings.ts";
import { plural } from "../base/plural.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import { findCascades } from "../pytest/cascade.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { nextCommand, notFound, pluginHints } from "./next_command.ts";
import { collisionText } from "../pytest/collision.ts";
import { noteHang } from "../hang/show.ts";
import { showLeaksLeft, showVerdict } from "./show.ts";
import { installFor } from "../project/install_commands.ts";
import type { Context } from "../command_line/context.ts";
import { describeBalance } from "./parallel.ts";
import { runDocument } from "./run_document.ts";
import { RUN_SCHEMA } from "./run_request.ts";
import { PYTEST_EXIT } from "../tables/exit_codes.ts";
import { strainText } from "../base/strain.ts";
import { shownId, unbroken } from "../terminal/wrap.ts";
import { seeOutput } from "./verdict_facts.ts";

/** Shows how a run ended, and prints its JSON document if requested. */
export async function showFindings(
  context: Context<SharedOptions>,
  findings: RunFindings,
): Promise<void> {
  await showEnd(context, findings);
  const { printer } = context;
  if (!printer.json) return;
  const { ending } = findings.verdict;
  // The document may go into a file that few read.
  if (ending !== null) printer.note(escapeText(ending));
  printer.document(RUN_SCHEMA, runDocument(findings));
}

/** Shows hangs, the verdict, hints for the next run, leaks, then overload. */
async function showEnd(
  { host, printer, line }: Context<SharedOptions>,
  findings: RunFindings,
): Promise<void> {
  const { verdict, command, prepared, outcome, failures, leaks, strain, tries } = findings;
  const { stream, balance, agentLimit, profile } = findings;
  const { run, hang } = outcome;
  const tests = [...run.tests.values()];
  if (hang) noteHang(printer, hang, profile, agentLimit !== null && !printer.verbose);
  const { tptProto, spawnBackend } = line.options;
  const keep = [
    ...tptProto.map((transport) => `--tpt-proto=${transport}`),
    ...(spawnBackend === null ? [] : [`--spawn-backend=${spawnBackend}`]),
  ];
  const next = nextCommand({
    recorded: run.exitStatus !== null,
    failedIds: failures.map((failure) => failure.id),
    keep,
  });
  showVerdict(printer, stream, {
    run,
    verdict,
    seconds: outcome.seconds,
    failures,
    collision: collisionText(run.failures, run.finished.length, profile),
    portHolders: findings.portHolders,
    profile,
    tests,
    contended: new Set(tests.filter((test) => run.isContended(test)).map((test) => test.id)),
    leaked: run.leaked,
    cascades: findCascades(tests),
    tries,
    balance: balance && describeBalance(balance),
    next: next === null ? [] : [next],
    agentLimit,
  });
  const see = verdict.unexplained && seeOutput(findings, verdict.unexplained);
  if (see !== null) printer.hint(`its output: ${unbroken(see)}`);
  if (outcome.cut === "time-limit" && outcome.stoppedAt === null) {
    printer.hint(limitHint(run.finished.length, run.collected));
  }
  for (const { id, nearest } of notFound(command, run.offered)) {
    printer.note(escapeText(`there is no "${id}"; the nearest:`));
    for (const other of nearest) {
      printer.hint(shownId(shellCommand(["tractest", "run", ...keep, other])));
    }
  }
  if (verdict.pytestCode === PYTEST_EXIT.usage && !run.began) {
    const install = (plugin: string) => installFor(host, host.cwd, prepared.interpreter, [plugin]);
    for (const hint of await pluginHints(command, install)) printer.hint(hint);
  }
  // Leaks found outside are not from an isolated run.
  if (leaks !== null && prepared.isolation === null) {
    const named = [...tests.flatMap((test) => test.leaked), ...run.leaked];
    showLeaksLeft(printer, leaks, new Set(named.map(({ pid }) => pid)), profile);
  }
  const overloaded = strainText(strain, failures.length > 0 || outcome.cut !== null);
  if (overloaded !== null) printer.note(overloaded);
}

/** Says how far a run got within its time limit, and how to give it more time. */
function limitHint(done: number, collected: number | null): string {
  const tests = collected === null
    ? "no tests were collected yet"
    : `${done} of ${plural(collected, "test")} had finished`;
  return `${tests}; for more time: --timeout DURATION, 0 for no limit`;
}
