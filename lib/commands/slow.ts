import { plural } from "../base/plural.ts";
import { secondsText } from "../base/durations.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { PASSES, readProject, typicalSeconds } from "../history/project_history.ts";
import { recentPasses } from "../history/queries.ts";
import {
  COMPARED_PASSES,
  findRegressions,
  type Pass,
  type Regression,
  type Regressions,
} from "../history/rules_regression.ts";
import { warnUnreadable } from "../history/show.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";

/** The options of `slow`. */
export const OPTIONS = {
  ...WITH_JSON,
  limit: SHARED.limit,
  regressed: { kind: "flag", doc: "tests that became slower, beyond noise" },
} as const satisfies OptionTable;

/** Their values. */
export type SlowOptions = OptionsOf<typeof OPTIONS>;

const SCHEMA = "tractest.slow/1";

/** `tractest slow`: the slowest tests on record, or those that became slower. */
export async function slow({ host, line, printer }: Context<SlowOptions>): Promise<ExitCode> {
  const { limit, regressed } = line.options;
  const count = regressed ? COMPARED_PASSES : PASSES;
  const { value, trouble } = await readProject(
    host,
    await findProject(host),
    (database, id) => recentPasses(database, id, {}, count, { calm: regressed }),
  );
  const passes = value ?? new Map<string, Pass[]>();
  if (trouble !== null) {
    warnUnreadable(printer, trouble);
    const empty = regressed ? { regressed: null } : { tests: null };
    if (printer.json) printer.document(SCHEMA, empty);
  } else if (regressed) showRegressed(printer, findRegressions(passes), limit);
  else showSlowest(printer, passes, limit);
  return EXIT.ok;
}

function showSlowest(
  printer: Printer,
  passes: ReadonlyMap<string, readonly Pass[]>,
  limit: number,
): void {
  const all = [...passes].map(([id, passes]) => (
    { id, seconds: typicalSeconds(passes), passes: passes.length }
  )).sort((a, b) => b.seconds - a.seconds);
  const tests = all.slice(0, limit);
  const totalSeconds = all.reduce((sum, test) => sum + test.seconds, 0);
  if (printer.json) return printer.document(SCHEMA, { tests, recorded: all.length, totalSeconds });
  if (all.length === 0) {
    return printer.line("No pass of a test is on record here yet: tractest run");
  }
  const together = `${secondsText(totalSeconds)} all together`;
  const how = `medians of up to ${PASSES} latest passes`;
  const head = `${tests.length} slowest of ${plural(all.length, "test")} on record`;
  printer.line(`${head}, ${together}; ${how}:`);
  const rows = tests.map(({ id, seconds }) => {
    return [`  ${secondsText(seconds).padStart(8)}`, shownId(id)];
  });
  printer.rows(rows);
}

function showRegressed(
  printer: Printer,
  { regressed, compared, tooFew }: Regressions,
  limit: number,
): void {
  const tests = regressed.slice(0, limit);
  if (printer.json) return printer.document(SCHEMA, { regressed: tests, compared, tooFew });
  if (regressed.length === 0) {
    printer.line(`No test became slower beyond noise: ${compared} compared.`);
  } else {
    const shown = `${tests.length} of ${plural(regressed.length, "test")} that became slower`;
    printer.line(`${shown}, of ${compared} compared:`);
    printer.rows(tests.map(cellsOf));
  }
  if (tooFew > 0) {
    const why = "runs that were short of CPU are left out";
    printer.note(`too few recorded passes to compare: ${plural(tooFew, "test")}; ${why}`);
  }
}

function cellsOf({ id, before, now, passes, p }: Regression): string[] {
  const change = `+${((now / before - 1) * 100).toFixed(0)}%`;
  const probability = p < 0.0001 ? "p < 0.0001" : `p = ${p.toFixed(4)}`;
  const proof = `${passes[1]} latest passes against ${passes[0]} before, ${probability}`;
  return [`  ${secondsText(before)} -> ${secondsText(now)}`, change, shownId(id), proof];
}

/** `tractest slow`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "slow",
  group: "understand",
  summary: "the slowest tests, and tests that became slower",
  usage: "tractest slow [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest slow", "by the median of their latest passes"],
    [
      "tractest slow --regressed",
      "tests whose latest passes took longer than earlier ones, beyond noise",
    ],
  ],
  exits: [0],
  row: "slow",
  isPaged: () => true,
  run: slow,
};
