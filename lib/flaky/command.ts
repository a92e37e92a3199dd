import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { listedFlaky } from "./rules.ts";
import { describeRecord, isFlaky, type TestRecord, type Tries } from "../base/rates.ts";
import { findByName } from "../project/rules_targets.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type KnownFlakyRow, TIMING_ERRORS, timingErrorsOf } from "../project/known_flaky.ts";
import { warnUnreadable } from "../history/show.ts";
import { showKnown, showMeasured } from "./show.ts";
import type { Context } from "../command_line/context.ts";
import { readProject } from "../history/project_history.ts";
import { countRuns, recordsOf, testsNamed } from "../history/queries.ts";
import { findProject } from "../project/project.ts";
import { testTree } from "../project/targets.ts";

/** The options of `flaky`. */
export const OPTIONS = {
  ...WITH_JSON,
  limit: SHARED.limit,
} as const satisfies OptionTable;

/** Their values. */
export type FlakyOptions = OptionsOf<typeof OPTIONS>;

/** `tractest flaky`: the known flaky tests, and those that the record proves flaky. */
export async function flaky({ host, printer, line }: Context<FlakyOptions>): Promise<ExitCode> {
  const project = await findProject(host);
  const { knownFlaky } = project.configuration;
  const [tree, { value, trouble }] = await Promise.all([
    testTree(host, project),
    readProject(host, project, (database, id) => {
      const listed = knownFlaky.flatMap((row) => testsNamed(database, id, nameOf(row)));
      return {
        runs: countRuns(database, id),
        failed: recordsOf(database, id, "failed"),
        listed: recordsOf(database, id, listed),
      };
    }),
  ]);
  if (trouble !== null) warnUnreadable(printer, trouble);
  const rows = knownFlaky.map((row) => {
    const [path = "", ...rest] = row.test.split("::");
    const found = findByName(path, tree).map((file) => [file, ...rest].join("::"));
    return { ...row, found, record: together(row, value?.listed ?? []) };
  });
  const rate = ({ failures, trials }: TestRecord) => failures / trials;
  const failed = [...value?.failed ?? []].sort((a, b) => rate(b) - rate(a));
  const measured = failed.filter(isFlaky);
  if (printer.json) {
    const records = measured.map((record) => ({ id: record.id, ...describeRecord(record) }));
    printer.document("tractest.flaky/1", {
      tests: rows,
      timingErrors: timingErrorsOf(project.profile),
      measured: trouble === null ? records : null,
      runs: trouble === null ? value?.runs ?? 0 : null,
    });
    return EXIT.ok;
  }
  showKnown(printer, rows, project.profile === "tractor" ? TIMING_ERRORS : null);
  if (value !== null) {
    const others = failed.length - measured.length;
    showMeasured(printer, measured, { runs: value.runs, others, limit: line.options.limit });
  }
  return EXIT.ok;
}

/** The tries of all variants of a listed test; null if none is on record. */
function together(row: KnownFlakyRow, records: readonly TestRecord[]): Tries | null {
  const own = records.filter((record) =>
    record.trials > 0 && listedFlaky(record.id, [row]) !== null
  );
  const sum = (of: (record: TestRecord) => number) =>
    own.reduce((total, record) => total + of(record), 0);
  return own.length === 0
    ? null
    : { failures: sum((record) => record.failures), trials: sum((record) => record.trials) };
}

/** The part of its id that does not depend on the directory of its file. */
function nameOf({ test }: KnownFlakyRow): string {
  return test.slice(test.lastIndexOf("/", test.indexOf("::")) + 1);
}

/** `tractest flaky`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "flaky",
  group: "understand",
  summary: "the known flaky tests, and those that the record proves flaky",
  usage: "tractest flaky [OPTIONS]",
  options: OPTIONS,
  examples: [[
    "tractest flaky",
    "known failures with their reasons; failure rates with 95% intervals",
  ]],
  exits: [0],
  row: "flaky",
  isPaged: () => true,
  run: flaky,
};
