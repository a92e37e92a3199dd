/**
 * Makes foreign text (process titles, test ids, paths) safe for terminals and logs: escapes C0 and
 * C1 control characters, bidirectional marks, separators, lone surrogates and byte order marks.
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The text without ANSI escape sequences. */
export function withoutAnsi(text: string): string {
  return text.replace(ANSI, "");
}

/**
 * Quotes a word for a POSIX shell; plain words stay as they are. Control characters use `$'…'`,
 * which bash, zsh and ksh read.
 */
export function shellWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (new RegExp(UNSAFE.source, "u").test(word)) {
    return `$'${escapeText(word.replaceAll("\\", "\\\\").replaceAll("'", "\\'"))}'`;
  }
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line to paste, after the variables that it needs. */
export function shellCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const settings = Object.entries(environment).map(([name, value]) =>
    `${name}=${shellWord(value)}`
  );
  return [...settings, ...argv.map(shellWord)].join(" ");
}

const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x1b": "\\e",
};

// C0 and C1 controls, soft hyphen, Arabic letter mark, zero width and bidi marks, line and
// paragraph separators, byte order mark, surrogates.
const UNSAFE = new RegExp(
  "[\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\p{Cs}]",
  "gu",
);

// CSI with its parameters, OSC and other strings up to their end, and the short ones.
// deno-lint-ignore no-control-regex
const ANSI = /\x1b(?:\[[0-?]*[ -\/]*[@-~]|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)|[ -\/]*[0-~])/g;

/** A command line to paste, and how many words of it are left out. */
export interface ShortCommand {
  readonly command: string;
  readonly omitted: number;
}

/**
 * A command line that was run, in short: of many files of `/proc` in a row only the first. What is
 * left can still be pasted.
 */
export function shortCommand(argv: readonly string[]): ShortCommand {
  const isFile = (word: string | undefined) => word?.startsWith("/proc/") ?? false;
  const shown = argv.filter((word, index) => !isFile(word) || !isFile(argv[index - 1]));
  return { command: shellCommand(shown), omitted: argv.length - shown.length };
}
