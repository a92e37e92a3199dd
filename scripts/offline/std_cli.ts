/**
 * Replaces `@std/cli` where JSR can't be reached, as far as this project uses it, based on
 * `minimist` (from which the original was ported).
 */

// @ts-types="npm:@types/minimist@1.2.5"
import minimist from "minimist";
import { eastAsianWidth } from "get-east-asian-width";

/** The options of {@linkcode parseArgs} that this project uses. */
export interface ParseOptions<TDoubleDash extends boolean | undefined = boolean | undefined> {
  "--"?: TDoubleDash;
  alias?: Record<string, string | readonly string[]>;
  boolean?: string | readonly string[];
  collect?: string | readonly string[];
  stopEarly?: boolean;
  string?: string | readonly string[];
  /**
   * Called for every option that no other setting names, and for every positional; `false` drops
   * it.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} returns. */
export type Args<TDoubleDash extends boolean | undefined = undefined> =
  & { [name: string]: unknown; _: Array<string | number> }
  & (TDoubleDash extends true ? { "--": string[] } : { "--"?: string[] });

/**
 * Parses a command line.
 *
 * minimist gets one option at a time, with the word after it. What its `unknown` does not report
 * (name and value), what it always does (repeated options become arrays, `--no-x` negates `x`) and
 * what it never does is handled here.
 */
export function parseArgs<TDoubleDash extends boolean | undefined = undefined>(
  args: readonly string[],
  options: ParseOptions<TDoubleDash> = {},
): Args<TDoubleDash> {
  const groups = Object.entries(options.alias ?? {}).map((
    [name, others],
  ) => [name, ...list(others)]);
  const withAliases = (names: readonly string[]) =>
    names.flatMap((name) => groups.find((group) => group.includes(name)) ?? [name]);
  const string = withAliases(list(options.string));
  const boolean = withAliases(list(options.boolean));
  const collect = withAliases(list(options.collect));
  const known = new Set([...string, ...boolean, ...collect, ...groups.flat()]);
  const settings = {
    string: string.map(shield),
    boolean: boolean.map(shield),
    default: Object.fromEntries(boolean.map((name) => [shield(name), NOT_GIVEN])),
  };

  const parsed: Record<string, unknown> & { _: Array<string | number>; "--"?: string[] } = {
    _: [],
  };
  const set = (name: string, value: unknown) => {
    for (const key of groups.find((group) => group.includes(name)) ?? [name]) {
      parsed[key] = collect.includes(key) ? [...(parsed[key] as unknown[] ?? []), value] : value;
    }
  };
  const dashes = args.indexOf("--");
  const words = dashes === -1 ? args : args.slice(0, dashes);
  const rest = dashes === -1 ? [] : args.slice(dashes + 1);

  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!/^-./s.test(word)) {
      if (options.unknown?.(word) !== false) parsed._.push(...minimist([word], settings)._);
      if (!options.stopEarly) continue;
      parsed._.push(...words.slice(at + 1));
      break;
    }
    const option = readOption(word, words[at + 1], settings);
    if (option.consumed) at++;
    for (const [name, value] of option.values) {
      if (known.has(name) || options.unknown?.(word, name, value) !== false) set(name, value);
    }
  }

  for (const name of boolean) parsed[name] ??= collect.includes(name) ? [] : false;
  for (const name of string) if (collect.includes(name)) parsed[name] ??= [];
  if (options["--"]) parsed["--"] = rest;
  else parsed._.push(...rest);
  return parsed as Args<TDoubleDash>;
}

/** What minimist reads from one option, and whether that used the word after it. */
function readOption(word: string, next: string | undefined, settings: minimist.Opts): {
  readonly consumed: boolean;
  readonly values: readonly (readonly [string, unknown])[];
} {
  // A word that begins with a dash is never a value; a lone "-" is one of a short option only.
  const takes = next !== undefined && next !== "" &&
    !(word.startsWith("--") ? /^-/ : /^-./s).test(next);
  const shielded = word.replace(
    /^(--)([^=]+)/s,
    (_, two: string, name: string) => two + shield(name),
  );
  const { _: left, ...found } = minimist(takes ? [shielded, next] : [shielded], settings);
  const consumed = takes && left.length === 0;
  const values: [string, unknown][] = [];
  for (const [name, given] of Object.entries(found)) {
    if (given === NOT_GIVEN) continue;
    for (const value of Array.isArray(given) ? given : [given]) {
      const written = consumed ? next : word.split(/=(.*)/s)[1] ?? String(value);
      values.push([unshield(name), typeof value === "number" ? written : value]);
    }
  }
  return { consumed, values };
}

/** minimist gives every boolean a value; this value marks those not on the command line. */
const NOT_GIVEN = null;

/**
 * Hides from minimist what has a meaning in names: a leading `no-` (negation) and dots (nesting).
 */
function shield(name: string): string {
  return name.replace(/^no-/, "\0no-").replaceAll(".", "\x01");
}

function unshield(name: string): string {
  return name.replace("\0", "").replaceAll("\x01", ".");
}

function list(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === "string" ? [names] : names;
}

/** The one format character that terminals show. */
const SOFT_HYPHEN = 0xad;

/** How many columns `text` takes in a terminal. Colours must be removed before. */
export function unicodeWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point >= 0x20 && point < 0x7f) width += 1;
    else if (point === SOFT_HYPHEN || !/[\p{Mn}\p{Me}\p{Cc}\p{Cf}\u1160-\u11ff]/u.test(character)) {
      width += eastAsianWidth(point);
    }
  }
  return width;
}
