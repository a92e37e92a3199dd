import type { CommandLine } from "./parsed_line.ts";
import type { Context } from "./context.ts";
import type { Terminal } from "../system/host.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { PermissionRowName } from "../tables/permissions.ts";
import type { OptionsOf, OptionTable } from "./options.ts";

/** Words and files that completions offer for an operand or a value. */
export interface Offers {
  readonly words: readonly string[];
  readonly paths: "files" | "directories" | null;
}

/** The groups of the list of commands, in its order, with their headings. */
export const GROUPS = {
  run: "Run tests",
  understand: "Understand a result",
  "clean-up": "Clean up and check",
  background: "Runs in the background",
  "set-up": "Set up",
} as const;

/** A command with its description: parsing, help, completions and permissions come from it. */
export interface Verb<Table extends OptionTable = OptionTable, Options = OptionsOf<Table>> {
  readonly name: string;
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  readonly usage: string;
  readonly options: Table;
  /** A command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Exit codes that it can end with, besides 64, 70 and those of signals. */
  readonly exits: readonly ExitCode[];
  /** Its row of the permission table; effects such as `--kill` need a wider one. */
  readonly row:
    | PermissionRowName
    | ((line: CommandLine<Options>, terminal: Terminal) => PermissionRowName);
  /** Offered for its operands, where its usage does not name them. */
  readonly operands?: Offers;
  /** Options that it does not know belong to pytest. */
  readonly passesToPytest?: boolean;
  /** Whether its context has all verbs. */
  readonly needsVerbs?: (line: CommandLine<Options>) => boolean;
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
  Verb<Table>,
  "name" | "usage" | "options" | "passesToPytest"
>;
