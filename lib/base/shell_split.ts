/**
 * Splits a text into words as pytest splits its options (Python's `shlex.split`). An unclosed
 * quote ends with the text; pytest itself rejects that.
 */
export function shellSplit(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    const escapes = character === "\\" &&
      (quote === "" || (quote === '"' && /["\\]/.test(text[index + 1] ?? "")));
    if (escapes) word = (word ?? "") + (text[++index] ?? "");
    else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + character;
  }
  if (word !== null) words.push(word);
  return words;
}
