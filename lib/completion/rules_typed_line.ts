import type { Candidate } from "./rules_wanted.ts";

/** The words before the cursor, as the shell would pass them; the last one is being typed. */
export interface TypedLine {
  readonly words: readonly string[];
  /** How many characters of the last word the shell keeps: it replaces only the rest. */
  readonly kept: number;
  /** The quote that is open at the cursor. */
  readonly quote: "" | '"' | "'";
  /** Whether the word is a file of a redirection. */
  readonly redirects: boolean;
}

/**
 * Reads a command line of bash up to the cursor.
 *
 * @param breaks COMP_WORDBREAKS: readline replaces what follows the last of them
 */
export function readBashLine(line: string, breaks: string): TypedLine {
  return readLine(line, breaks, /\s/);
}

/** @param between what separates words */
function readLine(line: string, breaks: string, between: RegExp): TypedLine {
  const words: string[] = [];
  let word: string | null = null;
  let [kept, quote, redirects]: [number, TypedLine["quote"], boolean] = [0, "", false];
  for (let index = 0; index < line.length; index++) {
    const character = line[index]!;
    const next = line[index + 1];
    if (quote === "" && between.test(character)) {
      if (word !== null) words.push(word);
      if (word !== null && !/^\d*[<>]+$/.test(word)) redirects = false;
      else if (word !== null) redirects = true;
      [word, kept] = [null, 0];
      continue;
    }
    word ??= "";
    if (character === "\\" && quote === "" && next !== undefined) word += line[++index];
    else if (character === "\\" && quote === '"' && /["\\$`]/.test(next ?? "")) {
      word += line[++index];
    } else if (quote !== "" && character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) {
      quote = character;
      kept = word.length;
    } else {
      word += character;
      if (quote === "" && breaks.includes(character)) kept = word.length;
    }
  }
  return { words: [...words, word ?? ""], kept, quote, redirects };
}

/** A word without its quotes; one of them may be open. */
export function unquoted(word: string): string {
  return readLine(word, "", /(?!)/).words[0]!;
}

/** Whether more is to be typed after a candidate, so that no space follows it. */
export function isOpen(value: string): boolean {
  return /(?:[/=]|::)$/.test(value);
}

/** A candidate as bash puts it in place of what it replaces. */
export function bashReply({ value }: Candidate, { kept, quote }: TypedLine): string {
  const rest = value.slice(kept);
  if (quote === "'") return rest.replaceAll("'", `'\\''`);
  if (quote === '"') return rest.replaceAll(/["\\$`]/g, "\\$&");
  const quoted = rest.replaceAll(/[^\w./:=@%+,^\u0080-\u{10ffff}-]/gu, "\\$&");
  return isOpen(value) ? quoted : `${quoted} `;
}

/** A candidate as nushell puts it in place of the word. */
export function nushellReply({ value }: Candidate): string {
  const plain = /^[\w./:=@%+,\u0080-\u{10ffff}-]+$/u.test(value);
  const quoted = plain
    ? value
    : value.includes("'")
    ? `"${value.replaceAll(/["\\]/g, "\\$&")}"`
    : `'${value}'`;
  return isOpen(value) ? quoted : `${quoted} `;
}
