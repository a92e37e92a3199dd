import { join } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { wordsOf } from "../command_line/parse.ts";
import { optionNames } from "../command_line/run_words.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { envCommand, inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { runFileIn } from "./known_runs.ts";
import { type NotifyOptions, warnIfUnheard } from "./notify.ts";
import { ownExecutable } from "./own_executable.ts";
import { OUTPUT_FILE, REFUSAL_FILE, removeDirectory, reserveRun } from "./run_directory.ts";
import { readRefusal } from "./run_file.ts";
import { showStarted } from "./show.ts";

/** Options that the background run is started without. */
const LEFT_OUT = ["bg", "json", "directory"] as const;

/** The options of a run that matter in the background. */
export interface BackgroundOptions extends NotifyOptions {
  readonly events: string | null;
}

/** Refuses options that need a terminal or the caller's output together with `--bg`. */
export function refuseWithBackground(
  { line }: Context<BackgroundOptions>,
  debugging: boolean,
): void {
  if (debugging) {
    throw new UsageError(
      "A debugger needs a terminal, and a background run has none",
      "run it without --bg",
    );
  }
  if (line.options.events === "-") {
    throw new UsageError(
      '"--events -" needs your standard output, and a background run does not have it',
      "write the events to a file",
    );
  }
}

/** Whether pytest's words say how much it is to print. */
export function isQuietOrVerbose(words: readonly string[]): boolean {
  const names = optionNames(words);
  return ["-q", "--quiet", "-v", "--verbose"].some((name) => names.has(name));
}

/** Closes pipes that were inherited: their readers would wait for the end of the run. */
const DETACH = 'output=$1; shift; exec "$@" >>"$output" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-';

/**
 * Starts the same run in a process session of its own, and returns once it holds the lock of the
 * project or waits for it. Reports why if it could not begin, with its exit code.
 *
 * @param quiet pytest is to print less, unless the words say how much
 * @throws {UsageError} for a tractest that does not know its own executable
 */
export async function startInBackground(
  { host, printer, line }: Context<BackgroundOptions>,
  quiet: boolean,
): Promise<ExitCode> {
  const executable = ownExecutable(host, "a background run");
  const inherited = await inheritedEnvironment(host);
  await warnIfUnheard(host, printer, line.options, inherited);
  const { runId, directory } = await reserveRun(host);
  const output = join(directory, OUTPUT_FILE);
  await host.files.createFile(output, "");
  const words = wordsOf(line, LEFT_OUT, [`--background-run=${runId}`]);
  const command = [executable, "run", ...(quiet ? ["-q"] : []), ...words];
  const { args, env } = envCommand({
    inherited,
    argv: ["/bin/sh", "-c", DETACH, "sh", output, ...command],
    sigint: await sigintMethod(host) === "env" ? "env" : "as-inherited",
  });
  const { pid, status } = host.programs.start("env", args, {
    why: "the run, in the background",
    cwd: host.cwd,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  });
  const seen = await firstRecord(host, directory, status);
  if (seen === "begun") {
    showStarted(host, printer, { runId, pid, output });
    return EXIT.ok;
  }
  if (seen !== "silent") throw await failedStart(host, directory, seen);
  throw new PreflightError(
    "background",
    `Run "${runId}" was started (pid ${pid}) but has not reported that it began`,
    `its output: ${shellCommand(["cat", output])}`,
  );
}

/** Milliseconds between checks for the record of a new run, and until it is given up. */
const FIRST_RECORD_MS = { interval: 10, limit: 60_000 } as const;

/** Waits for the first record of a run, or for the exit code of a process that wrote none. */
async function firstRecord(
  host: Host,
  directory: string,
  status: Promise<{ readonly code: number }>,
): Promise<"begun" | "silent" | ExitCode> {
  const exited = new AbortController();
  let exitCode: ExitCode | null = null;
  void status.then(({ code }) => {
    exitCode = code;
    exited.abort();
  });
  const deadline = host.clock.monotonic() + FIRST_RECORD_MS.limit;
  while (host.clock.monotonic() < deadline) {
    // Read before the record, so that a record written right before the exit is not missed.
    const ended = exitCode;
    if (await runFileIn(host, directory) !== null) return "begun";
    if (ended !== null) return ended;
    await host.clock.sleep(FIRST_RECORD_MS.interval, exited.signal);
  }
  return "silent";
}

/** Why a run ended before it began; prints its output if it gave no reason. */
async function failedStart(host: Host, directory: string, code: ExitCode): Promise<TractestError> {
  const refusal = readRefusal(await host.files.readText(join(directory, REFUSAL_FILE)));
  const output = await host.files.readFile(join(directory, OUTPUT_FILE));
  await removeDirectory(host, directory);
  if (refusal) return refusal;
  host.terminal.stderr.write(output ?? "");
  return new TractestError(
    "background",
    `The background run ended with exit code ${code} before it began`,
    code === 0 ? EXIT.bug : code,
  );
}
