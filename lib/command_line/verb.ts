import type { CommandLine } from "./parsed_line.ts";
import type { Context } from "./context.ts";
import type { Terminal } from "../system/host.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { PermissionRowName } from "../tables/permissions.ts";
import type { OptionsOf, OptionTable } from "./options.ts";
import type { VerbDescription } from "./verb_description.ts";

/** A command: what it is, and how it runs. */
export interface Verb<Table extends OptionTable = OptionTable, Options = OptionsOf<Table>>
  extends VerbDescription<Table> {
  /** Its row of the permission table; effects such as `--kill` need a wider one. */
  readonly row:
    | PermissionRowName
    | ((line: CommandLine<Options>, terminal: Terminal) => PermissionRowName);
  /** Whether its output is shown in a pager if it is longer than the terminal. */
  readonly isPaged?: (line: CommandLine<Options>) => boolean;
  /** Whether its context has all verbs, or the names of those that it has. */
  readonly needsVerbs?: (line: CommandLine<Options>) => boolean | readonly string[];
  /**
   * Gathers, decides, shows, and returns the exit code.
   *
   * @throws {TractestError} for problems that a user can fix
   */
  readonly run: (context: Context<Options>) => Promise<ExitCode>;
}

/** A verb whose options are not known to the type checker. */
export type AnyVerb = Verb<OptionTable, never>;

/** The parts of a verb that a command line is parsed by. */
export type VerbSyntax<Table extends OptionTable = OptionTable> = Pick<
  VerbDescription<Table>,
  "name" | "usage" | "options" | "passesToPytest"
>;
