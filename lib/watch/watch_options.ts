import {
  EVERY_COMMAND,
  type OptionsOf,
  type OptionTable,
  someOptions,
} from "../command_line/options.ts";
import { optionNames } from "../command_line/run_words.ts";
import { RUN_OPTIONS } from "../run/run_options.ts";
import type { CommandLine } from "../command_line/parsed_line.ts";
import { UsageError } from "../errors.ts";

/** The options of `watch`: its own, and those of `run` that matter in each of its runs. */
export const OPTIONS = {
  ...EVERY_COMMAND,
  clear: { section: "reports", kind: "flag", doc: "clear the terminal before each run" },
  poll: {
    section: "checks",
    kind: "flag",
    doc: "read all files every second, for a file system that does not report changes",
  },
  ...someOptions(RUN_OPTIONS, [
    "profile",
    "python",
    "isolate",
    "no-isolate",
    "jobs",
    "retries",
    "timeout",
    "test-timeout",
    "no-preflight",
    "no-defaults",
    "clean",
    "wait",
    "strict",
    "ui",
  ]),
} as const satisfies OptionTable;

/** Their values. */
export type WatchOptions = OptionsOf<typeof OPTIONS>;

/** Options that are for `watch` alone, not for its runs. */
export const OWN_OPTIONS = ["clear", "poll", "directory"] as const;

/** Options of a run that make no sense in one that is started again and again, and what to do. */
const REFUSED: Readonly<Record<string, string>> = {
  "--pdb": "tractest run --pdb: a debugger needs your keys",
  "--trace": "tractest run --trace: a debugger needs your keys",
  "--tpdb": "tractest run --tpdb: a debugger needs your keys",
  "--debug-mode": "tractest run --debug-mode: a debugger needs your keys",
  "--bg": "tractest run --bg",
  "--matrix": "tractest run --matrix",
  "--shard": "tractest run --shard",
  "--dry-run": "tractest affected",
  "--json": "tractest run --json",
  "--affected": "leave it out: watch runs the affected tests",
  "--only": "leave it out: watch runs the affected tests only",
};

/** Refuses options that `watch` can't pass on. */
export function refuseOptions({ words = [], afterDashes }: CommandLine): void {
  const passed = words.flatMap((item) => item.kind === "pytest" ? item.words : []);
  const names = optionNames([...passed, ...afterDashes]);
  const name = Object.keys(REFUSED).find((option) => names.has(option));
  if (name !== undefined) throw new UsageError(`"watch" takes no "${name}"`, REFUSED[name]);
}
