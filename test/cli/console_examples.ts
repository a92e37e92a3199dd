/**
 * The examples of a page: blocks of `console` with commands after `$ ` and what they print.
 *
 * In the page, comments say how the next block is tried: `<!-- run: COMMAND -->` is run before it,
 * `<!-- not run: REASON -->` leaves it out, `<!-- numbers vary -->` compares no numbers,
 * `<!-- at a terminal -->` types it at one.
 */

/** A command of a page, and the lines below it. */
export interface Example {
  readonly command: string;
  /** The page and the line of the command. */
  readonly place: string;
  /** Empty: what it prints is not shown. `…` alone stands for any lines, in a line for any text. */
  readonly printed: readonly string[];
  readonly numbersVary: boolean;
  readonly atTerminal: boolean;
  /** Why it is not run; null: it is. */
  readonly notRun: string | null;
}

/** Every example of a page, hidden commands included, in order. */
export function examplesOf(page: string, text: string): Example[] {
  const examples: Example[] = [];
  let [isConsole, isFenced, numbersVary, atTerminal] = [false, false, false, false];
  let notRun: string | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const place = `${page}:${index + 1}`;
    if (/^\s*```/.test(line)) {
      if (isConsole) [numbersVary, atTerminal, notRun] = [false, false, null];
      isConsole = !isFenced && line.trim() === "```console";
      isFenced = !isFenced;
    } else if (isConsole && line.startsWith("$ ")) {
      const how = { numbersVary, atTerminal, notRun };
      examples.push({ command: line.slice(2), place, printed: [], ...how });
    } else if (isConsole && examples.length > 0) {
      const last = examples.pop()!;
      examples.push({ ...last, printed: [...last.printed, line] });
    } else if (!isFenced) {
      const [, directive, words] =
        line.match(/^<!-- (run|not run|numbers vary|at a terminal):? ?(.*?) ?-->$/) ??
          [];
      if (directive === "numbers vary") numbersVary = true;
      if (directive === "at a terminal") atTerminal = true;
      if (directive === "not run") notRun = words!;
      if (directive === "run") {
        examples.push({
          command: words!,
          place,
          printed: [],
          numbersVary: false,
          atTerminal: false,
          notRun: null,
        });
      }
    }
  }
  return examples;
}

/** What differs from one time or machine to the next, and what stands for it. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b\d{8}-\d{6}-[0-9a-f]{4}\b/g, "RUN"],
  // Whether a run recorded a process or only its environment names the test depends on the time.
  [
    /recorded by run RUN \(test (\S+)\)|started by test (\S+) of run RUN \(from its environment\)/g,
    "of test $1$2",
  ],
  [/\b\d{4}-\d\d-\d\d( \d\d:\d\d)?/g, "DATE"],
  [/\b(pid|parent|SIGINT|SIGTERM) \d+/g, "$1 N"],
  [/^ {2}\d+ (?=\S*\/)/g, "  N "],
  [/pipe:\[\d+\]/g, "pipe:[N]"],
  [/\/\S*#\d+ \(deleted\)/g, "FILE (deleted)"],
  [/still there \d+(\.\d+)? s after the test|there when pytest had ended/g, "still there"],
  [/\b\d+(\.\d+)? s\b|\b\d+\.\d+s\b/g, "N s"],
  [/\b\d+\.\d+x of the mean/g, "Nx of the mean"],
  [/Python 3\.\d+(\.\d+)?|\bpython3\.\d+/g, "Python"],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])([0-9a-f]{12}|[0-9a-f]{8})\b/g, "COMMIT"],
  [/([=_!-])\1+/g, "$1"],
  [/\s+/g, " "],
];

/** Lines that only slow machines print, or those whose pid 1 is no init. */
export const NOISE = /^the machine was overloaded|has not collected it yet$| …$/;

/** Why the lines are not those of the example; null: they are. */
export function difference(example: Example, lines: readonly string[]): string | null {
  if (example.printed.length === 0) return null;
  const settled = (line: string) => {
    const text = VARYING.reduce((all, [pattern, by]) => all.replace(pattern, by), line).trimEnd();
    return example.numbersVary ? text.replace(/\d+(\.\d+)?/g, "N") : text;
  };
  const actual = lines.filter((line) => !NOISE.test(line)).map(settled);
  let next = 0;
  let skips = false;
  for (const line of example.printed) {
    if (line.trim() === "…") {
      skips = true;
      continue;
    }
    const pattern = asPattern(settled(line));
    const found = actual.findIndex((each, index) => index >= next && pattern.test(each));
    if (found < 0 || !skips && found > next) {
      return `shown: ${line}\nprinted: ${actual[next] ?? "nothing more"}`;
    }
    [next, skips] = [found + 1, false];
  }
  const isWhole = skips || actual.slice(next).every((line) => line === "");
  return isWhole ? null : `printed, but not shown: ${actual[next]}`;
}

/** The pattern of a line in which `…` stands for any text. */
function asPattern(line: string): RegExp {
  const literal = line.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`);
}
