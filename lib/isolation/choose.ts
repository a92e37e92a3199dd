import type { SharedOptions } from "../command_line/session_options.ts";
import type { IsolationWish } from "../project/configuration_keys.ts";
import { escapeText } from "../base/escape.ts";
import { isolationWish } from "./rules.ts";
import { TractestError } from "../errors.ts";
import type { Context } from "../command_line/context.ts";
import { isolate, type Isolation, isRefusal } from "./isolate.ts";
import type { Project } from "../project/project.ts";
import { EXIT } from "../tables/exit_codes.ts";

/**
 * The isolation that a run was asked for; null for none.
 *
 * @param directory a private directory of this run
 * @param otherwise the default if neither the command line nor the configuration decides
 * @throws {TractestError} 83 when it can't be had and was asked for without "auto"
 */
export async function isolationFor(
  { host, printer, line }: Context<SharedOptions>,
  project: Project,
  directory: string,
  otherwise: IsolationWish = "never",
): Promise<Isolation | null> {
  const wish = isolationWish(
    line.options.isolate,
    line.options.noIsolate,
    project.configuration.isolate ?? otherwise,
  );
  if (wish === "never") return null;
  const answer = await isolate(host, project, { directory });
  if (!isRefusal(answer)) {
    // With -v, where every program is printed too.
    for (const text of printer.verbose ? answer.differences : []) {
      printer.note(escapeText(`inside, unlike outside: ${text}`));
    }
    return answer;
  }
  if (wish === "always") {
    const hint = answer.remedy ?? "tractest run --isolate=auto runs without isolation if need be";
    const problem = `Cannot isolate the run: ${answer.reason}`;
    throw new TractestError("isolation", problem, EXIT.isolationUnavailable, hint);
  }
  printer.warn(escapeText(`not isolated: ${answer.reason}`));
  return null;
}
