import { COUNTERPARTS, DEBUGGER_OPTIONS, LEAVING_OUT } from "../tables/pytest_options.ts";
import { UsageError } from "../errors.ts";
import type { CommandLine } from "../command_line/parsed_line.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import {
  hasPositional,
  optionNames,
  splitRunWords,
  takesValue,
} from "../command_line/run_words.ts";

/** A command line of `run`, sorted, before its targets are resolved. */
export interface RunIntent {
  /** Words that may be targets, in order. */
  readonly targetWords: readonly string[];
  /** pytest's options as typed, including those after `--`. */
  readonly passed: readonly string[];
  /** Whether the words after `--` name targets. */
  readonly collectsByItself: boolean;
  /** Whether a target right after the last of `passed` could be taken for its value. */
  readonly openEnd: boolean;
  /** A debugger may hold the terminal: `--tpdb`, `--pdb`, `--trace`. */
  readonly debugging: boolean;
  /** Whether options leave out tests of the targets. */
  readonly selects: boolean;
  /** `--lf`: pytest itself chooses the tests. */
  readonly rerunsFailed: boolean;
  /** pytest only prints something: `--collect-only`, `--fixtures`, `--help`. */
  readonly printsOnly: boolean;
}

/** Options that leave out tests of the targets: with one of them no run is a full run. */
const SELECTING = [
  ...LEAVING_OUT,
  ..."-k -m --deselect --ignore --ignore-glob --co --collect-only".split(" "),
];

/** Options with which pytest runs no test. */
const PRINTING = [
  ..."--co --collect-only --collectonly --setup-plan --cache-show --markers".split(" "),
  ..."--fixtures --funcargs --fixtures-per-test -h --help -V --version".split(" "),
];

/** Options with which pytest begins no session. */
const SESSIONLESS = ["-h", "--help", "-V", "--version", "--markers"];

/** Whether a command has pytest begin a session, so that it ends one too. */
export function beginsSession(argv: readonly string[]): boolean {
  const names = optionNames(argv);
  return !SESSIONLESS.some((option) => names.has(option));
}

/** The options that pytest gets in its own terms; those of `run` alone may be missing. */
export type PassedOptions =
  & Pick<SharedOptions, "color" | "ll" | "tptProto" | "spawnBackend">
  & Partial<Readonly<Record<"header" | "noDefaults" | "tpdb" | "debugMode", boolean>>>;

/**
 * Sorts the command line of `run`.
 *
 * @param isTarget whether the word after an unknown option names a target
 */
export function runIntent(
  line: CommandLine<PassedOptions>,
  isTarget: (word: string) => boolean,
): RunIntent {
  const targetWords: string[] = [];
  const passed: string[] = [];
  let openEnd = false;
  for (const item of line.words ?? []) {
    if (item.kind === "pytest") {
      needsValue(item.words);
      passed.push(...item.words);
      openEnd = !item.settled;
    } else if (item.kind === "target" || isTarget(item.word)) {
      targetWords.push(item.word);
    } else {
      passed.push(item.word);
      // An option that takes several values would take the next word too.
      openEnd = true;
    }
  }
  if (!line.words) targetWords.push(...line.operands);
  passed.push(...line.afterDashes);
  for (const item of splitRunWords(line.afterDashes, []).words) {
    if (item.kind === "pytest") needsValue(item.words);
  }
  const names = optionNames(passed);
  return {
    targetWords,
    passed,
    collectsByItself: hasPositional(line.afterDashes),
    openEnd: openEnd && line.afterDashes.length === 0,
    debugging: DEBUGGER_OPTIONS.some((option) => names.has(option)) ||
      line.options.tpdb === true || line.options.debugMode === true,
    selects: SELECTING.some((option) => names.has(option)),
    rerunsFailed: names.has("--lf") || names.has("--last-failed"),
    printsOnly: PRINTING.some((option) => names.has(option)),
  };
}

/** An option without its value, as the last word, would take a word that tractest adds. */
function needsValue([option, value]: readonly string[]): void {
  const name = option?.startsWith("--") ? option : `-${option?.at(-1)}`;
  if (value !== undefined || option === undefined || option.includes("=") || !takesValue(name)) {
    return;
  }
  throw new UsageError(`Option "${name}" needs a value`, `tractest run ${name} VALUE`);
}

/** The parts of {@linkcode pytestCommand}. */
export interface CommandParts {
  /** Words before `-m pytest`. */
  readonly python: readonly string[];
  readonly defaultFlags: readonly string[];
  readonly line: CommandLine<PassedOptions>;
  readonly intent: RunIntent;
  readonly targets: readonly string[];
}

/**
 * The command of a run, as a person would type it: default flags that are not overridden,
 * tractest's options in pytest's terms, pytest's own as typed, the targets last.
 */
export function pytestCommand(
  { python, defaultFlags, line, intent, targets }: CommandParts,
): string[] {
  const translated = translate(line.options, optionNames(intent.passed));
  const given = new Set([
    ...optionNames([...translated, ...intent.passed]),
    ...(line.options.header ? ["--header"] : []),
  ]);
  const defaults = line.options.noDefaults
    ? []
    : defaultFlags.filter((flag) => !yields(flag, given));
  const flags = [...defaults, ...translated, ...intent.passed];
  const guarded = targets.length > 0 &&
    (intent.openEnd || targets.some((target) => target.startsWith("-")));
  return [
    ...python,
    "-m",
    "pytest",
    ...flags,
    ...(guarded && !intent.passed.includes("--") ? ["--"] : []),
    ...targets,
  ];
}

/** A command of pytest with more words, before the typed ones, which win. */
export function withWords(argv: readonly string[], words: readonly string[]): readonly string[] {
  const at = argv.findIndex((word, index) => word === "pytest" && argv[index - 1] === "-m") + 1;
  return words.length === 0 || at === 0
    ? argv
    : [...argv.slice(0, at), ...words, ...argv.slice(at)];
}

/** Options in pytest's terms, each with its value in one word: else some would swallow a target. */
function translate(options: PassedOptions, given: ReadonlySet<string>): string[] {
  const words: string[] = [];
  const { color, ll, spawnBackend } = options;
  if (color !== "auto") words.push(`--color=${color === "always" ? "yes" : "no"}`);
  if (options.tpdb || options.debugMode) {
    words.push(...(given.has("-s") || given.has("--capture") ? [] : ["-s"]), "--tpdb");
  }
  if (ll !== null) words.push(`--ll=${ll}`);
  for (const transport of new Set(options.tptProto)) words.push(`--tpt-proto=${transport}`);
  if (spawnBackend !== null) words.push(`--spawn-backend=${spawnBackend}`);
  if (
    !["-s", "--capture"].some((option) => given.has(option) || words.includes(option)) &&
    forksServer(options)
  ) words.push(CAPTURE_SYS);
  return words;
}

const CAPTURE_SYS = "--capture=sys";

/**
 * Whether the chosen backend starts actors by a fork server: they inherit the descriptors that
 * `--capture=fd` puts in place of the real ones.
 */
function forksServer({ spawnBackend }: PassedOptions): boolean {
  return /fork_?serv/.test(spawnBackend ?? "");
}

/** Explains an option that was added because of the spawn backend; null when none was. */
export function captureNote(
  argv: readonly string[],
  { options, afterDashes, words = [] }: CommandLine<PassedOptions>,
): string | null {
  const isTyped = afterDashes.includes(CAPTURE_SYS) ||
    words.some((item) =>
      item.kind === "pytest" && item.words.some((word) => word.startsWith("--capture"))
    );
  if (isTyped || !forksServer(options) || !argv.includes(CAPTURE_SYS)) return null;
  const why = "the actors of a fork server would inherit the replacement of standard output";
  return `${CAPTURE_SYS}: with --capture=fd ${why}`;
}

function yields(flag: string, given: ReadonlySet<string>): boolean {
  const name = flag.replace(/=.*$/s, "");
  const groups: readonly (readonly string[])[] = COUNTERPARTS;
  const group = groups.find((names) => names.includes(name)) ?? [name];
  return group.some((option) => given.has(option));
}

/**
 * The spawn backends that a checkout of tractor knows, read from the text of its `_spawn.py`; null
 * if it does not say.
 */
export function spawnBackends(source: string): string[] | null {
  const literal = /^\s*SpawnMethodKey\b[^=]*=\s*Literal\[([^\]]*)\]/m.exec(source);
  if (!literal) return null;
  const names = [...literal[1]!.replace(/#.*$/gm, "").matchAll(/(['"])([\w.-]+)\1/g)].map((match) =>
    match[2]!
  );
  return names.length > 0 ? names : null;
}

/** The default flags without those that stop pytest at a failure. */
export function withoutStopping(flags: readonly string[]): string[] {
  const stopping: readonly string[] = COUNTERPARTS.find((names) =>
    (names as readonly string[]).includes("--maxfail")
  )!;
  return flags.filter((flag) => !stopping.includes(flag.replace(/=.*$/s, "")));
}

/** Whether the first failure stops a pytest with this command. */
export function stopsAtFirst(argv: readonly string[]): boolean {
  const words = argv.slice(argv.indexOf("pytest") + 1);
  const names = optionNames(words);
  if (names.has("--exitfirst") || words.some((word) => /^--maxfail=1$/.test(word))) return true;
  return names.has("-x") && !words.some((word) => /^--maxfail=/.test(word));
}

/** The intent without options by which pytest chooses from its record, to name a test instead. */
export function withoutRerun(intent: RunIntent): RunIntent {
  const passed = intent.passed.filter((word) => !RERUNNING.includes(word));
  return { ...intent, passed, openEnd: false, collectsByItself: false };
}

/** pytest's options that choose tests by the record of earlier runs. */
const RERUNNING = [
  ...LEAVING_OUT,
  ..."--ff --failed-first --nf --new-first".split(" "),
];

/** Whether a pytest with this command captures output: no `-s`, no `--capture=no`. */
export function capturesOutput(argv: readonly string[]): boolean {
  const words = argv.slice(argv.indexOf("pytest") + 1);
  const names = optionNames(words);
  return !names.has("-s") && !words.includes("--capture=no") &&
    !words.some((word, index) => word === "no" && words[index - 1] === "--capture");
}

/** The level of `--ll` in a command of pytest; null when it is not given. */
export function logLevelOf(argv: readonly string[]): string | null {
  return valueOf(argv, "--ll");
}

/** The backend of `--spawn-backend` in a command of pytest; null when it is not given. */
export function backendOf(argv: readonly string[]): string | null {
  return valueOf(argv, "--spawn-backend");
}

function valueOf(argv: readonly string[], option: string): string | null {
  const at = argv.findLastIndex((word) => word === option || word.startsWith(`${option}=`));
  if (at < 0) return null;
  return argv[at] === option ? argv[at + 1] ?? null : argv[at]!.slice(option.length + 1);
}
