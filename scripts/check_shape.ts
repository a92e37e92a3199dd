/**
 * Checks that files stay readable: lines fit 100 columns, functions fit a screen, no template is
 * broken inside `${`, and no two files of `lib/` share a name, except for the words of every room.
 */

import { sourceFiles } from "./check_imports.ts";

const MOST_COLUMNS = 100;
const MOST_LINES = 60;

/** Names that describe a file's part in its room; any other name may occur only once. */
const ROOM_WORDS: ReadonlySet<string> = new Set(["command", "gather", "rules", "show"]);

/** The problems of one file, one sentence each. */
export function shapeProblems(path: string, source: string): string[] {
  const lines = source.split("\n");
  const problems: string[] = [];
  lines.forEach((line, index) => {
    const place = `${path}:${index + 1}`;
    if (line.length > MOST_COLUMNS) problems.push(`${place}: ${line.length} columns`);
    if (/\$\{$/.test(line)) problems.push(`${place}: a template is broken inside \${`);
  });
  for (const { name, start, length } of functionsOf(lines)) {
    if (length <= MOST_LINES) continue;
    problems.push(`${path}:${start}: ${name} has ${length} lines`);
  }
  return problems;
}

/** A function in a file; `start` counts from 1. */
interface FoundFunction {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

/** The first lines of functions, methods, named arrow functions and tests; the group is a name. */
const FUNCTION_STARTS = [
  /^\s*(?:export )?(?:async )?function\*? *(\w+)/,
  /^ {2}(?:(?:override|static|async|get|set) )*\*?(#?\w+)(?:<[^()]*>)?\(/,
  /^\s*(?:export )?const (\w+)[^=]* = (?:async )?\(/,
  /^\s*Deno\.test\((.*)/,
];

/** The functions of formatted source: each ends at the first line that closes its indentation. */
function functionsOf(lines: readonly string[]): FoundFunction[] {
  const found: FoundFunction[] = [];
  lines.forEach((line, index) => {
    const name = FUNCTION_STARTS.map((pattern) => pattern.exec(line)?.[1]).find((one) => one);
    if (name === undefined) return;
    const indent = /^\s*/.exec(line)![0];
    const rest = lines.slice(index);
    const head = rest.findIndex((one, at) => at === 0 ? /\{$/.test(one) : isBack(one, indent));
    // A call has no body: neither `{` behind it, nor `=> {` in front of it.
    if (head < 0 || !/(?:\)|\w|>|\]|\}) \{$|=> \{$/.test(rest[head]!)) return;
    const length = rest.findIndex((one, at) => at > head && isBack(one, indent)) + 1;
    found.push({ name, start: index + 1, length });
  });
  return found;
}

/** Whether a line is back at an indentation: the lines between are a level deeper. */
function isBack(line: string, indent: string): boolean {
  return line.startsWith(indent) && /\S/.test(line[indent.length] ?? "");
}

/** Files of `lib/` that share a name, one sentence each. */
export function repeatedNames(paths: readonly string[]): string[] {
  const byName = Map.groupBy(paths, (path) => /([^/]+)\.ts$/.exec(path)![1]!);
  return [...byName].filter(([name, places]) => places.length > 1 && !ROOM_WORDS.has(name))
    .map(([name, places]) => `${name}.ts is there ${places.length} times: ${places.join(", ")}`);
}

/** The problems of this repository. */
export async function checkShape(root = "."): Promise<string[]> {
  const lib = await sourceFiles(["main.ts", "lib"], root);
  const problems = repeatedNames(lib);
  for (const path of [...lib, ...await sourceFiles(["test", "scripts"], root)]) {
    problems.push(...shapeProblems(path, await Deno.readTextFile(`${root}/${path}`)));
  }
  return problems;
}

if (import.meta.main) {
  const only = Deno.args;
  const problems = (await checkShape()).filter((problem) =>
    only.length === 0 || only.some((part) => problem.includes(part))
  );
  for (const problem of problems) console.error(problem);
  Deno.exit(problems.length === 0 ? 0 : 1);
}
