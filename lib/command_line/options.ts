/**
 * What an option takes: nothing (`flag`), one value, or one each time it is given (`texts`,
 * `choices`). `path` names a file or a directory.
 */
export type OptionKind =
  | "flag"
  | "text"
  | "texts"
  | "choice"
  | "choices"
  | "count"
  | "seconds"
  | "file"
  | "directory"
  | "path";

/**
 * What completions look up in the project when they are asked: tests and their files, named
 * targets, runs on record, branches and tags, profiles of the configuration, venvs and the versions
 * of their Pythons; and the commands.
 */
export type Source =
  | "commands"
  | "minors"
  | "profiles"
  | "revisions"
  | "runs"
  | "targets"
  | "tests"
  | "venvs";

/** One option. Parsing, types, validation, help and completions come from its row. */
export interface OptionRow {
  readonly kind: OptionKind;
  /** What it does; help adds the default. */
  readonly doc: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** The value when the option is not given; without it null. */
  readonly default?: string | number;
  /** The bounds of a count (0 to 1000 unless said) or of seconds (0 to a million). */
  readonly least?: number;
  readonly most?: number;
  /** The only values of a `choice`; words that a `count` takes too. */
  readonly choices?: readonly string[];
  /** The value of a choice that was given without one: any other is tied to it by `=`. */
  readonly bare?: string;
  /** Words `KEY=…` right after its value are more values of it. */
  readonly pairs?: boolean;
  /** How help names the value of a text. */
  readonly metavar?: string;
  /** Texts that completions offer. */
  readonly offers?: readonly string[];
  /** What completions look up for its value. */
  readonly source?: Source;
  /** For tractest itself: neither help nor completions show it. */
  readonly hidden?: boolean;
  /** Where the help of a command with many options shows it. */
  readonly section?: keyof typeof SECTIONS;
}

/** The sections of a long help, in its order, with their headings. */
export const SECTIONS = {
  selection: "Which tests",
  execution: "How they run",
  limits: "Time limits",
  checks: "Before the run",
  reports: "Reports",
  tractor: "For projects that use tractor",
} as const;

/** The options of a command by their names without the dashes. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** `dry-run` as a property: `dryRun`. */
export type PropertyName<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<PropertyName<Rest>>}`
  : Name;

/** `dryRun` as the name of an option: `dry-run`. */
export type OptionName<Property> = Property extends `${infer Letter}${infer Rest}`
  ? Letter extends Uppercase<Letter> ? `-${Lowercase<Letter>}${OptionName<Rest>}`
  : `${Letter}${OptionName<Rest>}`
  : "";

/** The value of an option: null stands for one that was not given and has no default. */
export type ValueOf<Row> = Row extends { readonly kind: "flag" } ? boolean
  : Row extends { readonly kind: "texts" } ? readonly string[]
  : Row extends { readonly kind: "choices"; readonly choices: readonly (infer C)[] } ? readonly C[]
  : GivenValue<Row> | (Row extends { readonly default: string | number } ? never : null);

/** The value of an option that takes one and was given. */
export type GivenValue<Row> = Row extends { readonly kind: "count" | "seconds" }
  ? number | (Row extends { readonly choices: readonly (infer C)[] } ? C : never)
  : Row extends { readonly choices: readonly (infer C)[] } ? C
  : string;

/** The options of a table as a command gets them: `options.dryRun`, `options.retries`. */
export type OptionsOf<Table extends OptionTable> = {
  readonly [Name in keyof Table & string as PropertyName<Name>]: ValueOf<Table[Name]>;
};

/** Some options of a table, in this order. */
export function someOptions<Table extends OptionTable, Name extends keyof Table>(
  table: Table,
  names: readonly Name[],
): Pick<Table, Name> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<Table, Name>;
}

/** Options of every command. */
export const EVERY_COMMAND = {
  help: { short: "h", kind: "flag", doc: "show usage, options, examples and exit codes" },
  directory: { short: "C", kind: "directory", doc: "work as if started in DIR" },
  color: {
    kind: "choice",
    default: "auto",
    choices: ["auto", "always", "never"],
    doc: "colour of tractest's text and of pytest's",
  },
  verbose: {
    short: "v",
    kind: "flag",
    doc: "also print each program that is started, its arguments and the reason",
  },
  "no-pager": {
    kind: "flag",
    doc: "never show a long output in less; as TRACTEST_PAGER=cat or PAGER=cat",
  },
} as const satisfies OptionTable;

/** Options that several commands take. */
export const SHARED = {
  yes: { section: "checks", short: "y", kind: "flag", doc: "answer yes to every question" },
  "dry-run": { short: "n", kind: "flag", doc: "show what would be done, do nothing" },
  junit: {
    section: "reports",
    kind: "file",
    doc: "write a JUnit report to FILE, also of a run that was cut short",
  },
  profile: {
    section: "execution",
    kind: "text",
    metavar: "NAME",
    source: "profiles",
    doc: "use [tool.tractest.profile.NAME] of the configuration; else TRACTEST_PROFILE",
  },
  all: { kind: "flag", doc: "the runs of all repos, not only of this one" },
  run: { kind: "flag", doc: "run these tests" },
  base: {
    section: "selection",
    kind: "text",
    metavar: "REV",
    source: "revisions",
    doc: "compare with REV (default: the merge base with the main branch)",
  },
  staged: { section: "selection", kind: "flag", doc: "only staged changes" },
  uncommitted: { section: "selection", kind: "flag", doc: "only changes that are not committed" },
  limit: { kind: "count", default: 20, least: 1, doc: "show at most N rows" },
} as const satisfies OptionTable;

/** Options of the commands that report. */
export const WITH_JSON = {
  ...EVERY_COMMAND,
  json: { section: "reports", kind: "flag", doc: "print one JSON document on standard output" },
} as const satisfies OptionTable;

/** The options that every command takes. */
export type CommonOptions = OptionsOf<typeof EVERY_COMMAND>;

/** The value of an option, as its command gets it. */
export type OptionValue = boolean | string | number | null | readonly string[];

/** The value of an option that was not given. */
export function defaultOf(row: OptionRow): OptionValue {
  if (row.kind === "flag") return false;
  return takesMany(row) ? [] : row.default ?? null;
}

/** Whether an option takes a value each time it is given. */
export function takesMany({ kind }: OptionRow): boolean {
  return kind === "texts" || kind === "choices";
}

/** The property of an option: `dryRun` of `dry-run`. */
export function propertyOf<Name extends string>(name: Name): PropertyName<Name> {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as PropertyName<Name>;
}

/** How many words an option of every command takes up, with its value; 0 for another word. */
export function wordsOfOption(word: string): number {
  const [name, value] = word.split("=", 2);
  const row = Object.entries<OptionRow>(EVERY_COMMAND).find(([option, { short }]) =>
    name === `--${option}` || name === `-${short}`
  )?.[1];
  if (row === undefined) return 0;
  return row.kind === "flag" || value !== undefined ? 1 : 2;
}
