import { join } from "@std/path";
import type { Host } from "../system/host.ts";
import events from "./plugin/tractest_events.py" with { type: "text" };
import ids from "./plugin/tractest_ids.py" with { type: "text" };
import plugin from "./plugin/tractest_plugin.py" with { type: "text" };
import { cacheDirectory, digest, usable } from "../project/directories.ts";

/** The module that PYTEST_PLUGINS gets. */
const MODULE = "tractest_plugin";
/** The texts of the modules, by their files. */
const SOURCES = {
  [`${MODULE}.py`]: plugin,
  "tractest_events.py": events,
  "tractest_ids.py": ids,
} as const;

/** What the plugin of one session is told. */
export interface PluginSettings {
  /** The file that it adds its events to. */
  readonly events: string;
  /** What it calls itself in them. */
  readonly session: string;
  /** The directory of the queue that hands out its tests; null: it runs what it collects. */
  readonly queue: string | null;
  /** Whether it has a pid namespace of its own, in which all processes are its. */
  readonly isolated: boolean;
  /** A private directory to keep the plugin in where there is no cache directory. */
  readonly otherwise: string;
}

/**
 * The variables that make pytest load the embedded plugin. It is put into a private directory that
 * is named after its content, alone, so that nothing else becomes importable; what stands there
 * already is compared, never trusted.
 *
 * @param inherited the environment that pytest gets otherwise
 */
export async function pluginEnvironment(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  { events, session, queue, isolated, otherwise }: PluginSettings,
): Promise<Record<string, string>> {
  const name = `pytest-${await digest(plugin + events + ids)}`;
  const cache = await usable(host, await cacheDirectory(host), name);
  const directory = cache ?? join(otherwise, name);
  if (cache === null) await host.files.makeDirectory(directory);
  for (const [name, text] of Object.entries(SOURCES)) {
    const file = join(directory, name);
    if (await host.files.readText(file) !== text) await host.files.writeFile(file, text);
  }
  const before = (variable: string, own: string, separator: string) =>
    [own, inherited.get(variable)].filter(Boolean).join(separator);
  return {
    TRACTEST_EVENTS: events,
    TRACTEST_SESSION: session,
    ...(queue === null ? {} : { TRACTEST_QUEUE: queue }),
    ...(isolated ? { TRACTEST_ISOLATED: "1" } : {}),
    PYTHONPATH: before("PYTHONPATH", directory, ":"),
    PYTEST_PLUGINS: before("PYTEST_PLUGINS", MODULE, ","),
  };
}
