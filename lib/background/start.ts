import { join } from "@std/path";
import type { Context } from "../command_line/context.ts";
import { wordsOf } from "../command_line/parse.ts";
import { shellCommand } from "../base/escape.ts";
import { optionNames } from "../command_line/run_words.ts";
import { readRunFile } from "./rules_run_file.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { envCommand, inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";
import { warnIfUnheard } from "./notify.ts";
import { readRefusal, REFUSAL_FILE } from "./run_file.ts";
import { removeDirectory } from "./prune.ts";
import { OUTPUT_FILE, RUN_FILE } from "./known_runs.ts";
import { reserveRun } from "./state.ts";

/**
 * What the words of a run that is to go on in the background leave out: it is what `--bg` makes of
 * them.
 */
const OURS = ["bg", "json", "directory"] as const;

/** What is refused together with `--bg`: each needs somebody who is there. */
export function refuseWithBackground({ line }: Context, debugging: boolean): void {
  if (debugging) {
    throw new UsageError(
      "A debugger needs a terminal, and a run in the background has none",
      "run it without --bg",
    );
  }
  if (line.value("events") === "-") {
    throw new UsageError(
      '"--events -" wants standard output, and a run in the background has none of yours',
      "write the events to a file",
    );
  }
}

/** Whether pytest's words say how much it is to print. */
export function isQuietOrVerbose(words: readonly string[]): boolean {
  const names = optionNames(words);
  return ["-q", "--quiet", "-v", "--verbose"].some((name) => names.has(name));
}

/**
 * Milliseconds between looks for the first record of a run that was started, and until it is given
 * up.
 */
const FIRST_RECORD_MS = { look: 10, limit: 60_000 } as const;

/**
 * Starts the same run again in a session of its own, and returns when it has begun: it has taken
 * the hold on the project, or waits for it. What keeps it from that is said here, with its exit
 * code.
 *
 * @param quiet pytest is to print less, unless the words say how much
 * @throws {UsageError} for a tractest that does not know its own file
 */
export async function startInBackground(
  { host, printer, line }: Context,
  quiet: boolean,
): Promise<ExitCode> {
  const { executable, kind } = host.build();
  if (executable === undefined) {
    throw new UsageError(
      `Cannot start a run in the background: this tractest (${kind}) does not know its own file`,
      "scripts/build makes one that does; call it by its path",
    );
  }
  const inherited = await inheritedEnvironment(host);
  await warnIfUnheard(host, printer, line, inherited);
  const { runId, directory } = await reserveRun(host);
  const output = join(directory, OUTPUT_FILE);
  await host.files.createFile(output, "");
  const words = [
    "run",
    ...(quiet ? ["-q"] : []),
    ...wordsOf(line, OURS, [`--background-run=${runId}`]),
  ];
  // Whoever waits for the end of a pipe that was inherited is not to wait for this run.
  const detach = 'output=$1; shift; exec "$@" >>"$output" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-';
  const { args, env } = envCommand({
    inherited,
    argv: ["/bin/sh", "-c", detach, "sh", output, executable, ...words],
    sigint: await sigintMethod(host) === "env" ? "env" : "as-inherited",
  });
  const child = host.programs.start("env", args, {
    why: "the run, in the background",
    cwd: host.cwd,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  });
  const seen = await firstRecord(host, directory, child.status);
  if (seen === "begun") return say({ host, printer }, { runId, pid: child.pid, output });
  if (seen === "silent") {
    throw new PreflightError(
      "background",
      `Run "${runId}" was started (pid ${child.pid}) and does not say that it has begun`,
      `what it printed: ${shellCommand(["cat", output])}`,
    );
  }
  const [refusal, printed] = [
    readRefusal(await host.files.readText(join(directory, REFUSAL_FILE))),
    await host.files.readFile(output),
  ];
  await removeDirectory(host, directory);
  if (refusal) throw refusal;
  host.terminal.stderr.write(printed ?? "");
  throw new TractestError(
    "background",
    `The run in the background ended with exit code ${seen} before it began`,
    seen === 0 ? EXIT.bug : seen,
  );
}

/** Waits for the first record of a run; the exit code of its process if that ended before. */
async function firstRecord(
  host: Host,
  directory: string,
  status: Promise<{ readonly code: number }>,
): Promise<"begun" | "silent" | ExitCode> {
  const gone = new AbortController();
  let code: ExitCode | null = null;
  void status.then((end) => {
    code = end.code;
    gone.abort();
  });
  for (
    const deadline = host.clock.monotonic() + FIRST_RECORD_MS.limit;
    host.clock.monotonic() < deadline;
  ) {
    // Whether it has ended is asked before the look: what it wrote last is seen then.
    const ended = code;
    if (readRunFile(await host.files.readText(join(directory, RUN_FILE))) !== null) return "begun";
    if (ended !== null) return ended;
    await host.clock.sleep(FIRST_RECORD_MS.look, gone.signal);
  }
  return "silent";
}

/** The id is data, all else is talk. */
function say(
  { host, printer }: Pick<Context, "host" | "printer">,
  { runId, pid, output }: { runId: string; pid: number; output: string },
): ExitCode {
  if (printer.json) {
    const unknown = {
      command: null,
      env: null,
      seconds: null,
      counts: null,
      failures: [],
      leaks: null,
      preflight: null,
    };
    printer.document("tractest.run/1", {
      exitCode: null,
      ...unknown,
      background: { runId, pid, output },
    });
    return EXIT.ok;
  }
  printer.line(runId);
  printer.note(`runs in the background (pid ${pid}), and goes on when this terminal is closed:`);
  const follow = [["status", "what it does now"], ["logs -f", "what it prints"], [
    "wait",
    "until it is over, with its exit code",
  ], [
    "stop",
    "end it",
  ]] as const;
  for (
    const text of columns(follow.map(([command, does]) => [`  tractest ${command} ${runId}`, does]))
  ) printer.note(text);
  if (!host.terminal.stdinIsTerminal) return EXIT.ok;
  printer.note(
    "it can't ask: a venv is made with --sync, leaks are cleaned up with --clean, --yes answers the rest",
  );
  return EXIT.ok;
}
