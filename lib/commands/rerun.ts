import type { Context } from "../command_line/context.ts";
import type { CommonOptions } from "../command_line/options.ts";
import { parseCommandLine } from "../command_line/parse.ts";
import type { ExitCode } from "../tables/exit_codes.ts";

/** Options that `failed --run` and `affected --run` pass on to the run. */
const PASSED_ON = ["json", "verbose", "yes", "dry-run"] as const;

/** The options of the commands that run tests by `--run`. */
export type RerunOptions =
  & CommonOptions
  & Readonly<Record<"json" | "yes" | "dryRun", boolean>>;

/**
 * Runs exactly these targets, as `tractest run` would.
 *
 * @param targets as pytest takes them, relative to the root; they never start with a dash
 * @param options more words for `run`, in front of the targets
 */
export async function rerun(
  context: Context<RerunOptions>,
  targets: readonly string[],
  options: readonly string[] = [],
): Promise<ExitCode> {
  const { VERB } = await import("../run/command.ts");
  const { line } = context;
  const passed = PASSED_ON.filter((option) => line.has(option)).map((option) => `--${option}`);
  const dashes = line.afterDashes.length > 0 ? ["--", ...line.afterDashes] : [];
  const words = [...passed, ...options, ...targets, ...dashes];
  return await VERB.run({ ...context, line: parseCommandLine(VERB, words) });
}
