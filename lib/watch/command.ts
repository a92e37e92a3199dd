import type { Context } from "../command_line/context.ts";
import type { Verb } from "../command_line/verb.ts";
import { findProject } from "../project/project.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { limitsOf } from "./plan.ts";
import { OPTIONS, refuseOptions, type WatchOptions } from "./watch_options.ts";
import { ownExecutable } from "../background/own_executable.ts";
import { WatchLoop } from "./watch_loop.ts";

/** `tractest watch`: runs the affected tests whenever a file changes. */
export async function watch(context: Context<WatchOptions>): Promise<ExitCode> {
  const { host, line } = context;
  refuseOptions(line);
  ownExecutable(host, "runs");
  const project = await findProject(host, line.options.profile, line.options.python);
  if (line.slips?.length) await (await import("../run/slips.ts")).refuseSlips(context, project);
  await limitsOf(context, project);
  return await new WatchLoop(context, project).run();
}

/** `tractest watch`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "watch",
  group: "run",
  summary: "run the affected tests whenever a file changes",
  usage: "tractest watch [TARGET…] [OPTIONS] [-- PYTEST…]",
  options: OPTIONS,
  examples: [
    ["tractest watch", "keys: Enter all, f failed, a affected, r again, q quit"],
    ["tractest watch tests/unit -x", "only tests below tests/unit; stop at the first failure"],
  ],
  exits: [0, 69, 80, 130, 131, 143],
  row: "watch",
  passesToPytest: true,
  operands: { words: [], paths: "files", sources: ["targets", "tests"] },
  run: watch,
};
