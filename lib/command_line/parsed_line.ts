import {
  defaultOf,
  type OptionName,
  type OptionsOf,
  type OptionTable,
  propertyOf,
} from "./options.ts";
import type { RunWord } from "./run_words.ts";

/** An option that would go to pytest, but looks like one of ours. */
export interface Slip {
  /** `--retires` */
  readonly typed: string;
  /** `--retries`, or a command */
  readonly meant: string;
}

/** A parsed command line of one command. */
export interface CommandLine<Options = unknown> {
  readonly command: string;
  /** Each option by its property name, with its default where it was not given. */
  readonly options: Options;
  /** Words that are neither options nor their values, in order. */
  readonly operands: readonly string[];
  /** The words after `--`, untouched. */
  readonly afterDashes: readonly string[];
  /** Of `run` alone: targets and pytest's options in the order they were typed. */
  readonly words?: readonly RunWord[];
  /** Of `run` alone: misspelled options, unless the venv's pytest knows them. */
  readonly slips?: readonly Slip[];
  /** The options that were given, each value as typed; empty for a flag and a bare option. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Whether an option was given. */
  has(option: OptionName<keyof Options & string>): boolean;
}

/** The line of a command without further words: the parser need not be loaded for it. */
export function bareLine<Table extends OptionTable>(
  { name, options }: { readonly name: string; readonly options: Table },
): CommandLine<OptionsOf<Table>> {
  const defaults = Object.entries(options).map(([option, row]) =>
    [propertyOf(option), defaultOf(row)] as const
  );
  return {
    command: name,
    options: Object.fromEntries(defaults) as OptionsOf<Table>,
    operands: [],
    afterDashes: [],
    given: new Map(),
    has: () => false,
  };
}
