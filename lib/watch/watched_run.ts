import { ownExecutable } from "../background/own_executable.ts";
import type { Host, StartedProgram } from "../system/host.ts";
import { envCommand, inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { atTerminal } from "../terminal/at_terminal.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";

/** A `tractest run` that `watch` has started. */
export class WatchedRun {
  /** Its exit code, when it and its tests have ended. */
  readonly ended: Promise<ExitCode>;
  #isStopped = false;
  #wasAsked = false;

  private constructor(private readonly child: StartedProgram) {
    this.ended = child.status.then(({ code, signal }) =>
      signal === "SIGKILL" ? EXIT.terminated : code
    );
  }

  /**
   * Prepares a `tractest run` with these words, which the returned function starts. It gets no
   * input: keys are for `watch`.
   */
  static async prepare(host: Host, words: readonly string[]): Promise<() => WatchedRun> {
    const { args, env } = envCommand({
      inherited: await inheritedEnvironment(host),
      argv: [ownExecutable(host, "runs"), "run", ...words],
      sigint: await sigintMethod(host) === "env" ? "env" : "as-inherited",
    });
    return () =>
      new WatchedRun(host.programs.start("env", args, {
        why: "the tests",
        cwd: host.cwd,
        env,
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
        detached: !atTerminal(host.terminal),
      }));
  }

  /** Whether it was asked to end, by us or by the terminal. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Asks it to end its tests and itself. Not by SIGINT: at a terminal it counts on that reaching
   * its pytest too, as Ctrl-C does. Only once: the second signal would end the tests by force.
   */
  stop(): void {
    this.#isStopped = true;
    if (this.#wasAsked) return;
    this.#wasAsked = true;
    this.child.kill("SIGTERM");
  }

  /** A terminal has sent a signal to this program, and so to the run. */
  stoppedByTerminal(): void {
    this.#isStopped = true;
  }
}
