import { nearest } from "../base/nearest.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { UsageError } from "../errors.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { readProject } from "./project_history.ts";
import { countRuns, recordsOf, resultsOf, runsOf, testsNamed } from "./queries.ts";
import { recordRun } from "./record.ts";
import { showRuns, showTest, showTests, warnUnreadable } from "./show.ts";

/** The options of `history`. */
export const OPTIONS = {
  ...WITH_JSON,
  limit: SHARED.limit,
  commit: { kind: "text", metavar: "COMMIT", doc: "only runs at this commit (a prefix is enough)" },
} as const satisfies OptionTable;

/** Their values. */
export type HistoryOptions = OptionsOf<typeof OPTIONS>;

/** Results of a test from which its duration is taken, however few are shown. */
const LEAST_RESULTS = 100;

/** `tractest history [TEST]`: the runs on record, or the outcomes of one test. */
export async function history({ host, line, printer }: Context<HistoryOptions>): Promise<ExitCode> {
  const [word, ...more] = line.operands;
  if (more.length > 0) {
    throw new UsageError(
      `"history" takes one test, not ${line.operands.length}`,
      "a part of an id shows all tests that have it",
    );
  }
  const filter = { limit: line.options.limit, commit: line.options.commit };
  const project = await findProject(host);
  await recordRun(host, printer, project, null);
  const { value, trouble } = await readProject(host, project, (database, id) => {
    if (word === undefined) {
      return { runs: runsOf(database, id, filter), all: countRuns(database, id) };
    }
    const named = testsNamed(database, id, word);
    const tests = named.includes(word) ? [word] : named;
    const enough = { ...filter, limit: Math.max(filter.limit, LEAST_RESULTS) };
    return {
      records: recordsOf(database, id, tests.slice(0, filter.limit)),
      matches: tests.length,
      results: tests.length === 1 ? resultsOf(database, id, tests[0]!, enough) : null,
      // For a mistyped name the nearest of all ids is suggested.
      ids: tests.length === 0 ? testsNamed(database, id, "") : [],
    };
  });
  if (trouble !== null) {
    warnUnreadable(printer, trouble);
    if (printer.json) printer.document("tractest.history/1", { runs: null, recorded: null });
  } else if (value === null || "runs" in value) {
    showRuns(printer, value?.runs ?? [], value?.all ?? 0);
  } else if (value.matches === 0) {
    throw new UsageError(
      `No test on record has "${word}" in its id`,
      `nearest: ${nearestNames(word!, value.ids).join(", ")}`,
    );
  } else if (value.results !== null) showTest(printer, value.records[0]!, value.results, filter);
  else showTests(printer, value.records, value.matches);
  return EXIT.ok;
}

/** The nearest ids, or for a word that is not an id the nearest names of tests. */
function nearestNames(word: string, ids: readonly string[]): readonly string[] {
  const nameOf = (id: string) => id.split("[", 1)[0]!.split("::").at(-1)!;
  const names = word.includes("::") ? ids : [...new Set(ids.map(nameOf))];
  return nearest(word, names).slice(0, 3);
}

/** `tractest history`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "history",
  group: "understand",
  summary: "recorded runs, or the recorded outcomes of a test",
  usage: "tractest history [TEST] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["tests"] },
  examples: [
    ["tractest history", "the latest runs"],
    [
      "tractest history test_server.py::test_restart",
      "one test: its failure rate and outcomes, newest first",
    ],
    ["tractest history test_server", "all tests whose id contains this"],
    ["tractest history --commit 6d0d0d5", "the runs at a commit"],
  ],
  exits: [0],
  row: "history",
  isPaged: () => true,
  run: history,
};
