import type { Context } from "../command_line/context.ts";
import type { OptionsOf } from "../command_line/options.ts";
import { preflight } from "../preflight/gather.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { interruptible } from "./interruptible.ts";

/** The options of `check`. */
export type CheckOptions = OptionsOf<"check">;

/** `tractest check`: imports and collects, as a fast first check after a refactor. */
export function check(context: Context<CheckOptions>): Promise<ExitCode> {
  return interruptible(context, () => checkProject(context));
}

async function checkProject(context: Context<CheckOptions>): Promise<ExitCode> {
  const { host, printer, line: { options: { python, sync, uvRun, yes } } } = context;
  const project = await findProject(host);
  const options = { ask: true, show: true, leaks: false, python, sync, uvRun, yes };
  const { checks } = await preflight(context, project, options);
  const ok = checks.every((row) => row.status !== "fail");
  printer.line(ok ? "ok" : "check failed: fix this before running tests");
  if (printer.json) printer.document("tractest.check/1", { ok, checks });
  return ok ? EXIT.ok : EXIT.preflight;
}
