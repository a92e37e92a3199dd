import { type Conflict, excludesSeveral } from "./rules_parallel.ts";
import { optionNames, splitRunWords } from "../command_line/run_words.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import { UsageError } from "../errors.ts";
import { CANNOT_SHARE, LEAVING_OUT, OWN_FILES, WORKERS } from "../tables/pytest_options.ts";
import type { SessionPurpose } from "../pytest/events.ts";
import { TOGETHER, type Together } from "../pytest/work.ts";
import { shellSplit } from "../base/shell_split.ts";

/** An option that pytest gets from a file or the environment, not from the command line. */
export interface UnseenOption {
  readonly name: string;
  /** Null for one without a value. */
  readonly value: string | null;
  /** As written in its source. */
  readonly text: string;
  /** `addopts in pyproject.toml`. */
  readonly source: string;
}

/** Where pytest gets its options. */
export interface UnseenSources {
  /** pytest's configuration; null without one. */
  readonly configured: {
    readonly file: string;
    readonly addopts: string;
    readonly logFile: string | null;
  } | null;
  /** `PYTEST_ADDOPTS`. */
  readonly environment: string | undefined;
  /** pytest's words as typed: `-o addopts=…` overrides the configuration. */
  readonly typed: readonly string[];
}

/** The options that were not typed, in pytest's order: the last of a name counts. */
export function unseenOptions(
  { configured, environment = "", typed }: UnseenSources,
): UnseenOption[] {
  const overridden = optionsIn(typed, "typed").flatMap(({ name, value }) =>
    ["-o", "--override-ini"].includes(name) ? [value ?? ""] : []
  );
  const overriding = (key: string) =>
    overridden.findLast((setting) => setting.startsWith(`${key}=`))?.slice(key.length + 1);
  const place = (key: string) => `${key} in ${configured?.file ?? "the configuration"}`;
  const addopts = overriding("addopts") ?? configured?.addopts ?? "";
  const value = overriding("log_file") ?? configured?.logFile ?? "";
  const text = `log_file = ${value}`;
  return [
    ...(value === "" ? [] : [{ name: "--log-file", value, text, source: place("log_file") }]),
    ...optionsIn(shellSplit(addopts), place("addopts")),
    ...optionsIn(shellSplit(environment), "PYTEST_ADDOPTS"),
  ];
}

/** The configuration file that was typed for pytest, `-c FILE`; null if none was. */
export function givenFile(typed: readonly string[]): string | null {
  return optionsIn(typed, "typed").findLast(({ name }) => ["-c", "--config-file"].includes(name))
    ?.value ?? null;
}

/** Parses pytest's options: `-xn 8` is `-x`, and `-n` with `8`. */
function optionsIn(words: readonly string[], source: string): UnseenOption[] {
  return splitRunWords(words, []).words.flatMap((item) => {
    if (item.kind !== "pytest") return [];
    const [word = "", next] = item.words;
    const text = item.words.join(" ");
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      if (equals < 0) return [{ name: word, value: next ?? null, text, source }];
      return [{ name: word.slice(0, equals), value: word.slice(equals + 1), text, source }];
    }
    const [, flags = word.slice(1), letter = null, rest = ""] = VALUED.exec(word) ?? [];
    const value = rest === "" ? next ?? null : rest.replace(/^=/, "");
    return [
      ...[...flags].map((flag) => ({ name: `-${flag}`, value: null, text, source })),
      ...(letter === null ? [] : [{ name: `-${letter}`, value, text, source }]),
    ];
  });
}

/** A cluster of short options: flags, the first option with a value, and the value. */
const VALUED = /^-([A-Za-z]*?)([nkmpcorW])(.*)$/s;

/** How several pytests avoid sharing files and workers that options name. */
export interface OwnPlaces {
  /**
   * Additional words for one of several pytests, so that it shares nothing with the others.
   *
   * @param session its unique name
   * @param directory where its files go; null: next to the named ones
   */
  readonly words: (session: string, directory: string | null) => string[];
  /** Words that keep pytest-xdist from starting workers; empty if none are requested. */
  readonly withoutWorkers: readonly string[];
  /** Which tests pytest-xdist would keep in one process; null: none. */
  readonly together: Together | null;
  /** The requested JUnit report, of all tests together; null if none is. */
  readonly junit: { readonly path: string; readonly text: string; readonly source: string } | null;
  /** A line for each option: how several pytests handle it. */
  readonly notes: readonly string[];
  /** The same for one pytest that gets its tests from tractest. */
  readonly workerNotes: readonly string[];
}

/** The option that excludes several pytests; null if none does. */
export function refusal(options: readonly UnseenOption[]): Conflict | null {
  for (const { name, text, source } of options) {
    const row = CANNOT_SHARE.find(({ names }) => (names as readonly string[]).includes(name));
    if (row === undefined) continue;
    const isVariable = source === "PYTEST_ADDOPTS";
    const without = isVariable ? "unset PYTEST_ADDOPTS" : "tractest run … -- -o addopts=";
    const option = `"${text}" (${source})`;
    return { option, because: row.because, instead: `leave it out of this run: ${without}` };
  }
  return null;
}

/**
 * Whether some of the tests may run in a pytest of their own, where nobody asked for several: not
 * if workers would be given up for it, or each would have a part of the coverage or of a report.
 */
export function maySplit(intent: RunIntent, unseen: readonly UnseenOption[]): boolean {
  const names = [...optionNames(intent.passed), ...unseen.map(({ name }) => name)];
  const kept: readonly string[] = [...OWN_FILES, ...WORKERS];
  return !intent.printsOnly && excludesSeveral(intent, refusal(unseen)) === null &&
    !names.some((name) => name.startsWith("--cov") || kept.includes(name));
}

/** What pytest-xdist keeps together, by its mode. */
const KEPT = {
  loadfile: "the tests of a file run",
  loadscope: "the tests of a module or a class run",
  loadgroup: "tests with the same xdist_group run",
} as const satisfies Readonly<Record<Together, string>>;

/** Decides how several pytests handle the options. */
export function ownPlaces(options: readonly UnseenOption[]): OwnPlaces {
  const isNamed = ({ name }: UnseenOption, names: readonly string[]) => names.includes(name);
  const workers = options.filter((option) => isNamed(option, WORKERS));
  const reports = options.filter((option) => isNamed(option, ["--junit-xml", "--junitxml"]));
  const asked = reports.at(-1);
  // Only pytest can expand variables.
  const junit = asked?.value && !asked.value.includes("$")
    ? { path: asked.value, text: asked.text, source: asked.source }
    : null;
  const own = places([
    ...options.filter((option) => isNamed(option, OWN_FILES)),
    ...(junit || !asked?.value ? [] : [asked]),
  ]);
  const dist = workers.findLast(({ name }) => name === "--dist")?.value;
  const together = TOGETHER.find((mode) => mode === dist) ?? null;
  const workerNotes = workers.map(({ name, value, text, source }) =>
    together !== null && name === "--dist" && value === together
      ? `"${text}" (${source}): ${KEPT[together]} in one pytest`
      : `"${text}" (${source}) is overridden: tractest shares the tests`
  );
  return {
    words: (session, at) => {
      const words = own.map((place) => place.word(session, at));
      return junit ? [...words, "--junitxml="] : words;
    },
    together,
    withoutWorkers: workers.length > 0 ? ["-n0"] : [],
    junit,
    workerNotes,
    notes: [
      ...workerNotes,
      ...own.map(({ option: { text, source }, word }) => {
        const first = word("0", null);
        return `"${text}" (${source}): each pytest has its own, ${first} for the first`;
      }),
      ...(junit
        ? [`"${junit.text}" (${junit.source}): tractest writes it, with the tests of all pytests`]
        : []),
      ...options.filter((option) => option.name === "--cache-clear").map(({ source }) =>
        `"--cache-clear" (${source}): each pytest clears its cache; failures are kept for --lf`
      ),
    ],
  };
}

/**
 * Does the same for a command that always runs several pytests.
 *
 * @throws {UsageError} if an option excludes them
 */
export function placesFor(command: string, options: readonly UnseenOption[]): OwnPlaces {
  const excluded = refusal(options);
  if (excluded !== null) {
    const message = `"${command}" does not go with ${excluded.option}: ${excluded.because}`;
    throw new UsageError(message, excluded.instead);
  }
  return ownPlaces(options);
}

interface Place {
  readonly option: UnseenOption;
  /** The option with a path of the session's own. */
  readonly word: (session: string, directory: string | null) => string;
}

/** The options that name a file or directory, the last of each name and kind. */
function places(options: readonly UnseenOption[]): Place[] {
  const found = new Map<string, Place>();
  for (const option of options) {
    const { name, value } = option;
    if (name === "--cov-report") {
      const [, kind = "", path] = COVERAGE_REPORT.exec(value ?? "") ?? [];
      const target = path || USUAL_REPORTS[kind];
      if (target === undefined) continue;
      const word: Place["word"] = (session, at) =>
        `${name}=${kind}:${placeOf(target, session, at)}`;
      found.set(`${name} ${kind}`, { option, word });
    } else if (value !== null && value !== "") {
      // A socket's path must stay short.
      const isShort = name === "--basetemp";
      const word: Place["word"] = (session, at) =>
        `${name}=${placeOf(value, session, isShort ? null : at)}`;
      found.set(name, { option, word });
    }
  }
  return [...found.values()];
}

const COVERAGE_REPORT = /^(xml|html|json|lcov|annotate)(?::(.*))?$/s;
/** Where pytest-cov writes a report without a path. */
const USUAL_REPORTS: Readonly<Record<string, string>> = {
  xml: "coverage.xml",
  html: "htmlcov",
  json: "coverage.json",
  lcov: "coverage.lcov",
};

/** `out/log.jsonl` becomes `out/log.3.jsonl`, or `log.jsonl` in a given directory. */
function placeOf(path: string, session: string, directory: string | null): string {
  const [, start = "", name = "", suffix = ""] = /^(.*?)([^/]+?)(\.[^./]+)?\/*$/s.exec(path) ?? [];
  return directory === null
    ? `${start}${name}.${session}${suffix}`
    : `${directory}/${name}${suffix}`;
}

/** How the pytests of a run share its tests. */
export interface Sharing {
  /** Several pytests from the start; else others only retry or resume. */
  readonly several: boolean;
  /** Whether pytest gets its tests from tractest. */
  readonly handsOut: boolean;
}

/** The additional words of a pytest, by its purpose and its session's name. */
export type ExtraWords = (
  kind: { readonly purpose: SessionPurpose },
  session: string,
) => readonly string[];

/** Chooses the additional words of each pytest of a run; see {@linkcode OwnPlaces}. */
export function extraWords(
  { words, withoutWorkers }: OwnPlaces,
  { several, handsOut }: Sharing,
): ExtraWords {
  return ({ purpose }, session) => {
    const isFirst = purpose === "tests";
    return [
      ...(several || !isFirst ? words(session, null) : []),
      ...(several || handsOut || !isFirst ? withoutWorkers : []),
    ];
  };
}

/** How a shard differs from what was asked for, a line each. */
export function shardNotes(
  shard: string | null,
  { printsOnly }: RunIntent,
  unseen: readonly Pick<UnseenOption, "name" | "text" | "source">[],
): string[] {
  if (shard === null) return [];
  if (printsOnly) return [`--shard ${shard} is ignored: pytest lists the tests of all shards`];
  return unseen.filter(({ name }) => (LEAVING_OUT as readonly string[]).includes(name)).map((
    { text, source },
  ) => `"${text}" (${source}) is overridden: a shard is a part of all tests`);
}
