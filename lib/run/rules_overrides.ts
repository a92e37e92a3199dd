import type { IsolationWish, Override } from "../project/configuration_keys.ts";
import { meansTest } from "./rules_parallel.ts";

/** What the configuration says about one test; what it does not say is as for all tests. */
export type TestSettings = Omit<Override, "filter" | "isolate">;

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
  const settings = named.map(({ filter: _, isolate: __, ...settings }) => settings);
  return Object.assign({}, ...settings.reverse());
}

/** A pattern that names every test. */
const EVERY = "**";

/**
 * The configuration of a run where an override takes tests out of the isolation of all: then the
 * others ask for it, each for itself.
 */
export function withExemptions<Settings extends IsolationSettings>(settings: Settings): Settings {
  const { isolate, overrides } = settings;
  const exempts = overrides.some((one) => one.isolate === "never");
  if (isolate === null || isolate === "never" || !exempts) return settings;
  return {
    ...settings,
    isolate: null,
    overrides: [...overrides, { filter: [EVERY], isolate }],
  };
}

/** The keys of the configuration that decide which tests are isolated. */
export interface IsolationSettings {
  readonly isolate: IsolationWish | null;
  readonly overrides: readonly Override[];
}

/** The isolation that some tests of a run ask for. */
export interface AskedIsolation {
  readonly wish: "always" | "auto";
  /** All of its tests do, by the files that pytest collects. */
  readonly isOfAll: boolean;
}

/**
 * The isolation that the overrides ask for where a run may have one of their tests; null for none.
 *
 * @param collected files and directories that pytest collects; undefined: the whole suite
 */
export function isolationOfTests(
  overrides: readonly Override[],
  collected: readonly string[] | undefined,
): AskedIsolation | null {
  const naming = overrides.filter(({ isolate, filter }) =>
    isolate !== undefined && (collected === undefined ||
      filter.some((pattern) => collected.some((path) => mayHold(path, pattern))))
  );
  const asking = naming.filter(({ isolate }) => isolate !== "never");
  if (asking.length === 0) return null;
  const isOfAll = collected !== undefined && asking.length === naming.length &&
    collected.every((path) =>
      asking.some(({ filter }) => filter.some((pattern) => holdsAll(path, pattern)))
    );
  const isStrict = asking.some(({ isolate }) => isolate === "always");
  return { wish: isStrict ? "always" : "auto", isOfAll };
}

/** Whether the overrides isolate a test: the first that names it and says so decides. */
export function isolatesTest(overrides: readonly Override[]): (id: string) => boolean {
  const saying = overrides.filter(({ isolate }) => isolate !== undefined);
  const known = new Map<string, boolean>();
  return (id) => {
    let isIsolated = known.get(id);
    if (isIsolated === undefined) {
      const first = saying.find(({ filter }) => filter.some((text) => isMeant(text, id)));
      known.set(id, isIsolated = first !== undefined && first.isolate !== "never");
    }
    return isIsolated;
  };
}

/** Whether a pattern names all tests of a file, or below a directory. */
function holdsAll(path: string, pattern: string): boolean {
  return isMeant(pattern.replace(/::\*+$/, ""), path);
}

/** Whether a test that a pattern names may be in a file, or below a directory. */
function mayHold(path: string, pattern: string): boolean {
  const [file = ""] = pattern.split("::");
  const namesFile = file.endsWith(".py") || file.includes("/");
  return !namesFile || !path.endsWith(".py") || isMeant(file, path);
}

/** Whether a pattern names a test: its directory, its id, or what follows the file's name. */
function isMeant(pattern: string, id: string): boolean {
  if (meansTest(pattern, id) || id.startsWith(pattern.replace(/\/*$/, "/"))) return true;
  const bracket = id.indexOf("[");
  const [plain, parameters] = bracket < 0 ? [id, ""] : [id.slice(0, bracket), id.slice(bracket)];
  const [, ...names] = plain.split("::");
  return names.some((_, index) => meansTest(pattern, names.slice(index).join("::") + parameters));
}
