import type { CommandLine } from "./parse.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import type { ExitCode } from "../tables/exit_codes.ts";

/** Everything that a command gets. */
export interface Context {
  readonly host: Host;
  readonly printer: Printer;
  readonly line: CommandLine;
}

/**
 * A command: gathers, decides, shows, and returns its exit code. Throws a TractestError for what a
 * user can mend.
 */
export type Command = (context: Context) => Promise<ExitCode>;
