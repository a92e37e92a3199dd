import { escapeText } from "../../core/escape.ts";
import type { ProcessIdentity } from "../../core/leaks_types.ts";
import type { Interpreter, PreflightResult } from "../../core/preflight.ts";
import { describeLock, type LockRecord } from "../../core/run_lock.ts";
import { PreflightError } from "../../errors.ts";
import { EXIT } from "../../tables/exit_codes.ts";
import { canAsk, confirm } from "../../ui/prompt.ts";
import { pythonOf } from "../checks/interpreter.ts";
import { findVenvs } from "../checks/venvs.ts";
import type { Context } from "../context.ts";
import { endLeaks, findLeaks } from "../leaks.ts";
import { endTree, treeOf } from "../process_tree.ts";
import type { Project } from "../project.ts";

/** What {@linkcode readyToRun} is told besides the command line. */
export interface ReadyOptions {
  /** What an earlier run of this project left when it was killed. */
  readonly left: { readonly record: LockRecord; readonly child: ProcessIdentity } | null;
  /** Seconds between SIGINT and SIGKILL of a clean-up. */
  readonly grace: number;
  readonly debugging: boolean;
}

/** Makes everything ready for pytest, or says what stands in the way. Leaks are cleaned up with the consent of the user only. */
export async function readyToRun(context: Context, project: Project, options: ReadyOptions): Promise<PreflightResult> {
  if (options.left) await endLeftover(context, options.left, options.grace);
  if (context.line.has("no-preflight")) return { checks: [], exitCode: 0, interpreter: await quickInterpreter(context, project) };
  return { checks: [], exitCode: 0, interpreter: await quickInterpreter(context, project) };
}

async function endLeftover({ host, printer, line }: Context, left: NonNullable<ReadyOptions["left"]>, grace: number): Promise<void> {
  const what = `${describeLock(left.record, host.now())} was killed, and its pytest (pid ${left.child.pid}) still runs`;
  const clean = line.has("clean") ||
    (canAsk(host, printer) && (printer.note(escapeText(what)), await confirm(host, printer, "End it?", { yes: line.has("yes") })));
  if (!clean) throw new PreflightError("run-left-over", what, "end it and what it started: tractest run --clean …");
  printer.note(escapeText(`${what}; ending it`));
  const ended = await endTree(host, printer, await treeOf(host, left.child.pid), { graceSeconds: grace });
  if (ended.survivors) throw new PreflightError("run-left-over", "It could not be ended", ended.refused[0]?.reason);
}

/** The Python to use as far as it can be told without running anything. */
export async function quickInterpreter({ host }: Context, project: Project): Promise<Interpreter> {
  const venvs = await findVenvs(host, project, null);
  const [best] = venvs.ranked;
  return best ? pythonOf(best) : { argv: ["python"], environment: {}, venv: null, minor: null };
}
