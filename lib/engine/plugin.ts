import { join } from "@std/path";
import type { Host } from "../host/host.ts";
import pluginSource from "../plugin/tractest_events.py" with { type: "text" };
import { cacheDirectory, digest, usable } from "../project/directories.ts";

/** The module's name: what PYTEST_PLUGINS gets. */
const MODULE = "tractest_events";

/** What the plugin of one session is told. */
export interface PluginSettings {
  /** The file that it adds its events to. */
  readonly events: string;
  /** What it calls itself in them. */
  readonly session: string;
  /** The directory of the queue that hands out its tests; null: it runs what it collects. */
  readonly queue: string | null;
  /** Whether it tells which tests it is going to run, where no queue hands them out. */
  readonly tellsTests: boolean;
  /** Whether it has a pid namespace of its own, in which all processes are its. */
  readonly isolated: boolean;
  /** A private directory to keep the plugin in where there is no cache directory. */
  readonly otherwise: string;
}

/**
 * The variables that make pytest load the embedded plugin. It is put into a private directory that is named after its content, alone, so
 * that nothing else becomes importable; what stands there already is compared, never trusted.
 *
 * @param inherited the environment that pytest gets otherwise
 */
export async function pluginEnvironment(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  { events, session, queue, tellsTests, isolated, otherwise }: PluginSettings,
): Promise<Record<string, string>> {
  const name = `pytest-${await digest(pluginSource)}`;
  const cache = await usable(host, await cacheDirectory(host), name);
  const directory = cache ?? join(otherwise, name);
  if (cache === null) await host.makeDirectory(directory);
  const file = join(directory, `${MODULE}.py`);
  if (await host.readText(file) !== pluginSource) await host.writeFile(file, pluginSource);
  const before = (variable: string, own: string, separator: string) => [own, inherited.get(variable)].filter(Boolean).join(separator);
  return {
    TRACTEST_EVENTS: events,
    TRACTEST_SESSION: session,
    ...(queue === null ? {} : { TRACTEST_QUEUE: queue }),
    ...(tellsTests && queue === null ? { TRACTEST_TESTS: "1" } : {}),
    ...(isolated ? { TRACTEST_ISOLATED: "1" } : {}),
    PYTHONPATH: before("PYTHONPATH", directory, ":"),
    PYTEST_PLUGINS: before("PYTEST_PLUGINS", MODULE, ","),
  };
}
