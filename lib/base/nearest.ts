import { distance } from "fastest-levenshtein";

/** The candidates, nearest to `word` first; equally near ones keep their order. */
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
 * Whether a word is another one with one letter wrong, missing or too many, or with other hyphens.
 * Short words never are: too many are near.
 */
export function isSlipOf(word: string, meant: string): boolean {
  if (word.replaceAll("-", "") === meant.replaceAll("-", "")) return true;
  return word.length > 4 && meant.length > 4 && distance(word, meant) === 1;
}

/** A `Did you mean "x"?` when something is near enough to be meant, else nothing. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const [first] = nearest(word, candidates);
  if (first === undefined) return undefined;
  const limit = Math.max(2, Math.floor(Math.max(word.length, first.length) / 2));
  return distance(word.toLowerCase(), first.toLowerCase()) <= limit
    ? `did you mean "${first}"?`
    : undefined;
}
