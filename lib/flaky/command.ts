import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { escapeText } from "../base/escape.ts";
import { listedFlaky } from "./rules.ts";
import {
  describeRecord,
  isFlaky,
  rateText,
  recordText,
  type TestRecord,
  type Tries,
} from "../base/rates.ts";
import { findByName } from "../project/rules_targets.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type KnownFlakyRow, TIMING_ERRORS } from "../project/known_flaky.ts";
import { columns } from "../terminal/columns.ts";
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

/**
 * `tractest flaky`: the known-flaky list, where each test lives today, the rule of thumb, and what
 * the record proves to be flaky.
 */
export async function flaky(context: Context<FlakyOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const limit = line.options.limit;
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
  if (trouble !== null) printer.warn(`the history can't be read: ${escapeText(trouble)}`);
  const rows = knownFlaky.map((row) => {
    const [path = "", ...rest] = row.test.split("::");
    return {
      ...row,
      found: findByName(path, tree).map((file) => [file, ...rest].join("::")),
      record: together(row, value?.listed ?? []),
    };
  });
  const failed = [...value?.failed ?? []].sort((a, b) =>
    b.failures / b.trials - a.failures / a.trials
  );
  const measured = failed.filter(isFlaky);
  if (printer.json) {
    const records = measured.map((record) => ({ id: record.id, ...describeRecord(record) }));
    printer.document("tractest.flaky/1", {
      tests: rows,
      timingErrors: TIMING_ERRORS,
      measured: trouble === null ? records : null,
      runs: trouble === null ? value?.runs ?? 0 : null,
    });
    return EXIT.ok;
  }
  printer.line(`${rows.length} test(s) that are known to be flaky, when they fail like this:`);
  const cells = rows.map((row) => [
    `  ${escapeText(row.found[0] ?? row.test)}`,
    escapeText(row.error),
    row.record === null
      ? ""
      : `failed ${row.record.failures} of ${row.record.trials}, ${rateText(row.record)}`,
    noteOf(row.notes, row.found.length === 0),
  ]);
  for (const row of columns(cells)) printer.line(row);
  printer.line();
  printer.line(
    `Rule of thumb: ${
      TIMING_ERRORS.join(", ")
    } in a code path that no change touches is timing, not your change.`,
  );
  if (value !== null) {
    showMeasured(context, measured, {
      runs: value.runs,
      others: failed.length - measured.length,
      limit,
    });
  }
  return EXIT.ok;
}

interface Rest {
  readonly runs: number;
  /** Tests that failed without a proof that they are flaky. */
  readonly others: number;
  readonly limit: number;
}

function showMeasured(
  { printer }: Context,
  measured: readonly TestRecord[],
  { runs, others, limit }: Rest,
): void {
  printer.line();
  printer.line(
    `${measured.length} test(s) that the record of ${runs} run(s) proves to be flaky${
      measured.length > 0 ? ":" : "."
    }`,
  );
  for (
    const row of columns(
      measured.slice(0, limit).map((
        record,
      ) => [`  ${escapeText(record.id)}`, recordText(record) ?? ""]),
    )
  ) printer.line(row);
  if (measured.length > limit) {
    printer.note(
      `… and ${measured.length - limit} more: --limit ${Math.min(1000, measured.length)}`,
    );
  }
  if (others > 0) {
    printer.note(
      `${others} more failed at times, but never passed and failed at the same clean commit: tractest history TEST`,
    );
  }
}

/** What all variants of a listed test add up to; null if none is on record. */
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

/** What the id of a listed test contains, wherever its file lives. */
function nameOf({ test }: KnownFlakyRow): string {
  return test.slice(test.lastIndexOf("/", test.indexOf("::")) + 1);
}

function noteOf(notes: string, gone: boolean): string {
  return `${escapeText(notes)}${gone ? " (no such file in the tests today)" : ""}`;
}

/** `tractest flaky`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "flaky",
  summary: "the known flaky tests, and those that the record proves flaky",
  usage: "tractest flaky [OPTIONS]",
  options: OPTIONS,
  examples: [[
    "tractest flaky",
    "known failures with their reasons; failure rates with 95% intervals",
  ]],
  exits: [0],
  row: "flaky",
  run: flaky,
};
