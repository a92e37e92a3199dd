import { join, relative, resolve } from "@std/path";
import { escapeText } from "../core/escape.ts";
import { fileOf, type LastFailed, LASTFAILED_SIZE_LIMIT, readLastFailed } from "../core/lastfailed.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../context.ts";
import { findRoot, type ProjectRoot } from "../project/project.ts";

/** The record, where it lies, and what of it is gone. */
interface Recorded extends LastFailed {
  /** Absolute path of `lastfailed`, whether or not it is there. */
  readonly source: string;
  readonly found: boolean;
  /** Tests whose file no longer exists. */
  readonly missing: readonly string[];
}

/** `tractest failed`: what pytest recorded as failed in its last runs, read from its cache; no program is started, nothing is collected. */
export async function failed(context: Context): Promise<ExitCode> {
  const { host, line, printer } = context;
  const project = await findRoot(host);
  const typed = line.value("rootdir");
  const rootdir = typed === undefined ? project.root : resolve(host.cwd, typed);
  const recorded = await readRecord(host, project, rootdir);
  if (recorded.unreadable !== null) {
    printer.warn(`"${escapeText(recorded.source)}" counts as empty: ${escapeText(recorded.unreadable)}`);
  }
  if (line.has("run")) return await runAgain(context, project, rootdir, recorded);
  const { tests, missing, source, found, unreadable } = recorded;
  if (printer.json) {
    printer.document("tractest.failed/1", { count: tests.length, tests, missing, source, found, unreadable });
    return EXIT.ok;
  }
  const gone = new Set(missing);
  const lines = tests.map((test) => `  ${escapeText(test)}${gone.has(test) ? printer.paint("yellow", GONE) : ""}`);
  const head = !found ? "No lastfailed cache found." : tests.length === 0 ? "No failures recorded." : `${tests.length} last-failed test(s):`;
  printer.line([head, ...lines].join("\n"));
  if (missing.length > 0) await sayWhereTheyWent(context, missing);
  return EXIT.ok;
}

const GONE = "  (its file no longer exists)";

async function readRecord(host: Host, project: ProjectRoot, rootdir: string): Promise<Recorded> {
  const configured = project.pytest?.cacheDirectory ?? ".pytest_cache";
  const home = configured.startsWith("~") || configured.includes("$") ? host.env("HOME") : undefined;
  const source = join(resolve(rootdir, withHome(configured, home)), "v", "cache", "lastfailed");
  const paths = project.pytest?.testPaths ?? [];
  const directories = paths.length > 0 ? paths.map((path) => join(project.root, path)) : [project.testsDirectory];
  const record = await readFile(host, source, directories.map((directory) => prefixOf(rootdir, directory)));
  if (!record) return { tests: [], unreadable: null, source, found: false, missing: [] };
  const files = [...new Set(record.tests.map(fileOf))];
  const gone = new Set<string>();
  await Promise.all(files.map(async (file) => {
    if (await host.stat(join(rootdir, file)).catch(() => null) === null) gone.add(file);
  }));
  return { ...record, source, found: true, missing: record.tests.filter((test) => gone.has(fileOf(test))) };
}

/** Null when nothing is there. What can't be read counts as empty: this report never stands in the way. */
async function readFile(host: Host, source: string, prefixes: readonly string[]): Promise<LastFailed | null> {
  try {
    const status = await host.stat(source);
    if (status === null) return null;
    if (status.kind !== "file") return { tests: [], unreadable: "it is no file" };
    if (status.size > LASTFAILED_SIZE_LIMIT) return { tests: [], unreadable: `it has ${status.size} bytes, which no record of failed tests has` };
    const bytes = await host.readFile(source);
    return bytes && readLastFailed(bytes, prefixes);
  } catch (error) {
    if (error instanceof TractestError) return { tests: [], unreadable: error.message };
    throw error;
  }
}

/** How ids begin that lie in a tests directory: relative to pytest's rootdir, which may be that directory or lie in it. */
function prefixOf(rootdir: string, directory: string): string {
  const path = relative(rootdir, directory);
  return path === "" || path.startsWith("..") ? "" : `${path}/`;
}

/** pytest expands `~` and variables in `cache_dir`; of those only HOME is known here. */
function withHome(path: string, home: string | undefined): string {
  return home === undefined ? path : path.replace(/^~(?=\/|$)|\$HOME\b|\$\{HOME\}/g, home);
}

async function runAgain(context: Context, project: ProjectRoot, rootdir: string, { tests, missing, found }: Recorded): Promise<ExitCode> {
  const { printer } = context;
  const kept = tests.filter((test) => !missing.includes(test));
  if (missing.length > 0) {
    printer.note(`left out, since their files no longer exist: ${missing.map(escapeText).join(", ")}`);
  }
  if (kept.length === 0) {
    printer.note(found ? "No failures recorded: nothing to run." : "No lastfailed cache found: nothing to run.");
    if (printer.json) printer.document("tractest.failed/1", { count: tests.length, tests, missing, ran: false });
    return EXIT.ok;
  }
  const { rerun } = await import("./rerun.ts");
  const targets = kept.map((test) => relative(project.root, join(rootdir, fileOf(test))) + test.slice(fileOf(test).length));
  return await rerun(context, targets, rootdir === project.root ? [] : [`--rootdir=${rootdir}`]);
}

async function sayWhereTheyWent({ host, printer }: Context, missing: readonly string[]): Promise<void> {
  const [{ findProject }, { testTree }, { findByName }] = await Promise.all([
    import("../project/project.ts"),
    import("../project/targets.ts"),
    import("../core/targets.ts"),
  ]);
  const tree = await testTree(host, await findProject(host));
  for (const file of new Set(missing.map(fileOf))) {
    const places = findByName(file.slice(file.lastIndexOf("/") + 1), tree);
    if (places.length > 0) printer.hint(`"${escapeText(file)}" is now ${places.map((place) => `"${escapeText(place)}"`).join(" or ")}`);
  }
}
