import type { Override } from "../project/configuration_keys.ts";
import { meansTest } from "./rules_parallel.ts";

/** What the configuration says about one test; what it does not say is as for all tests. */
export type TestSettings = Omit<Override, "filter">;

/**
 * What the configuration says about each test: of each setting, the first override that names the
 * test and has it.
 */
export function settingsOfTests(overrides: readonly Override[]): (id: string) => TestSettings {
  const known = new Map<string, TestSettings>();
  return (id) => {
    let settings = known.get(id);
    if (settings === undefined) known.set(id, settings = settingsOf(overrides, id));
    return settings;
  };
}

function settingsOf(overrides: readonly Override[], id: string): TestSettings {
  const named = overrides.filter(({ filter }) => filter.some((text) => isMeant(text, id)));
  return Object.assign({}, ...named.map(({ filter: _, ...settings }) => settings).reverse());
}

/** Whether a pattern names a test, by its id or by what stands after the name of its file. */
function isMeant(pattern: string, id: string): boolean {
  if (meansTest(pattern, id)) return true;
  const bracket = id.indexOf("[");
  const [plain, parameters] = bracket < 0 ? [id, ""] : [id.slice(0, bracket), id.slice(bracket)];
  const [, ...names] = plain.split("::");
  return names.some((_, index) => meansTest(pattern, names.slice(index).join("::") + parameters));
}
