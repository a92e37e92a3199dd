import { lastPart } from "../base/paths.ts";
import type { ProjectRoot } from "../project/rules_root.ts";
import { resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { findRoot } from "../project/project.ts";
import type { TestTree } from "../project/rules_targets.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { fromRoot, readOwnRecord, readRecord, type Recorded } from "../pytest/read_lastfailed.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { shownId } from "../terminal/wrap.ts";

/** The options of `failed`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  run: SHARED.run,
  limit: { kind: "count", least: 1, doc: "list at most so many; --json has all" },
  rootdir: {
    kind: "directory",
    doc: "the --rootdir that pytest ran with: the root of its cache and ids",
  },
} as const satisfies OptionTable;

/** Their values. */
export type FailedOptions = OptionsOf<typeof OPTIONS>;

const SCHEMA = "tractest.failed/1";

/** `tractest failed`: the failures in pytest's cache; starts no program and collects nothing. */
export async function failed(context: Context<FailedOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const project = await findRoot(host);
  const typed = line.options.rootdir;
  const rootdir = typed === null ? project.root : resolve(host.cwd, typed);
  const recorded = typed === null
    ? await readOwnRecord(host, project)
    : await readRecord(host, project, rootdir);
  const { tests, missing, source, found, unreadable } = recorded;
  if (unreadable !== null) {
    printer.warn(`"${escapeText(source)}" counts as empty: ${escapeText(unreadable)}`);
  }
  if (line.options.run) return await runAgain(context, project, rootdir, recorded);
  if (printer.json) {
    const count = tests.length;
    printer.document(SCHEMA, { count, tests, missing, source, found, unreadable });
    return EXIT.ok;
  }
  if (tests.length === 0) printer.line(noneText(found));
  // As the recipe prints it that this command replaces, so that what reads that reads this.
  else printer.line(`${tests.length} last-failed test(s):`);
  const gone = new Set(missing);
  const mark = printer.paint("yellow", "  (its file no longer exists)");
  const listed = tests.slice(0, line.options.limit ?? tests.length);
  for (const test of listed) printer.line(`  ${shownId(test)}${gone.has(test) ? mark : ""}`);
  if (listed.length < tests.length) printer.line(`  … and ${tests.length - listed.length} more`);
  if (missing.length > 0) await hintAtMoves(context, missing);
  return EXIT.ok;
}

function noneText(found: boolean): string {
  return found ? "No failures recorded." : "No lastfailed cache found.";
}

async function runAgain(
  context: Context<FailedOptions>,
  project: ProjectRoot,
  rootdir: string,
  { tests, missing, found }: Recorded,
): Promise<ExitCode> {
  const { host, printer } = context;
  const kept = tests.filter((test) => !missing.includes(test));
  if (missing.length > 0) {
    const left = missing.map(escapeText).join(", ");
    printer.note(`left out, since their files no longer exist: ${left}`);
  }
  if (kept.length === 0) {
    printer.note(`${noneText(found).replace(/\.$/, "")}: nothing to run.`);
    if (printer.json) {
      printer.document(SCHEMA, { count: tests.length, tests, missing, ran: false });
    }
    return EXIT.ok;
  }
  const { rerun } = await import("./rerun.ts");
  const targets = kept.map((test) => fromRoot(project, rootdir, test));
  const rooted = rootdir === project.root ? [] : [`--rootdir=${rootdir}`];
  const configured = await configurationWords(host, project, targets);
  return await rerun(context, targets, [...rooted, ...configured]);
}

/** Words for pytest to use the root's configuration, where it would use another for the targets. */
async function configurationWords(
  host: Host,
  project: ProjectRoot,
  targets: readonly string[],
): Promise<string[]> {
  if (project.pytest === null) return [];
  const { configurationOf } = await import("../project/rules_targets.ts");
  const isOther = configurationOf(targets, await testTreeOf(host)) !== null;
  return isOther ? ["-c", project.pytest.file] : [];
}

/** Hints at files that have the names of missing ones. */
async function hintAtMoves({ host, printer }: Context, missing: readonly string[]): Promise<void> {
  const { findByName } = await import("../project/rules_targets.ts");
  const tree = await testTreeOf(host);
  for (const file of new Set(missing.map(fileOf))) {
    const places = findByName(lastPart(file), tree);
    const names = places.map((place) => `"${escapeText(place)}"`).join(" or ");
    if (places.length > 0) printer.hint(`"${escapeText(file)}" is now ${names}`);
  }
}

async function testTreeOf(host: Host): Promise<TestTree> {
  const [{ findProject }, { testTree }] = await Promise.all([
    import("../project/project.ts"),
    import("../project/targets.ts"),
  ]);
  return await testTree(host, await findProject(host));
}

/** `tractest failed`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "failed",
  group: "understand",
  summary: "the failures that pytest recorded, without running it",
  usage: "tractest failed [OPTIONS]",
  options: OPTIONS,
  examples: [["tractest failed", "list"], ["tractest failed --run", "re-run exactly these"]],
  exits: [0],
  row: ({ options }) => options.run ? "run" : "failed",
  isPaged: ({ options }) => !options.run,
  run: failed,
};
