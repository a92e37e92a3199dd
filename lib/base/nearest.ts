import { distance } from "fastest-levenshtein";

/** The candidates, those most similar to `word` first; otherwise in their order. */
export function nearest(word: string, candidates: readonly string[]): string[] {
  const lower = word.toLowerCase();
  return candidates
    .map((candidate, index) => ({
      candidate,
      index,
      away: distance(lower, candidate.toLowerCase()),
    }))
    .sort((a, b) => a.away - b.away || a.index - b.index)
    .map((entry) => entry.candidate);
}

/**
 * Whether a word is a misspelling of another: one letter wrong, missing or too many, two swapped,
 * or different hyphens. Short words are not compared, since too many are similar.
 */
export function isMisspellingOf(word: string, meant: string): boolean {
  if (word.replaceAll("-", "") === meant.replaceAll("-", "")) return true;
  if (word.length <= 4 || meant.length <= 4) return false;
  return distance(word, meant) === 1 || hasSwappedLetters(word, meant);
}

function hasSwappedLetters(word: string, meant: string): boolean {
  const at = [...word].findIndex((letter, index) => letter !== meant[index]);
  const swapped = word.slice(0, at) + word.slice(at, at + 2).split("").reverse().join("") +
    word.slice(at + 2);
  return at >= 0 && swapped === meant;
}

/** `did you mean "x"?` if a candidate is similar enough. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const [first] = nearest(word, candidates);
  if (first === undefined) return undefined;
  const limit = Math.max(2, Math.floor(Math.max(word.length, first.length) / 2));
  return distance(word.toLowerCase(), first.toLowerCase()) <= limit
    ? `did you mean "${first}"?`
    : undefined;
}
