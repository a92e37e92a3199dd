import { parse } from "smol-toml";
import { table } from "./project_files.ts";

/** In longer files no line is searched for: each line costs a parse of its section. */
const MOST_LINES = 5000;

/**
 * The line, from 1, on which each of some keys begins in a TOML file; a key that isn't found has
 * none. The parser itself is asked: a key begins where the shortest part of the file that has it
 * exceeds the longest that can be parsed without it.
 *
 * @param paths of the keys: `["tool", "tractest", "jobs"]`
 */
export function linesOfKeys(
  toml: string,
  paths: readonly (readonly string[])[],
): (number | undefined)[] {
  const lines = toml.split(/\r?\n/);
  const found: (number | undefined)[] = paths.map(() => undefined);
  if (lines.length > MOST_LINES) return found;
  // The section that is being read: a header begins a text that can be parsed by itself.
  let section = 0;
  let begin = 0;
  for (let end = 1; end <= lines.length; end++) {
    if (isHeader(lines[end - 1]!) && parsed(lines.slice(section, end - 1)) !== null) {
      section = begin = end - 1;
    }
    const values = parsed(lines.slice(section, end));
    if (values === null) continue;
    const line = firstOfContent(lines, begin) + 1;
    paths.forEach((path, index) => {
      if (has(values, path)) found[index] ??= line;
    });
    begin = end;
    if (!found.includes(undefined)) break;
  }
  return found;
}

function isHeader(line: string): boolean {
  return /^\s*\[/.test(line);
}

/** The first line that is neither empty nor a comment. */
function firstOfContent(lines: readonly string[], from: number): number {
  const at = lines.findIndex((line, index) => index >= from && !/^\s*(#|$)/.test(line));
  return at < 0 ? from : at;
}

function parsed(lines: readonly string[]): Record<string, unknown> | null {
  try {
    return parse(lines.join("\n"));
  } catch {
    return null;
  }
}

function has(values: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  return key === undefined || (Object.hasOwn(table(values), key) && has(table(values)[key], rest));
}
