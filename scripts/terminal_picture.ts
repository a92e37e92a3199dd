/** A part of a line in one style: the classes of its text. */
interface Run {
  readonly text: string;
  readonly column: number;
  readonly style: string;
}

type Line = readonly Run[];

/** What a terminal shows from a time on, in seconds. */
export interface Frame {
  readonly time: number;
  readonly lines: readonly Line[];
}

/** As much of a terminal as recorded programs need: text, colours, and moving within lines. */
export class Screen {
  #rows: { text: string; style: string }[][] = [[]];
  #row = 0;
  #column = 0;
  #colour = "";
  #isBold = false;

  constructor(private readonly columns: number, private readonly rows: number) {}

  /** Takes what a program writes. */
  write(text: string): void {
    // deno-lint-ignore no-control-regex
    const parts = text.matchAll(/\x1b\[([\d;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|([\s\S])/gu);
    for (const [, parameters = "", letter, character] of parts) {
      if (letter !== undefined) this.#control(letter, parameters);
      else if (character === "\n") this.#newLine();
      else if (character === "\r") this.#column = 0;
      else if (character !== undefined && character >= " ") this.#put(character);
    }
  }

  /** The lines that are in view. */
  lines(): Line[] {
    return this.#rows.slice(-this.rows).map((cells) => {
      const runs: Run[] = [];
      for (const [column, { text, style }] of cells.entries()) {
        const last = runs.at(-1);
        if (last?.style === style) runs[runs.length - 1] = { ...last, text: last.text + text };
        else runs.push({ text, column, style });
      }
      return runs.filter((run) => run.text.trim() !== "");
    });
  }

  #put(text: string): void {
    if (this.#column >= this.columns) {
      this.#newLine();
      this.#column = 0;
    }
    const cells = this.#rows[this.#row]!;
    while (cells.length < this.#column) cells.push({ text: " ", style: "" });
    const style = [this.#colour, this.#isBold ? "b" : ""].join(" ").trim();
    cells[this.#column++] = { text, style };
  }

  #newLine(): void {
    if (++this.#row === this.#rows.length) this.#rows.push([]);
  }

  #control(letter: string, parameters: string): void {
    const count = Math.max(1, Number(parameters) || 1);
    if (letter === "m") this.#style(parameters.split(";").map(Number));
    else if (letter === "A") this.#row = Math.max(0, this.#row - count);
    else if (letter === "G") this.#column = count - 1;
    else if (letter === "K") this.#rows[this.#row]!.splice(parameters === "2" ? 0 : this.#column);
    else if (letter === "J") {
      this.#rows[this.#row]!.splice(this.#column);
      this.#rows.splice(this.#row + 1);
    }
  }

  #style(codes: readonly number[]): void {
    for (const code of codes) {
      if (code === 0) [this.#colour, this.#isBold] = ["", false];
      else if (code === 1) this.#isBold = true;
      else if (code === 2) this.#colour = "c8";
      else if (code === 22) this.#isBold = false;
      else if (code === 39) this.#colour = "";
      else if (code >= 30 && code <= 37) this.#colour = `c${code - 30}`;
      else if (code >= 90 && code <= 97) this.#colour = `c${code - 82}`;
    }
  }
}

/** Sizes in units of the picture. */
const [CHARACTER, LINE, MARGIN] = [8.4, 18, 16];
const COLOURS: Readonly<Record<string, string>> = {
  c1: "#ff7b72",
  c2: "#56d364",
  c3: "#e3b341",
  c4: "#79c0ff",
  c5: "#d2a8ff",
  c6: "#56d4dd",
  c8: "#8b949e",
  c9: "#ff7b72",
  c10: "#56d364",
  c11: "#e3b341",
  c12: "#79c0ff",
  c13: "#d2a8ff",
  c14: "#56d4dd",
};

/**
 * The frames side by side, as a film that moves a picture at a time; each line is drawn once. Who
 * asks for less motion sees the last one.
 */
export function animation(
  frames: readonly Frame[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string {
  const width = Math.ceil(columns * CHARACTER + 2 * MARGIN);
  const height = rows * LINE + 2 * MARGIN;
  const seconds = frames.at(-1)!.time;
  const ids = new Map<string, string>();
  const pictures = frames.map(({ lines }, index) => {
    const uses = lines.map((line, row) => {
      const drawn = drawLine(line);
      if (drawn === "") return "";
      const id = ids.get(drawn) ?? `l${ids.size}`;
      ids.set(drawn, id);
      return `<use href="#${id}" y="${row * LINE}"/>`;
    });
    return `<g transform="translate(${index * width})">${uses.join("")}</g>`;
  });
  const moves = frames.map(({ time }, index) =>
    `${(time / seconds * 100).toFixed(3)}%{transform:translateX(${-index * width}px)}`
  );
  const colours = Object.entries(COLOURS).map(([name, colour]) => `.${name}{fill:${colour}}`);
  const style = [
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;",
    "fill:#e6edf3;white-space:pre}.b{font-weight:bold}",
    ...colours,
    `.film{animation:film ${seconds.toFixed(2)}s steps(1,end) infinite}`,
    `@keyframes film{0%{transform:none}${moves.join("")}}`,
    "@media (prefers-reduced-motion:reduce){.film{animation:none;",
    `transform:translateX(${-(frames.length - 1) * width}px)}}`,
  ].join("");
  const lines = [...ids].map(([drawn, id]) => `<g id="${id}">${drawn}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}">`,
    "<title>A session with tractest at a terminal</title>",
    `<style>${style}</style><defs>${lines.join("\n")}</defs>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    `<svg x="${MARGIN}" y="${MARGIN}" width="${width - 2 * MARGIN}" height="${rows * LINE}">`,
    `<g class="film">${pictures.join("\n")}</g></svg></svg>\n`,
  ].join("\n");
}

function drawLine(line: Line): string {
  return line.map(({ text, column, style }) => {
    const start = text.length - text.trimStart().length;
    const words = text.trim();
    const x = ((column + start) * CHARACTER).toFixed(1);
    const length = ([...words].length * CHARACTER).toFixed(1);
    const classes = style === "" ? "" : ` class="${style}"`;
    return `<text x="${x}" y="13" textLength="${length}"${classes}>${escaped(words)}</text>`;
  }).join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
