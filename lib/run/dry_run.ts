import type { RunOptions } from "./run_options.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import type { Context } from "../command_line/context.ts";
import { captureNote } from "../pytest/pytest_command.ts";
import { activation } from "../system/programs/activation.ts";
import { inheritedEnvironment } from "../system/programs/env.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { WHOLE } from "./engine/engine_request.ts";
import { plannedSync, quickInterpreter } from "./ready.ts";
import { NOT_RUN, RUN_SCHEMA, type RunRequest } from "./run_request.ts";
import { checkSpawnBackend } from "./spawn_backends.ts";

/** `tractest run --dry-run`: prints the command of a run and starts nothing. */
export async function dryRun(context: Context<RunOptions>, request: RunRequest): Promise<ExitCode> {
  const { host, printer, line } = context;
  const { project } = request;
  const sync = line.options.sync ? await plannedSync(context, project) : null;
  if (sync) printer.exact(sync.shown);
  const interpreter = sync?.interpreter ?? await quickInterpreter(context, project);
  const argv = asTyped(request.command(interpreter.argv, WHOLE), project.root);
  printer.exact(pasteable(argv, interpreter.environment, project.root, host.cwd));
  const note = captureNote(argv, line);
  if (note !== null) printer.note(note);
  if (interpreter.venv === null && line.options.python === null && !line.options.noPreflight) {
    printer.note(
      "no virtual environment yet: a run asks to make one, or stops; tractest run --sync makes it",
    );
  }
  for (const note of shareNotes(request, host.processors)) printer.note(note);
  await checkSpawnBackend(context, project, interpreter.venv);
  if (printer.json) {
    const { set } = activation(interpreter, await inheritedEnvironment(host));
    const env = { ...interpreter.environment, ...set };
    printer.document(RUN_SCHEMA, { ...NOT_RUN, command: argv, env });
  }
  return EXIT.ok;
}

/** Which of the collected tests would run, and in how many sessions. */
function shareNotes(
  { parallel: { shard, jobs }, chosen }: RunRequest,
  processors: number,
): string[] {
  const notes: string[] = [];
  if (shard !== null) {
    notes.push(`runs part ${shard.index} of ${shard.count} of the collected tests`);
  }
  if (jobs !== 1) {
    const most = jobs === "auto" ? processors : jobs;
    notes.push(`distributes the collected tests to up to ${most} of these pytests`);
  }
  if (chosen !== null) {
    notes.push(chosen.only ? "runs only the affected tests" : "runs the affected tests first");
  }
  return notes;
}
