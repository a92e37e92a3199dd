import type { Slip } from "../command_line/parsed_line.ts";
import type { Context } from "../command_line/context.ts";
import { UsageError } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { inheritedEnvironment } from "../system/programs/env.ts";
import { runPython } from "../system/programs/python.ts";
import { type PythonOptions, quickInterpreter } from "./ready.ts";

/** How long pytest may take to list its options, in milliseconds. */
const HELP_MS = 30_000;

/**
 * Refuses options that look like misspellings of ours, unless the pytest of this venv knows them: a
 * slip that pytest passes over would start another run than the one that was asked for.
 *
 * @throws {UsageError} with the way to pass it to pytest
 */
export async function refuseSlips(
  context: Context<PythonOptions>,
  project: Project,
): Promise<void> {
  const { command, slips = [] } = context.line;
  if (slips.length === 0) return;
  const { host } = context;
  const interpreter = await quickInterpreter(context, project);
  const { code, stdout } = await runPython(host, interpreter, ["-m", "pytest", "--help"], {
    cwd: project.root,
    why: "whether pytest knows an option that looks like a misspelling",
    inherited: await inheritedEnvironment(host),
    timeoutMs: HELP_MS,
  });
  const known = code === 0 ? new TextDecoder().decode(stdout) : "";
  const slip = slips.find(({ typed }) => !known.split(/[\s,=\[]+/).includes(typed));
  if (slip) throw unknownSlip(command, slip);
}

function unknownSlip(command: string, { typed, meant }: Slip): UsageError {
  return new UsageError(
    `Unknown option "${typed}" for "${command}"`,
    `did you mean "${meant}"? pytest gets it after --: -- ${typed}`,
  );
}
