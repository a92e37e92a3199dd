import type { OptionsOf } from "../command_line/options.ts";
import { join, relative, resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { readRecord, type Recorded } from "../pytest/read_lastfailed.ts";
import { findRoot, type ProjectRoot } from "../project/project.ts";

/** The options of `failed`. */
export type FailedOptions = OptionsOf<"failed">;

/**
 * `tractest failed`: what pytest recorded as failed in its last runs, read from its cache; no
 * program is started, nothing is collected.
 */
export async function failed(context: Context<FailedOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const project = await findRoot(host);
  const typed = line.options.rootdir;
  const rootdir = typed === null ? project.root : resolve(host.cwd, typed);
  const recorded = await readRecord(host, project, rootdir);
  if (recorded.unreadable !== null) {
    printer.warn(
      `"${escapeText(recorded.source)}" counts as empty: ${escapeText(recorded.unreadable)}`,
    );
  }
  if (line.options.run) return await runAgain(context, project, rootdir, recorded);
  const { tests, missing, source, found, unreadable } = recorded;
  if (printer.json) {
    printer.document("tractest.failed/1", {
      count: tests.length,
      tests,
      missing,
      source,
      found,
      unreadable,
    });
    return EXIT.ok;
  }
  const gone = new Set(missing);
  const lines = tests.map((test) =>
    `  ${escapeText(test)}${gone.has(test) ? printer.paint("yellow", GONE) : ""}`
  );
  const head = !found
    ? "No lastfailed cache found."
    : tests.length === 0
    ? "No failures recorded."
    : `${tests.length} last-failed test(s):`;
  printer.line([head, ...lines].join("\n"));
  if (missing.length > 0) await sayWhereTheyWent(context, missing);
  return EXIT.ok;
}

const GONE = "  (its file no longer exists)";

async function runAgain(
  context: Context<FailedOptions>,
  project: ProjectRoot,
  rootdir: string,
  { tests, missing, found }: Recorded,
): Promise<ExitCode> {
  const { printer } = context;
  const kept = tests.filter((test) => !missing.includes(test));
  if (missing.length > 0) {
    printer.note(
      `left out, since their files no longer exist: ${missing.map(escapeText).join(", ")}`,
    );
  }
  if (kept.length === 0) {
    printer.note(
      found
        ? "No failures recorded: nothing to run."
        : "No lastfailed cache found: nothing to run.",
    );
    if (printer.json) {
      printer.document("tractest.failed/1", { count: tests.length, tests, missing, ran: false });
    }
    return EXIT.ok;
  }
  const { rerun } = await import("./rerun.ts");
  const targets = kept.map((test) =>
    relative(project.root, join(rootdir, fileOf(test))) + test.slice(fileOf(test).length)
  );
  const rooted = rootdir === project.root ? [] : [`--rootdir=${rootdir}`];
  return await rerun(context, targets, [
    ...rooted,
    ...await sameConfiguration(context, project, targets),
  ]);
}

/**
 * What makes pytest take the root's configuration, with which the tests failed, where it would take
 * another one for some of them alone.
 */
async function sameConfiguration(
  { host }: Context,
  project: ProjectRoot,
  targets: readonly string[],
): Promise<string[]> {
  if (project.pytest === null) return [];
  const [{ findProject }, { testTree }, { configurationOf }] = await Promise.all([
    import("../project/project.ts"),
    import("../project/targets.ts"),
    import("../project/rules_targets.ts"),
  ]);
  const tree = await testTree(host, await findProject(host));
  return configurationOf(targets, tree) === null ? [] : ["-c", project.pytest.file];
}

async function sayWhereTheyWent(
  { host, printer }: Context,
  missing: readonly string[],
): Promise<void> {
  const [{ findProject }, { testTree }, { findByName }] = await Promise.all([
    import("../project/project.ts"),
    import("../project/targets.ts"),
    import("../project/rules_targets.ts"),
  ]);
  const tree = await testTree(host, await findProject(host));
  for (const file of new Set(missing.map(fileOf))) {
    const places = findByName(file.slice(file.lastIndexOf("/") + 1), tree);
    if (places.length > 0) {
      printer.hint(
        `"${escapeText(file)}" is now ${
          places.map((place) => `"${escapeText(place)}"`).join(" or ")
        }`,
      );
    }
  }
}
