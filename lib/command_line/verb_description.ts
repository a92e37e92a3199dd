import type { ExitCode } from "../tables/exit_codes.ts";
import type { OptionTable, Source } from "./options.ts";

/** Words and files that completions offer for an operand or a value. */
export interface Offers {
  readonly words: readonly string[];
  readonly paths: "files" | "directories" | null;
  /** What is looked up, and offered before these. */
  readonly sources?: readonly Source[];
}

/** The groups of the list of commands, in its order, with their headings. */
export const GROUPS = {
  run: "Run tests",
  understand: "Understand a result",
  "clean-up": "Clean up and check",
  background: "Runs in the background",
  "set-up": "Set up",
} as const;

/** A command as help, completions and the reference describe it. */
export interface VerbDescription<Table extends OptionTable = OptionTable> {
  readonly name: string;
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  readonly usage: string;
  readonly options: Table;
  /** A command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Exit codes that it can end with, besides 64, 70 and those of signals. */
  readonly exits: readonly ExitCode[];
  /** Offered for its operands, where its usage does not name them. */
  readonly operands?: Offers;
  /** Options that it does not know belong to pytest. */
  readonly passesToPytest?: boolean;
}
