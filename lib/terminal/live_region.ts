import { unicodeWidth } from "@std/cli";
import type { Output } from "../system/host.ts";
import { withoutAnsi } from "../base/escape.ts";

/** Lines at the bottom of a terminal that are redrawn in place; everything else goes above. */
export class LiveRegion {
  /** Widths of the lines that are drawn now. */
  #drawn: readonly number[] = [];

  constructor(private readonly output: Output, private readonly lines: () => readonly string[]) {}

  /** Draws the current lines over the previous ones. */
  draw(): void {
    this.output.write(this.#back() + this.#draw());
  }

  /** Erases the lines. */
  clear(): void {
    if (this.#drawn.length === 0) return;
    this.output.write(`${this.#back()}\x1b[J`);
    this.#drawn = [];
  }

  /** Calls `print` to print above the lines; what it prints has to end with a newline. */
  above(print: () => void): void {
    this.clear();
    print();
    this.draw();
  }

  /** Moves to the start of the first line. A terminal that became narrower has wrapped lines. */
  #back(): string {
    const rowsOf = (width: number) => Math.max(1, Math.ceil(width / this.output.columns));
    const rows = this.#drawn.reduce((sum, width) => sum + rowsOf(width), 0);
    return rows > 1 ? `\r\x1b[${rows - 1}A` : "\r";
  }

  #draw(): string {
    const lines = this.lines();
    this.#drawn = lines.map((line) => unicodeWidth(withoutAnsi(line)));
    // Each line is cleared after its text: clearing before it would flicker.
    return `${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`;
  }
}
