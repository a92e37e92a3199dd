import { escapeText, shellWord } from "../base/escape.ts";
import { TractestError } from "../errors.ts";
import { countsLine } from "../pytest/counts.ts";
import type { Host } from "../system/host.ts";
import { envCommand, inheritedEnvironment } from "../system/programs/env.ts";
import { hasDesktop, notifySend } from "../system/programs/notify_send.ts";
import { osascriptNotify } from "../system/programs/osascript.ts";
import type { Printer } from "../terminal/printer.ts";
import type { RunEnd } from "./rules_run_file.ts";

/** A run that has ended, as it is announced. */
export interface EndedRun extends RunEnd {
  readonly runId: string;
  readonly root: string;
  readonly command: string;
}

/** How the end of a run is announced; only `run` has these options. */
export interface NotifyOptions {
  readonly notify?: boolean;
  readonly notifyCommand?: string | null;
}

/** Milliseconds that the user's command may take. */
const COMMAND_MS = 10_000;

/** Announces the end of a run by `--notify` and `--notify-command`; only warns if that fails. */
export async function announceEnd(
  host: Host,
  printer: Printer,
  options: NotifyOptions,
  run: EndedRun,
): Promise<void> {
  const { notify = false, notifyCommand: command = null } = options;
  if (!notify && command === null) return;
  try {
    if (host.terminal.stderr.isTerminal) host.terminal.stderr.write("\x07");
    const inherited = await inheritedEnvironment(host);
    if (notify) {
      const shown = await showOnDesktop(host, inherited, run);
      if (!shown && !host.terminal.stderr.isTerminal && command === null) {
        printer.warn("the end of the run could not be announced on a desktop");
      }
    }
    if (command !== null) await runCommand(host, printer, inherited, command, run);
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    printer.warn(`the end of the run could not be announced: ${escapeText(error.message)}`);
  }
}

/** The environment that programs of the user inherit. */
export type Inherited = ReadonlyMap<string, string>;

async function showOnDesktop(host: Host, inherited: Inherited, run: EndedRun): Promise<boolean> {
  const title = `tractest: ${endText(run)}`;
  const body = escapeText(`${run.command} in ${run.root}`);
  if (host.platform === "darwin") return await osascriptNotify(host, title, body);
  return await hasDesktop(host, inherited) && await notifySend(host, inherited, title, body);
}

async function runCommand(
  host: Host,
  printer: Printer,
  inherited: Inherited,
  command: string,
  run: EndedRun,
): Promise<void> {
  const set = {
    TRACTEST_RUN_ID: run.runId,
    TRACTEST_EXIT_CODE: String(run.exitCode),
    TRACTEST_SUMMARY: endText(run),
  };
  const { args, env } = envCommand({ inherited, set, argv: ["/bin/sh", "-c", command] });
  const { outcome, code } = await host.programs.run("env", args, {
    why: "announce the end of the run",
    cwd: run.root,
    env,
    exactEnv: true,
    timeoutMs: COMMAND_MS,
  });
  const name = `--notify-command ${escapeText(shellWord(command))}`;
  if (outcome === "timed-out") {
    printer.warn(`${name} took longer than ${COMMAND_MS / 1000} s and was ended`);
  } else if (code !== 0) printer.warn(`${name} failed with exit code ${code}`);
}

/** `1 failed, 20 passed in 34 s`. */
function endText(end: RunEnd): string {
  const result = resultText(end);
  return `${result === "" ? `exit code ${end.exitCode}` : result} in ${Math.round(end.seconds)} s`;
}

/** `interrupted: 1 failed, 20 passed`; empty if nothing is known. */
export function resultText({ ending, counts }: Pick<RunEnd, "ending" | "counts">): string {
  const parts = [ending && escapeText(ending), counts && countsLine(counts)];
  return parts.filter((part) => part !== null).join(": ");
}

/** Warns where `--notify` can reach neither a desktop nor a command of the user. */
export async function warnIfUnheard(
  host: Host,
  printer: Printer,
  options: NotifyOptions,
  inherited: Inherited,
): Promise<void> {
  if (!options.notify || options.notifyCommand != null || host.platform === "darwin") return;
  if (await hasDesktop(host, inherited)) return;
  printer.warn(
    "--notify has no desktop here: it needs notify-send (package libnotify-bin) and a session",
  );
  printer.hint(
    "--notify-command 'COMMAND' runs a command of yours at the end, such as: " +
      'tmux display-message "$TRACTEST_SUMMARY"',
  );
}
