import { shellCommand } from "../base/escape.ts";
import { plainId } from "../pytest/lastfailed.ts";
import { nearest } from "../base/nearest.ts";
import { optionNames } from "../command_line/run_words.ts";
import { PLUGIN_OPTIONS } from "../tables/plugin_options.ts";

/** A failed run, as {@linkcode nextCommand} needs it. */
export interface FailedRun {
  /** Whether pytest recorded the failures: a killed session did not. */
  readonly recorded: boolean;
  readonly failedIds: readonly string[];
  /** Options of tractest that the failure may depend on. */
  readonly keep: readonly string[];
}

/** How many ids are worth typing. */
const TYPED_IDS = 3;

/** The command that reruns the failures; null if none are known. */
export function nextCommand({ recorded, failedIds, keep }: FailedRun): string | null {
  // A conftest.py cannot be run.
  const ids = [...new Set(failedIds)].filter((id) => !/(^|\/)conftest\.py$/.test(id));
  if (ids.length === 0) return null;
  if (recorded) return shellCommand(["tractest", "run", "--lf", ...keep]);
  return ids.length <= TYPED_IDS ? shellCommand(["tractest", "run", ...keep, ...ids]) : null;
}

/** A typed id of no test, and the most similar ids. */
export interface NotFound {
  readonly id: string;
  readonly nearest: readonly string[];
}

/** How many similar ids are shown. */
const NEAREST = 3;

/**
 * Finds the ids of a command that belong to no test.
 *
 * @param offered ids of the tests and classes that pytest found instead
 */
export function notFound(argv: readonly string[], offered: readonly string[]): NotFound[] {
  if (offered.length === 0) return [];
  const fits = (id: string) => {
    const plain = plainId(id);
    return offered.some((other) =>
      other === plain || other.startsWith(`${plain}::`) || other.startsWith(`${plain}[`)
    );
  };
  return argv.filter((word) => /^[^-].*::/s.test(word) && !fits(word)).map((id) => ({
    id,
    nearest: nearest(id, id.includes("[") ? offered : withoutParameters(offered)).slice(0, NEAREST),
  }));
}

/**
 * What to do where pytest refused a command line, for each option that it has only with a plugin.
 *
 * @param argv the command of pytest
 * @param install the command that installs a package
 */
export async function pluginHints(
  argv: readonly string[],
  install: (plugin: string) => Promise<string>,
): Promise<string[]> {
  const given = optionNames(argv);
  const hints = PLUGIN_OPTIONS.map(async ({ options, plugin, instead }) => {
    const option = options.find((name) => given.has(name));
    if (option === undefined) return [];
    const or = instead === null ? "" : `; or without it: ${instead}`;
    return [`pytest has ${option} only with ${plugin} (${await install(plugin)})${or}`];
  });
  return (await Promise.all(hints)).flat();
}

/** The ids of tests as they are typed for all of their parameters, each once. */
function withoutParameters(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => id.replace(/\[.*$/s, "")))];
}
