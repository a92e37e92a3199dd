import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";

/** The options of `hooks`. */
export const HOOKS_OPTIONS = {
  ...WITH_JSON,
  "dry-run": SHARED["dry-run"],
  command: {
    kind: "texts",
    metavar: "'COMMAND …'",
    doc: "a tractest command line to run instead of the hook's own; may be repeated",
  },
  binary: { kind: "path", doc: "the tractest that the hook calls (default: this one)" },
  print: {
    kind: "choice",
    choices: ["lefthook", "pre-commit", "husky", "agent", "shell"],
    doc: "print the entries for a hook manager or a coding agent, write nothing",
  },
  force: {
    kind: "flag",
    doc: "install despite a hook manager that has not installed itself; replace or remove our " +
      "lines even if they were edited (a copy is kept)",
  },
} as const satisfies OptionTable;

/** Their values. */
export type HooksOptions = OptionsOf<typeof HOOKS_OPTIONS>;
