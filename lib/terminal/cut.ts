import { unicodeWidth } from "@std/cli";

/** A text cut at its end so that it is at most `width` columns wide. The text is plain. */
export function cutAtEnd(text: string, width: number): string {
  return unicodeWidth(text) <= width ? text : cut([...text], width).join("");
}

/** The same, cut at its beginning: the end of an id says most. */
export function cutAtStart(text: string, width: number): string {
  if (unicodeWidth(text) <= width) return text;
  const end = cut([...text].reverse(), Math.max(0, width - 2)).reverse().join("");
  return width < 2 ? end : `..${end}`;
}

function cut(characters: string[], width: number): string[] {
  let used = 0;
  const end = characters.findIndex((character) => (used += unicodeWidth(character)) > width);
  return end < 0 ? characters : characters.slice(0, end);
}
