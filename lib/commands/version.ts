import type { Verb } from "../command_line/verb.ts";
import { WITH_JSON } from "../command_line/options.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { EXIT } from "../tables/exit_codes.ts";
import { VERSION } from "../tables/release.ts";
import type { Context } from "../command_line/context.ts";

/** `tractest version`: version, kind of binary and runtime version, on one line. */
export function version({ host, printer }: Context): Promise<ExitCode> {
  const { kind, runtime } = host.build();
  printer.line(`tractest ${VERSION} (${kind}, ${runtime})`);
  if (printer.json) printer.document("tractest.version/1", { version: VERSION, kind, runtime });
  return Promise.resolve(EXIT.ok);
}

/** `tractest version`, described. */
export const VERB: Verb<typeof WITH_JSON> = {
  name: "version",
  group: "set-up",
  summary: "version, kind of binary, runtime",
  usage: "tractest version [OPTIONS]",
  options: WITH_JSON,
  examples: [["tractest version", "one line"]],
  exits: [0],
  row: "version",
  run: version,
};
