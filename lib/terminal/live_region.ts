import { unicodeWidth } from "@std/cli";
import type { Output } from "../system/host.ts";
import { withoutAnsi } from "../base/escape.ts";

/**
 * Lines at the bottom of a terminal that are drawn anew in place, with everything else above them.
 */
export class LiveRegion {
  /** Widths of the lines that stand there now. */
  #drawn: readonly number[] = [];

  constructor(private readonly output: Output, private readonly lines: () => readonly string[]) {}

  /** Draws the lines as they are now, over those before. */
  draw(): void {
    this.output.write(this.#back() + this.#draw());
  }

  /** Takes the lines away. */
  clear(): void {
    if (this.#drawn.length === 0) return;
    this.output.write(`${this.#back()}\x1b[J`);
    this.#drawn = [];
  }

  /** Lets something be printed above; it has to end with the end of a line. */
  above(print: () => void): void {
    this.clear();
    print();
    this.draw();
  }

  /**
   * To where the first line begins. A terminal that became narrower has wrapped what stood there.
   */
  #back(): string {
    const { columns } = this.output;
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    return rows > 1 ? `\r\x1b[${rows - 1}A` : "\r";
  }

  #draw(): string {
    const lines = this.lines();
    this.#drawn = lines.map((line) => unicodeWidth(withoutAnsi(line)));
    // Each line is cleared behind its text and not before: that would flicker.
    return `${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`;
  }
}
