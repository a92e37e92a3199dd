import type { OptionsOf } from "../command_line/options.ts";
import { secondsText } from "../history/extent.ts";
import { escapeText } from "../base/escape.ts";
import {
  COMPARED_PASSES,
  findRegressions,
  type Pass,
  type Regression,
  type Regressions,
} from "../history/rules_regression.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";
import type { Context } from "../command_line/context.ts";
import { PASSES, readProject, typicalSeconds } from "../history/project_history.ts";
import { recentPasses } from "../history/queries.ts";
import { findProject } from "../project/project.ts";

/** The options of `slow`. */
export type SlowOptions = OptionsOf<"slow">;

/** `tractest slow`: the slowest tests by what is on record, or those that became slower. */
export async function slow(context: Context<SlowOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const limit = line.options.limit;
  const project = await findProject(host);
  const calm = line.options.regressed;
  const wanted = calm ? COMPARED_PASSES : PASSES;
  const { value, trouble } = await readProject(
    host,
    project,
    (database, id) => recentPasses(database, id, {}, wanted, { calm }),
  );
  if (trouble !== null) printer.warn(`the history can't be read: ${escapeText(trouble)}`);
  if (trouble !== null && printer.json) {
    printer.document(
      "tractest.slow/1",
      line.options.regressed ? { regressed: null } : { tests: null },
    );
  }
  if (trouble !== null) return EXIT.ok;
  const passes = value ?? new Map<string, Pass[]>();
  if (line.options.regressed) showRegressed(context, findRegressions(passes), limit);
  else showSlowest(context, passes, limit);
  return EXIT.ok;
}

function showSlowest(
  { printer }: Context,
  passes: ReadonlyMap<string, readonly Pass[]>,
  limit: number,
): void {
  const all = [...passes].map(([id, of]) => ({
    id,
    seconds: typicalSeconds(of),
    passes: of.length,
  })).sort((a, b) => b.seconds - a.seconds);
  const tests = all.slice(0, limit);
  const total = all.reduce((sum, test) => sum + test.seconds, 0);
  if (printer.json) {
    return printer.document("tractest.slow/1", {
      tests,
      recorded: all.length,
      totalSeconds: total,
    });
  }
  if (all.length === 0) {
    return printer.line("No pass of a test is on record here yet: tractest run");
  }
  printer.line(
    `${tests.length} slowest of ${all.length} test(s) on record, ${
      secondsText(total)
    } all together; medians of up to ${PASSES} latest passes:`,
  );
  for (
    const row of columns(
      tests.map(({ id, seconds }) => [`  ${secondsText(seconds).padStart(8)}`, escapeText(id)]),
    )
  ) printer.line(row);
}

function showRegressed(
  { printer }: Context,
  { regressed, compared, tooFew }: Regressions,
  limit: number,
): void {
  const tests = regressed.slice(0, limit);
  if (printer.json) {
    return printer.document("tractest.slow/1", { regressed: tests, compared, tooFew });
  }
  if (regressed.length === 0) {
    printer.line(`No test became slower beyond noise: ${compared} compared.`);
  } else {
    printer.line(
      `${tests.length} of ${regressed.length} test(s) that became slower, of ${compared} compared:`,
    );
    for (const row of columns(tests.map(cellsOf))) printer.line(row);
  }
  if (tooFew > 0) {
    printer.note(
      `${tooFew} test(s) have too few recorded passes to tell; runs that were short of CPU are left out`,
    );
  }
}

function cellsOf({ id, before, now, passes, p }: Regression): string[] {
  const share = `+${((now / before - 1) * 100).toFixed(0)}%`;
  const proof = `${passes[1]} latest passes against ${passes[0]} before, p ${
    p < 0.0001 ? "< 0.0001" : `= ${p.toFixed(4)}`
  }`;
  return [`  ${secondsText(before)} -> ${secondsText(now)}`, share, escapeText(id), proof];
}
