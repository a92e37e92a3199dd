import type { CommandLine } from "../command_line/parse.ts";
import { escapeText, shellWord } from "../base/escape.ts";
import type { RunEnd } from "./rules_run_file.ts";
import { countsLine } from "../pytest/verdict.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { envCommand, inheritedEnvironment } from "../system/programs/env.ts";
import { hasDesktop, notifySend } from "../system/programs/notify_send.ts";
import { osascriptNotify } from "../system/programs/osascript.ts";
import type { Printer } from "../terminal/printer.ts";

/** A run that has ended, as it is announced. */
export interface EndedRun extends RunEnd {
  readonly runId: string;
  readonly root: string;
  readonly command: string;
}

/** Milliseconds that the user's command may take. */
const COMMAND_MS = 10_000;

/** Announces the end of a run as was asked for. What does not work is said, and changes nothing. */
export async function announced(
  host: Host,
  printer: Printer,
  line: CommandLine,
  run: EndedRun,
): Promise<void> {
  try {
    await announce(host, printer, line, run);
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
    printer.warn(`the end of the run could not be announced: ${escapeText(error.message)}`);
  }
}

async function announce(
  host: Host,
  printer: Printer,
  line: CommandLine,
  run: EndedRun,
): Promise<void> {
  const command = line.value("notify-command");
  if (!line.has("notify") && command === undefined) return;
  if (host.terminal.stderr.isTerminal) host.terminal.stderr.write("\x07");
  const inherited = await inheritedEnvironment(host);
  const summary = summaryOf(run);
  if (line.has("notify")) {
    const title = `tractest: ${summary}`;
    const body = escapeText(`${run.command} in ${run.root}`);
    const shown = host.platform === "darwin"
      ? await osascriptNotify(host, title, body)
      : await hasDesktop(host, inherited) && await notifySend(host, inherited, title, body);
    if (!shown && !host.terminal.stderr.isTerminal && command === undefined) {
      printer.warn("the end of the run could not be announced on a desktop");
    }
  }
  if (command === undefined) return;
  const { args, env } = envCommand({
    inherited,
    set: {
      TRACTEST_RUN_ID: run.runId,
      TRACTEST_EXIT_CODE: String(run.exitCode),
      TRACTEST_SUMMARY: summary,
    },
    argv: ["/bin/sh", "-c", command],
  });
  const { outcome, code } = await host.programs.run("env", args, {
    why: "announce the end of the run",
    cwd: run.root,
    env,
    exactEnv: true,
    timeoutMs: COMMAND_MS,
  });
  if (outcome === "timed-out") {
    printer.warn(
      `--notify-command ${escapeText(shellWord(command))} took longer than ${
        COMMAND_MS / 1000
      } s and was ended`,
    );
  } else if (code !== 0) {
    printer.warn(
      `--notify-command ${escapeText(shellWord(command))} failed with exit code ${code}`,
    );
  }
}

/** What a run has to say for itself in one line: `1 failed, 20 passed in 34 s`. */
export function summaryOf(
  { exitCode, ending, counts, seconds }: Pick<
    EndedRun,
    "exitCode" | "ending" | "counts" | "seconds"
  >,
): string {
  const what = [
    ...(ending === null ? [] : [escapeText(ending)]),
    ...(counts === null ? [] : [countsLine(counts)]),
  ].join(": ");
  return `${what === "" ? `exit code ${exitCode}` : what} in ${Math.round(seconds)} s`;
}

/**
 * Warns of an announcement that nobody would get: without a desktop and without a terminal there is
 * only a command of the user's own.
 */
export async function warnIfUnheard(
  host: Host,
  printer: Printer,
  line: CommandLine,
  inherited: ReadonlyMap<string, string>,
): Promise<void> {
  if (
    !line.has("notify") || line.has("notify-command") || host.platform === "darwin" ||
    await hasDesktop(host, inherited)
  ) return;
  printer.warn(
    "--notify has no desktop here that it could notify (notify-send, package libnotify-bin, and a session)",
  );
  printer.hint(
    "--notify-command 'COMMAND' runs one of yours at the end, such as: tmux display-message \"$TRACTEST_SUMMARY\"",
  );
}
