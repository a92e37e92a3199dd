import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";
import type { Verb } from "../command_line/verb.ts";
import { preflight } from "../preflight/gather.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { interruptible } from "./interruptible.ts";

/** The options of `check`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  python: RUNS_PYTEST.python,
  sync: RUNS_PYTEST.sync,
  "uv-run": RUNS_PYTEST["uv-run"],
} as const satisfies OptionTable;

/** Their values. */
export type CheckOptions = OptionsOf<typeof OPTIONS>;

/** `tractest check`: imports and collects, as a fast first check after a refactor. */
export function check(context: Context<CheckOptions>): Promise<ExitCode> {
  return interruptible(context, () => checkProject(context));
}

async function checkProject(context: Context<CheckOptions>): Promise<ExitCode> {
  const { host, printer, line: { options: { python, sync, uvRun, yes } } } = context;
  const project = await findProject(host, null, python);
  const options = { ask: true, show: true, leaks: false, python, sync, uvRun, yes };
  const { checks } = await preflight(context, project, options);
  const ok = checks.every((row) => row.status !== "fail");
  printer.line(ok ? "ok" : "check failed: fix this before running tests");
  if (printer.json) printer.document("tractest.check/1", { ok, checks });
  return ok ? EXIT.ok : EXIT.preflight;
}

/** `tractest check`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "check",
  group: "run",
  summary: "import and collect, a fast first check after a refactor",
  usage: "tractest check [OPTIONS]",
  options: OPTIONS,
  examples: [["tractest check", "import the package, collect all tests"]],
  exits: [0, 69, 80],
  row: "check",
  run: check,
};
