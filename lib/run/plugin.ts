import { join } from "@std/path";
import type { Host } from "../host/host.ts";
import pluginSource from "../plugin/tractest_events.py" with { type: "text" };
import { cacheDirectory, digest, usable } from "../project/directories.ts";

/** The module's name: what PYTEST_PLUGINS gets. */
const MODULE = "tractest_events";

/**
 * The variables that make pytest load the embedded plugin and write its events to a file. The plugin is put into a private directory that
 * is named after its content, alone, so that nothing else becomes importable; what stands there already is compared, never trusted.
 *
 * @param inherited the environment that pytest gets otherwise
 * @param otherwise a private directory to use where there is no cache directory
 */
export async function pluginEnvironment(
  host: Host,
  inherited: ReadonlyMap<string, string>,
  eventsFile: string,
  otherwise: string,
): Promise<Record<string, string>> {
  const name = `pytest-${await digest(pluginSource)}`;
  const cache = await usable(host, await cacheDirectory(host), name);
  const directory = cache ?? join(otherwise, name);
  if (cache === null) await host.makeDirectory(directory);
  const file = join(directory, `${MODULE}.py`);
  if (await host.readText(file) !== pluginSource) await host.writeFile(file, pluginSource);
  const before = (variable: string, own: string, separator: string) => [own, inherited.get(variable)].filter(Boolean).join(separator);
  return {
    TRACTEST_EVENTS: eventsFile,
    PYTHONPATH: before("PYTHONPATH", directory, ":"),
    PYTEST_PLUGINS: before("PYTEST_PLUGINS", MODULE, ","),
  };
}
