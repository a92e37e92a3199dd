import type { Host } from "../system/host.ts";
import { embeddedDirectory } from "../project/directories.ts";
import { PLUGIN_FILES, PLUGIN_MODULE } from "./plugin_source.ts";

/** The variable that names a directory in which the session keeps pytest's cache. */
export const OWN_CACHE = "TRACTEST_CACHE";
/** The variable of a session that runs a part of all tests, whatever failed last. */
export const PART = "TRACTEST_PART";

/** Settings of the plugin in one session. */
export interface PluginSettings {
  /** The file for its events. */
  readonly events: string;
  /** The name of the session in them. */
  readonly session: string;
  /** The directory of the queue that hands out its tests; null: it runs what it collects. */
  readonly queue: string | null;
  /** The file of the place that it shares for temporary directories; null: it has its own. */
  readonly temporary: string | null;
  /** Whether the session has a pid namespace of its own. */
  readonly isolated: boolean;
  /** A private directory to keep the plugin in where there is no cache directory. */
  readonly otherwise: string;
}

/**
 * The variables that make pytest load the embedded plugin. The plugin is alone in a private
 * directory, so that nothing else becomes importable.
 *
 * @param inherited the environment that pytest gets otherwise
 */
export async function pluginEnvironment(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  { events, session, queue, temporary, isolated, otherwise }: PluginSettings,
): Promise<Record<string, string>> {
  const directory = await embeddedDirectory(host, "pytest", PLUGIN_FILES, otherwise);
  const before = (variable: string, own: string, separator: string) =>
    [own, inherited.get(variable)].filter(Boolean).join(separator);
  return {
    TRACTEST_EVENTS: events,
    TRACTEST_SESSION: session,
    ...(queue === null ? {} : { TRACTEST_QUEUE: queue }),
    ...(temporary === null ? {} : { TRACTEST_TEMPORARY: temporary }),
    ...(isolated ? { TRACTEST_ISOLATED: "1" } : {}),
    PYTHONPATH: before("PYTHONPATH", directory, ":"),
    PYTEST_PLUGINS: before("PYTEST_PLUGINS", PLUGIN_MODULE, ","),
  };
}
