import type { SessionRequest } from "./session_request.ts";
import { join } from "@std/path";
import { pluginEnvironment } from "../../pytest/plugin_environment.ts";
import type { Host, Output, StartedProgram } from "../../system/host.ts";
import { activation } from "../../system/programs/activation.ts";
import { envCommand } from "../../system/programs/env.ts";
import { atTerminal } from "../../terminal/at_terminal.ts";
import type { RunScene } from "./engine_request.ts";
import { outputStreams, redirecting } from "./output_streams.ts";

/** A pytest that has been started. */
export interface StartedPytest {
  readonly child: StartedProgram;
  /** In a session of its own, so that the terminal sends it no signals. */
  readonly detached: boolean;
  /** Where its output is kept; null if it goes to our own output. */
  readonly logFile: string | null;
  /** Bytes that the log had before. */
  readonly logSize: number;
  /** The log is copied to this; null: to nothing. */
  readonly copyTo: Output | null;
}

/** Prepares everything for a pytest. The function returned starts it. */
export async function preparePytest(
  host: Host,
  request: Omit<SessionRequest, "ledger">,
  scene: RunScene,
): Promise<() => StartedPytest> {
  const { stdinIsTerminal } = host.terminal;
  const isHidden = request.output === "log";
  // Successive sessions share the log that is shown; concurrent ones have a log each.
  const logFile = join(scene.directory, isHidden ? `output-${request.name}.log` : "output.log");
  const streams = outputStreams(host, request.output);
  const usesLog = streams.redirect !== "";
  const [plugin, logSize] = await Promise.all([
    pluginEnvironment(host, scene.inherited, {
      events: scene.log.path,
      session: request.name,
      queue: request.queue,
      temporary: request.hasOthers ? join(scene.directory, "temporary.json") : null,
      isolated: request.isolation !== null,
      otherwise: scene.directory,
    }),
    usesLog ? makeLog(host, logFile) : 0,
  ]);
  const { args, env } = commandOf(request, scene, redirecting(streams, logFile), plugin);
  // Without a terminal pytest gets a session of its own, so that a signal for tractest reaches it
  // exactly once, through tractest.
  const detached = !request.keepsTerminal && (isHidden || !atTerminal(host.terminal));
  return () => {
    const child = host.programs.start("env", args, {
      why: "the tests",
      cwd: scene.root,
      env,
      stdin: stdinIsTerminal && !isHidden ? "inherit" : "null",
      stdout: "inherit",
      stderr: "inherit",
      detached,
    });
    const { copyTo } = streams;
    return { child, detached, logFile: usesLog ? logFile : null, logSize, copyTo };
  };
}

/** The command of `env` that starts pytest in its environment and isolation. */
function commandOf(
  request: Omit<SessionRequest, "ledger">,
  { interpreter, inherited, sigint }: RunScene,
  wrapper: readonly string[],
  plugin: Readonly<Record<string, string>>,
): ReturnType<typeof envCommand> {
  const wrapped = request.isolation?.wrap(request.argv, request.name) ?? request.argv;
  const activated = activation(interpreter, inherited);
  const wordsBefore = wrapper.length + wrapped.length - request.argv.length;
  return envCommand({
    inherited,
    set: { ...interpreter.environment, ...activated.set, ...request.environment, ...plugin },
    unset: activated.unset,
    argv: [...wrapper, ...wrapped],
    sigint,
    pythonWords: wordsBefore + interpreter.argv.length,
  });
}

/** Makes the log if it is missing. Returns its size in bytes. */
async function makeLog(host: Host, path: string): Promise<number> {
  await host.files.createFile(path, "");
  return (await host.files.stat(path))?.size ?? 0;
}
