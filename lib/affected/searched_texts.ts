import { isWord } from "./import_lines.ts";

/** Many texts, searched as one: a search in each takes many times as long. */
export class SearchedTexts {
  readonly #all: string;
  readonly #starts: number[] = [];
  readonly #paths: string[] = [];

  constructor(texts: readonly (readonly [path: string, text: string])[]) {
    let start = 0;
    for (const [path, text] of texts) {
      this.#starts.push(start);
      this.#paths.push(path);
      start += text.length + 1;
    }
    this.#starts.push(start);
    this.#all = texts.map(([, text]) => text).join("\n");
  }

  /** The paths of the texts that have a word as a whole. */
  having(word: string): string[] {
    const found: string[] = [];
    if (word === "") return found;
    let at = this.#all.indexOf(word);
    while (at >= 0) {
      if (!isWord(this.#all, at, word)) {
        at = this.#all.indexOf(word, at + 1);
        continue;
      }
      const index = this.#indexOf(at);
      found.push(this.#paths[index]!);
      at = this.#all.indexOf(word, this.#starts[index + 1]);
    }
    return found;
  }

  #indexOf(at: number): number {
    let [low, high] = [0, this.#paths.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
