import type { OptionsOf } from "../command_line/options.ts";
import { interruptible } from "./interruptible.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { preflight } from "../preflight/gather.ts";
import { findProject } from "../project/project.ts";

/** The options of `check`. */
export type CheckOptions = OptionsOf<"check">;

/** `tractest check`: import and collection, the fastest first pass after a refactor. */
export function check(context: Context<CheckOptions>): Promise<ExitCode> {
  return interruptible(context, () => checkProject(context));
}

async function checkProject(context: Context<CheckOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  const { checks } = await preflight(context, project, {
    ask: true,
    show: true,
    leaks: false,
    python: line.options.python,
    sync: line.options.sync,
    uvRun: line.options.uvRun,
    yes: line.options.yes,
  });
  const ok = checks.every((row) => row.status !== "fail");
  printer.line(ok ? "ok" : "failed: mend this before running any test");
  if (printer.json) printer.document("tractest.check/1", { ok, checks });
  return ok ? EXIT.ok : EXIT.preflight;
}
