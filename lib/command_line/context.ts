import type { CommandLine } from "./parse.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import type { ExitCode } from "../tables/exit_codes.ts";

/** Everything that a command gets; `Options` are those that it asks for. */
export interface Context<Options = unknown> {
  readonly host: Host;
  readonly printer: Printer;
  readonly line: CommandLine<Options>;
}

/**
 * A command: gathers, decides, shows, and returns its exit code. Throws a TractestError for
 * problems that a user can fix.
 */
export type Command<Options = never> = (context: Context<Options>) => Promise<ExitCode>;
