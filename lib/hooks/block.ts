import { lastPart } from "../base/paths.ts";
import { UsageError } from "../errors.ts";
import { GOES_ON, type HookName, type HookRow, HOOKS, POSIX_SHELLS } from "./git_hooks.ts";

/** The version of the block's text; increased when its behaviour changes. */
export const BLOCK_VERSION = 1;

/** What a block runs, and with which tractest. */
export interface BlockSpec {
  readonly hook: HookName;
  /** Command lines, as words after `tractest`. */
  readonly commands: readonly (readonly string[])[];
  /** The absolute path of the binary; null: only PATH is searched, when the hook runs. */
  readonly binary: string | null;
  /** Whether we created the file, so that uninstalling may remove it. */
  readonly created: boolean;
}

/** A block that was read from a hook file. */
export interface Block extends Omit<BlockSpec, "hook"> {
  readonly hook: string;
  readonly version: number;
  /** Whether its lines are as they were written. */
  readonly intact: boolean;
}

/** The row of a hook. */
export function hookRow(hook: HookName): HookRow {
  return HOOKS.find((row) => row.name === hook)!;
}

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;
const END = "# <<< tractest <<<";
const BEGIN = /^# >>> tractest (\S+) (\d+) ([0-9a-f]{8})( created)? >>>.*$/;

/** Whether a line begins or ends a block, or was meant to. */
export function isMarker(line: string): "begin" | "end" | null {
  if (line.startsWith("# >>> tractest ")) return "begin";
  return line.startsWith("# <<< tractest ") ? "end" : null;
}

/**
 * The lines of a block, markers included. They stand right below the first line of a hook file:
 * there they run whatever the rest does (`exec`, `exit`, `set -e` below), and the exit code of the
 * rest stays the file's.
 *
 * The lines are POSIX sh that also holds under `set -eu`.
 *
 * @throws {UsageError} for a path with a control character: it would break the lines
 */
export function renderBlock(spec: BlockSpec): string[] {
  for (const word of [spec.binary ?? "", ...spec.commands.flat()]) {
    if (CONTROL.test(word)) {
      throw new UsageError(
        `No hook can be written with "${word}" in it: that has a control character`,
        "move it to a plain path",
      );
    }
  }
  const body = bodyOf(spec);
  const created = spec.created ? " created" : "";
  const head = `# >>> tractest ${spec.hook} ${BLOCK_VERSION} ${checksum(body)}${created} >>>`;
  return [`${head} (\`tractest hooks uninstall ${spec.hook}\` removes these lines)`, ...body, END];
}

/**
 * The block in its lines (markers included); null if the first is no marker that {@linkcode
 * renderBlock} writes.
 */
export function readBlock(lines: readonly string[]): Block | null {
  const [, hook, version, sum, created] = BEGIN.exec(lines[0] ?? "") ?? [];
  if (hook === undefined || lines.at(-1) !== END) return null;
  const body = lines.slice(1, -1);
  const after = (word: string) =>
    body.flatMap((line) =>
      line.trim().startsWith(word) ? [wordsOf(line.trim().slice(word.length))] : []
    );
  return {
    hook,
    version: Number(version),
    intact: checksum(body) === sum,
    created: created !== undefined,
    binary: after("tractest_binary=")[0]?.[0] || null,
    commands: after("tractest_run ").filter((words) => words.length > 0),
  };
}

function bodyOf({ hook, commands, binary }: BlockSpec): string[] {
  const row = hookRow(hook);
  const run = [
    `tractest_binary=${shellQuote(binary ?? "")}`,
    `{ [ -f "$tractest_binary" ] && [ -x "$tractest_binary" ]; } || ` +
    "tractest_binary=$(command -v tractest) || tractest_binary=",
    `if [ -n "$tractest_binary" ]; then`,
    ...commands.map((words) => `  tractest_run ${words.map(shellQuote).join(" ")}`),
    `else`,
    `  echo 'tractest: the program is gone; ${hook} continues without it' >&2`,
    `fi`,
  ];
  const indented = run.map((line) => `  ${line}`);
  switch (hook) {
    case "pre-push":
      return [...runner(row), ...READ_REFS, `if [ -n "$tractest_push" ]; then`, ...indented, `fi`];
    case "pre-commit":
      return [...runner(row), ...run];
    case "post-checkout":
      return [
        ...runner(row),
        `if [ "\${3:-1}" = 1 ]; then # a branch, not files`,
        ...indented,
        `fi`,
      ];
  }
}

/** The shell function that runs one command line and knows which exit codes stop git. */
function runner(row: HookRow): string[] {
  if (row.stops === null) {
    return [
      `tractest_run() { "$tractest_binary" "$@" </dev/null || :; } # never fails what git does`,
    ];
  }
  return [
    `tractest_run() {`,
    `  tractest_status=0`,
    `  "$tractest_binary" "$@" </dev/null || tractest_status=$?`,
    `  case $tractest_status in`,
    `    0) ;;`,
    `    ${GOES_ON.join(" | ")}) ` +
    `echo "tractest: exit code $tractest_status says nothing about this ${row.stops}, ` +
    'which continues" >&2 ;;',
    `    *)`,
    `      echo "tractest: exit code $tractest_status stops this ${row.stops}; ` +
    `to ${row.stops} without the check: ${row.without}" >&2`,
    `      exit "$tractest_status"`,
    `      ;;`,
    `  esac`,
    `}`,
  ];
}

/**
 * Reads git's list of refs, and passes it on to the rest of the hook (`git lfs pre-push` needs it).
 * A line is `local-ref local-object remote-ref remote-object`; a deleted ref's object is zeros.
 * A hook that is started by hand has a terminal instead.
 */
const READ_REFS = [
  "# git's list of refs: read, and given back to what follows. " +
  "A push that only deletes, or of nothing, runs nothing.",
  `tractest_refs= tractest_line= tractest_push=`,
  `if [ -t 0 ]; then tractest_push=yes; else`,
  `  while IFS= read -r tractest_line || [ -n "$tractest_line" ]; do`,
  `    tractest_object=\${tractest_line#* }`,
  `    case \${tractest_object%% *} in *[!0]*) tractest_push=yes ;; esac`,
  `    tractest_refs="\${tractest_refs:+$tractest_refs`,
  `}$tractest_line"`,
  `  done`,
  `fi`,
  `if [ -n "$tractest_refs" ]; then`,
  `  exec <<TRACTEST`,
  `$tractest_refs`,
  `TRACTEST`,
  `fi`,
] as const;

/** FNV-1a of the lines' characters, 32 bits in hex: shows only whether they were edited by hand. */
function checksum(lines: readonly string[]): string {
  let hash = 0x811c9dc5;
  for (const character of lines.join("\n")) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}

/** A word for any POSIX shell; plain ones stay readable. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The words of a line that {@linkcode shellQuote} wrote; none for any other line. */
function wordsOf(line: string): string[] {
  try {
    return splitWords(line);
  } catch {
    return [];
  }
}

const WORD_PART = /^(?:'([^']*)'|"((?:[^"\\$`]|\\.)*)"|\\(.)|([ \t]+)|([^'"\\ \t|&;<>()$`]+))/;

/**
 * A command line as a shell would split it, quotes and backslashes understood, nothing expanded.
 *
 * @throws {UsageError} for pipes, expansions and the like, a control character or
 *   an open quote
 */
export function splitWords(line: string): string[] {
  const wrong = (what: string) =>
    new UsageError(
      `A hook's command can't hold ${what}`,
      `it is one tractest command line, not a shell script: put '…' around what is meant literally`,
    );
  if (CONTROL.test(line.replaceAll("\t", " "))) throw wrong("a control character");
  const words: string[] = [];
  let word: string | null = null;
  for (let rest = line; rest !== "";) {
    const part = WORD_PART.exec(rest);
    if (!part) {
      if (/^['"]/.test(rest) && !/[$`]/.test(rest)) throw wrong("an open quote");
      throw wrong(`an unquoted "${/[$`|&;<>()\\]/.exec(rest)?.[0] ?? rest[0]}"`);
    }
    const [all, single, double, escaped, space, plain] = part;
    if (space !== undefined) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") +
        (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "");
    }
    rest = rest.slice(all.length);
  }
  return word === null ? words : [...words, word];
}

/**
 * Why lines of POSIX shell can't be put into a script that begins with `text`; null if they can.
 */
export function whyNotShell(text: string): string | null {
  if (text.includes("\0")) return "it is a binary file";
  const [first = ""] = text.split("\n", 1);
  if (first.startsWith("#!")) {
    const interpreter = interpreterOf(first);
    if (interpreter === null || !POSIX_SHELLS.includes(interpreter)) {
      return `it is not a POSIX shell script ("${first}")`;
    }
  }
  // A script that runs itself in another interpreter, or contains data, is read twice.
  const itself = text.split("\n").some((line) =>
    !/^\s*#/.test(line) &&
    /\b(exec|tail|head|sed|awk)\b.*\s"?\$\{?(0|BASH_SOURCE)\}?"?(\s|;|$)/.test(line)
  );
  return itself ? "it reads itself again, as another program" : null;
}

/** `bash` of `#!/usr/bin/env bash`; null if unknown, or if options keep it from the script. */
function interpreterOf(shebang: string): string | null {
  const words = shebang.slice(2).trim().split(/[ \t]+/);
  if (/\r/.test(shebang)) return null;
  let [program = "", ...options] = words;
  if (/(^|\/)(env|busybox)$/.test(program)) {
    if (options[0] === "-S") options = options.slice(1);
    [program = "", ...options] = options;
  }
  if (!options.every((option) => /^-[abefhkmptuvxC]+$/.test(option) || option === "--posix")) {
    return null;
  }
  return lastPart(program);
}
