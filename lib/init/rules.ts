import { CONFIGURATION_KEYS, type KeyName, type KeyRow } from "../project/configuration_keys.ts";
import type { Profile } from "../project/rules_profile.ts";

/** What a repository shows that its configuration depends on. Paths are relative to its root. */
export interface RepositoryFacts {
  readonly profile: Profile;
  /** The venv that is used; null without one. */
  readonly venv: string | null;
  /** The file of pytest's configuration; null without one. */
  readonly pytestFile: string | null;
  readonly testPaths: readonly string[];
  /** A file with tests, for examples; null if none was found. */
  readonly testFile: string | null;
  /** Ports of this machine that tests name, with the place of the first mention. */
  readonly ports: readonly { readonly port: number; readonly place: string }[];
  /** pytest-xdist's option for several workers, with its place; null if it is not configured. */
  readonly workers: { readonly text: string; readonly source: string } | null;
  /** The files that configure a CI. */
  readonly ciFiles: readonly string[];
}

/** A part of the table: what was seen, then keys, which are set or only shown. */
interface Part {
  readonly seen: string;
  readonly keys: readonly { readonly key: KeyName; readonly value?: string }[];
}

/** Columns that a comment may take. */
const COLUMNS = 96;

/** The most ports that are listed. */
const MOST_PORTS = 4;

/**
 * The lines of a `[tool.tractest]` for a repository. Nothing is switched on by it except what a
 * profile has, which is used only if it is asked for.
 */
export function configurationLines(facts: RepositoryFacts): string[] {
  const parts = [
    timePart(facts),
    ...portParts(facts),
    workerPart(facts),
    { seen: "Failures and what tests leave behind:", keys: keys("retries", "strict") },
    targetPart(facts),
    { seen: "While it runs and after it:", keys: keys("ui", "notify") },
  ];
  return [
    "[tool.tractest]",
    ...comment(`Every key is optional; without a # it counts. All of them: tractest config`),
    ...comment(situation(facts)),
    ...parts.flatMap(partLines),
    "",
    ...ciLines(facts),
  ];
}

/** What is found without a configuration. */
function situation({ profile, venv, pytestFile, testPaths }: RepositoryFacts): string {
  const tests = testPaths.length > 0
    ? `tests in ${testPaths.join(", ")} (testpaths in ${pytestFile})`
    : "tests where pytest finds them";
  const environment = venv === null ? "no venv yet" : `the venv ${venv}`;
  const own = profile === "tractor" ? "; tractor's own checks and registry" : "";
  return `Found without it: ${environment}; ${tests}${own}.`;
}

function timePart({ testFile }: RepositoryFacts): Part {
  const filter = quoted(testFile ?? "tests/test_slow_*.py");
  return {
    seen: "Time limits: a test or a run that hangs is ended from outside, with evidence.",
    keys: [
      ...keys("test-timeout", "time-limit-full"),
      { key: "overrides", value: `[{ filter = ${filter}, timeout = "5m" }]` },
    ],
  };
}

function portParts({ profile, ports }: RepositoryFacts): Part[] {
  const isolate = keys("isolate");
  if (ports.length === 0) {
    return [{ seen: "Runs with ports and sockets of their own:", keys: isolate }];
  }
  const named = ports.slice(0, MOST_PORTS).map(({ port, place }) => `${port} (${place})`);
  const more = ports.length > MOST_PORTS ? ` and ${ports.length - MOST_PORTS} more` : "";
  const addresses = ports.slice(0, MOST_PORTS).map(({ port }) => `"127.0.0.1:${port}"`).join(", ");
  const seen = `Tests name fixed ports: ${named.join(", ")}${more}. Two runs at once would share ` +
    "them, unless they are isolated; the checks before a run can say who holds one.";
  const registries = { key: "registries", value: `[${addresses}]` } as const;
  return [{ seen, keys: [...isolate, ...(profile === "tractor" ? [] : [registries])] }];
}

function workerPart({ workers, testFile }: RepositoryFacts): Part {
  const seen = workers === null
    ? "Several pytests at once, each isolated:"
    : `"${workers.text}" (${workers.source}) starts workers of pytest-xdist, which share ports ` +
      "and files; jobs shares the tests among isolated pytests instead.";
  const alone = { key: "alone", value: `[${quoted(testFile ?? "tests/test_timing.py")}]` };
  return { seen, keys: [...keys("jobs"), alone as { key: "alone"; value: string }] };
}

function targetPart({ testFile }: RepositoryFacts): Part {
  const value = `{ smoke = [${quoted(testFile ?? "tests/test_start.py")}] }`;
  return { seen: "Names for tests that you often run:", keys: [{ key: "targets", value }] };
}

/** The profile for the CI; shown only, where there is no CI. */
function ciLines({ ciFiles }: RepositoryFacts): string[] {
  const lines = [
    "[tool.tractest.profile.ci]",
    "strict = true",
    'junit = "junit.xml"',
    'test-timeout = "5m"',
  ];
  if (ciFiles.length > 0) {
    const seen = `For ${ciFiles.join(", ")}: tractest run --profile ci, or TRACTEST_PROFILE=ci`;
    return [...comment(seen), ...lines];
  }
  return [...comment("Other values for CI: tractest run --profile ci"), ...lines.map(asComment)];
}

function keys(...names: readonly KeyName[]): Part["keys"] {
  return names.map((key) => ({ key }));
}

function partLines({ seen, keys }: Part): string[] {
  const rows: Readonly<Record<KeyName, KeyRow>> = CONFIGURATION_KEYS;
  return [
    "",
    ...comment(seen),
    ...keys.flatMap(({ key, value = rows[key].example }) => [
      ...comment(rows[key].doc),
      asComment(`${key} = ${value}`),
    ]),
  ];
}

/** A string of TOML. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}

function asComment(line: string): string {
  return `# ${line}`;
}

/** A text as lines of a comment, broken between words. Foreign text can't end the comment. */
function comment(text: string): string[] {
  // deno-lint-ignore no-control-regex
  const words = text.replace(/[\x00-\x1f\x7f]+/g, " ").split(" ");
  const lines: string[] = [];
  let line = "#";
  for (const word of words) {
    if (line !== "#" && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** A port of this machine in a test: `("127.0.0.1", 1616)`, `localhost:8000`, `port = 7070`. */
const PORT = new RegExp(
  "(?:(?:127\\.0\\.0\\.1|localhost|0\\.0\\.0\\.0|::1)[\"'\\]]*\\s*[:,]\\s*|" +
    "\\bport[\"']?\\s*[:=]\\s*)(\\d{4,5})\\b",
  "gi",
);

/** The ports that a source names, each with its first line. */
export function portsIn(source: string): { port: number; line: number }[] {
  const found = new Map<number, number>();
  source.split("\n").forEach((text, index) => {
    if (/^\s*#/.test(text)) return;
    for (const [, digits] of text.matchAll(PORT)) {
      const port = Number(digits);
      if (port >= 1024 && port <= 65_535 && !found.has(port)) found.set(port, index + 1);
    }
  });
  return [...found].map(([port, line]) => ({ port, line }));
}

/**
 * What to append to a file so that the lines stand at its end, after an empty line; in the line
 * ends of the file.
 */
export function appendix(text: string, lines: readonly string[]): string {
  const end = /\r\n/.test(text) ? "\r\n" : "\n";
  const before = text === "" ? "" : text.endsWith("\n") ? end : end + end;
  return before + lines.map((line) => line + end).join("");
}
