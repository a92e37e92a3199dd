import { interruptible } from "./interruptible.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { preflight } from "../preflight/gather.ts";
import { findProject } from "../project/project.ts";

/** `tractest check`: import and collection, the fastest first pass after a refactor. */
export function check(context: Context): Promise<ExitCode> {
  return interruptible(context, () => checkProject(context));
}

async function checkProject(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  const { checks } = await preflight(context, project, {
    ask: true,
    show: true,
    leaks: false,
    python: line.value("python"),
    sync: line.has("sync"),
    uvRun: line.has("uv-run"),
    yes: line.has("yes"),
  });
  const ok = checks.every((row) => row.status !== "fail");
  printer.line(ok ? "ok" : "failed: mend this before running any test");
  if (printer.json) printer.document("tractest.check/1", { ok, checks });
  return ok ? EXIT.ok : EXIT.preflight;
}
