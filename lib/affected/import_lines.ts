import { isWholeLine } from "./python_imports.ts";

/**
 * The lines of a project's files that may import, or use something of packages: what a search for
 * the expression of {@linkcode importLines} found. They show which files are worth parsing.
 */
export class ImportLines {
  /**
   * @param text a path, NUL and the line, for each line
   * @param searched the files that were searched
   */
  constructor(private readonly text: string, readonly searched: ReadonlySet<string>) {}

  /** The files that have a word as a whole. */
  having(word: string): string[] {
    const { text } = this;
    const found = new Set<string>();
    for (let at = word === "" ? -1 : text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (!isWord(text, at, word)) continue;
      const [path, line] = this.#lineAt(at);
      if (line <= at) found.add(path);
    }
    return [...found];
  }

  /**
   * The files of which these lines are not enough to know their words.
   *
   * @param packages the names of all directories
   */
  lacking(packages: ReadonlySet<string>): Set<string> {
    const { text } = this;
    const found = new Set<string>();
    // Many files have the same lines.
    const known = new Map<string, boolean>();
    for (const mark of SUSPICIOUS) {
      for (let at = text.indexOf(mark); at >= 0;) {
        const [path, start, end] = this.#lineAt(at);
        const line = text.slice(start, end);
        let isWhole = known.get(line);
        if (isWhole === undefined) known.set(line, isWhole = isWholeLine(line, packages));
        if (!isWhole) found.add(path);
        at = text.indexOf(mark, end);
      }
    }
    return found;
  }

  /** The path of the line around a place, and where the line itself begins and ends. */
  #lineAt(at: number): [path: string, line: number, end: number] {
    const { text } = this;
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const behindPath = text.indexOf("\0", start);
    const end = text.indexOf("\n", at);
    return [text.slice(start, behindPath), behindPath + 1, end < 0 ? text.length : end];
  }
}

const LETTER = /[\w\u0080-\uffff]/;
/** A line with one of these may continue. One expression for all takes several times longer. */
const SUSPICIOUS = [
  "(",
  "\\",
  "pytest_plugins",
  ...[" ", "\t"].flatMap((before) => [" ", "\t"].map((after) => `${before}as${after}`)),
] as const;

/** Whether the word at a place is not part of a longer one. */
export function isWord(text: string, at: number, word: string): boolean {
  const isPart = LETTER.test(word[0]!) && at > 0 && LETTER.test(text[at - 1]!);
  return !isPart && !LETTER.test(text[at + word.length] ?? "");
}
