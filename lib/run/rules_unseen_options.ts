import { UsageError } from "../errors.ts";
import { CANNOT_SHARE, OWN_FILES, WORKERS } from "../tables/pytest_options.ts";
import type { SessionPurpose } from "../pytest/events.ts";
import { splitRunWords } from "../command_line/run_words.ts";
import { shellSplit } from "../base/shell_split.ts";

/** An option that pytest takes without anybody having typed it. */
export interface UnseenOption {
  readonly name: string;
  /** Null for one without a value. */
  readonly value: string | null;
  /** As it stands there. */
  readonly text: string;
  /** Where it stands: `addopts in pyproject.toml`. */
  readonly source: string;
}

/** Where pytest takes options from that nobody typed. */
export interface UnseenSources {
  /** pytest's configuration; null without one. */
  readonly configured: {
    readonly file: string;
    readonly addopts: string;
    readonly logFile: string | null;
  } | null;
  /** `PYTEST_ADDOPTS`. */
  readonly environment: string | undefined;
  /** pytest's words as typed: `-o addopts=…` takes the place of what is configured. */
  readonly typed: readonly string[];
}

/**
 * The options that pytest takes unseen, in its order: of several with one name the last one counts.
 */
export function unseenOptions(
  { configured, environment = "", typed }: UnseenSources,
): UnseenOption[] {
  const overridden = optionsIn(typed, "typed").flatMap(({ name, value }) =>
    ["-o", "--override-ini"].includes(name) ? [value ?? ""] : []
  );
  const overriding = (key: string) =>
    overridden.findLast((setting) => setting.startsWith(`${key}=`))?.slice(key.length + 1);
  const place = (key: string) => `${key} in ${configured?.file ?? "the configuration"}`;
  const [addopts, logFile] = [
    overriding("addopts") ?? configured?.addopts ?? "",
    overriding("log_file") ?? configured?.logFile ?? "",
  ];
  return [
    ...(logFile === "" ? [] : [{
      name: "--log-file",
      value: logFile,
      text: `log_file = ${logFile}`,
      source: place("log_file"),
    }]),
    ...optionsIn(shellSplit(addopts), place("addopts")),
    ...optionsIn(shellSplit(environment), "PYTEST_ADDOPTS"),
  ];
}

/** The configuration file that was typed for pytest, `-c FILE`; null if none was. */
export function givenFile(typed: readonly string[]): string | null {
  return optionsIn(typed, "typed").findLast(({ name }) => ["-c", "--config-file"].includes(name))
    ?.value ?? null;
}

/** The options among words of pytest's: `-xn 8` is `-x`, and `-n` with `8`. */
function optionsIn(words: readonly string[], source: string): UnseenOption[] {
  return splitRunWords(words, []).words.flatMap((item) => {
    if (item.kind !== "pytest") return [];
    const [word = "", next] = item.words;
    const text = item.words.join(" ");
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      return [{
        name: equals < 0 ? word : word.slice(0, equals),
        value: equals < 0 ? next ?? null : word.slice(equals + 1),
        text,
        source,
      }];
    }
    const [, flags = word.slice(1), letter = null, rest = ""] = VALUED.exec(word) ?? [];
    const value = rest === "" ? next ?? null : rest.replace(/^=/, "");
    return [
      ...[...flags].map((flag) => ({ name: `-${flag}`, value: null, text, source })),
      ...(letter === null ? [] : [{ name: `-${letter}`, value, text, source }]),
    ];
  });
}

/**
 * A cluster of short options: flags, the first that takes a value, and what of the cluster is its
 * value.
 */
const VALUED = /^-([A-Za-z]*?)([nkmpcorW])(.*)$/s;

/** What is done about options with which several pytests would be in each other's way. */
export interface OwnPlaces {
  /**
   * What one of several pytests is given besides, so that nothing is shared with another.
   *
   * @param session what tells it apart
   * @param directory where its files go; null: beside where they were to go
   */
  readonly words: (session: string, directory: string | null) => string[];
  /**
   * What keeps pytest-xdist from starting workers of its own in a pytest that shares its tests;
   * empty where nobody asks for them.
   */
  readonly withoutWorkers: readonly string[];
  /** The JUnit report that was asked for, of all tests together; null if none was. */
  readonly junit: { readonly path: string; readonly text: string; readonly source: string } | null;
  /** A line for each, ready to show, about what several pytests do about it. */
  readonly notes: readonly string[];
  /** The same where there is one pytest whose tests tractest hands out. */
  readonly workerNotes: readonly string[];
}

/**
 * Why several pytests are not possible because of an option that nobody typed; null where they are.
 */
export function refusal(
  options: readonly UnseenOption[],
): { readonly option: string; readonly because: string; readonly instead: string } | null {
  for (const { name, text, source } of options) {
    const row = CANNOT_SHARE.find(({ names }) => (names as readonly string[]).includes(name));
    if (row) {
      return {
        option: `"${text}" (${source})`,
        because: row.because,
        instead: `take it out for once: ${withoutIt(source)}`,
      };
    }
  }
  return null;
}

function withoutIt(source: string): string {
  return source === "PYTEST_ADDOPTS" ? "unset PYTEST_ADDOPTS" : "tractest run … -- -o addopts=";
}

/** What is done about the options. */
export function ownPlaces(options: readonly UnseenOption[]): OwnPlaces {
  const isNamed = ({ name }: UnseenOption, names: readonly string[]) => names.includes(name);
  const workers = options.filter((option) => isNamed(option, WORKERS));
  const reports = options.filter((option) => isNamed(option, ["--junit-xml", "--junitxml"]));
  const asked = reports.at(-1);
  // What has variables in it only Python can read.
  const junit = asked?.value && !asked.value.includes("$")
    ? { path: asked.value, text: asked.text, source: asked.source }
    : null;
  const own = places([
    ...options.filter((option) => isNamed(option, OWN_FILES)),
    ...(junit || !asked?.value ? [] : [asked]),
  ]);
  const workerNotes = workers.map(({ text, source }) =>
    `"${text}" (${source}) is overridden: tractest shares the tests`
  );
  return {
    words: (
      session,
      directory,
    ) => [...own.map((place) => place.word(session, directory)), ...(junit ? ["--junitxml="] : [])],
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
      ...options.filter((option) => option.name === "--cache-clear")
        .map(({ source }) =>
          `"--cache-clear" (${source}): each pytest clears pytest's cache; what failed is kept for --lf all the same`
        ),
    ],
  };
}

/**
 * The same for a command that runs many pytests.
 *
 * @throws {UsageError} where an option excludes them
 */
export function placesFor(command: string, options: readonly UnseenOption[]): OwnPlaces {
  const excluded = refusal(options);
  if (excluded !== null) {
    throw new UsageError(
      `"${command}" does not go with ${excluded.option}: ${excluded.because}`,
      excluded.instead,
    );
  }
  return ownPlaces(options);
}

interface Place {
  readonly option: UnseenOption;
  /** The word that names another place for each session. */
  readonly word: (session: string, directory: string | null) => string;
}

/**
 * Each option that names a file or a directory, the last of a name and kind, with a place for each
 * session.
 */
function places(options: readonly UnseenOption[]): Place[] {
  const found = new Map<string, Place>();
  for (const option of options) {
    const { name, value } = option;
    if (name === "--cov-report") {
      const [, kind = "", , path] = /^(xml|html|json|lcov|annotate)(:(.*))?$/s.exec(value ?? "") ??
        [];
      if (kind === "") continue;
      const usual = {
        xml: "coverage.xml",
        html: "htmlcov",
        json: "coverage.json",
        lcov: "coverage.lcov",
      }[kind];
      const target = path || usual;
      if (target !== undefined) {
        found.set(`${name} ${kind}`, {
          option,
          word: (session, at) => `${name}=${kind}:${placeOf(target, session, at)}`,
        });
      }
    } else if (value !== null && value !== "") {
      // A path that grows too long is no place for sockets.
      const isShort = name === "--basetemp";
      found.set(name, {
        option,
        word: (session, at) => `${name}=${placeOf(value, session, isShort ? null : at)}`,
      });
    }
  }
  return [...found.values()];
}

/** `out/log.jsonl` → `out/log.3.jsonl`, `bt` → `bt.3`; in a directory of its own `log.jsonl`. */
function placeOf(path: string, session: string, directory: string | null): string {
  const [, start = "", name = "", suffix = ""] = /^(.*?)([^/]+?)(\.[^./]+)?\/*$/s.exec(path) ?? [];
  return directory === null
    ? `${start}${name}.${session}${suffix}`
    : `${directory}/${name}${suffix}`;
}

/** How the pytests of a run come about. */
export interface Sharing {
  /** Several from the beginning; else only what is tried or resumed has more. */
  readonly several: boolean;
  /** Whether tractest hands out the tests. */
  readonly handsOut: boolean;
}

/** Gives the words that a pytest needs besides, by why it is started and by what it is called. */
export type ExtraWords = (
  kind: { readonly purpose: SessionPurpose },
  session: string,
) => readonly string[];

/**
 * The words that a pytest is given besides, so that nothing is shared with another of the run; see
 * {@linkcode OwnPlaces}.
 */
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
