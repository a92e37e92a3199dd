/** How a piece affects the run around it, apart from the outcomes of its own tests. */
export type Effect = keyof typeof EFFECTS;

/** Every effect, with what can still be compared. */
export const EFFECTS = {
  plain: "nothing: counts, ids and reports have to be pytest's in every mode",
  whole: "judges the session as a whole: a part may be red where all of it is green",
  alone: "fails because of another test in its process; alone it passes and may be FLAKY",
  loose: "spoils reports of tests, but never hides a failure",
  wide: "fails in a fixture of a wider scope: which test is blamed for it depends on the order",
  ends: "ends the session early, or makes its ending differ",
  hangs: "does not end by itself",
} as const;

/** Lines that do not depend on other pieces of their file, so that they can be left out alone. */
export interface PieceRow {
  readonly feature: string;
  readonly effect: Effect;
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  /** Whether its tests fail only because of its effect. */
  readonly quiet: boolean;
  readonly code: string;
  /** The options of pytest that it needs, and what it adds to the root's conftest.py. */
  readonly addopts: string | null;
  readonly ini: string | null;
  readonly conftest: string | null;
}

/** All pieces, by where they are used. */
export interface Pieces {
  readonly file: readonly PieceRow[];
  readonly conftest: readonly PieceRow[];
  readonly setting: readonly PieceRow[];
}

/** Reads pieces.txt; throws on a line that it does not understand. */
export function readPieces(text: string): Pieces {
  const [, ...sections] = text.split(/^#= .*\n/m).map(rowsOf);
  const [file, conftest, setting] = sections;
  if (!file || !conftest || !setting) throw new Error("pieces.txt has three sections");
  return { file, conftest, setting };
}

function rowsOf(section: string): PieceRow[] {
  return section.split(/^(?=#: )/m).filter((part) => part.startsWith("#: ")).map(rowOf);
}

function rowOf(part: string): PieceRow {
  const [head = "", ...lines] = part.trimEnd().split("\n");
  const match = /^#: (.+): (\w+) (\d+)( quiet)?$/.exec(head);
  if (!match || !(match[2]! in EFFECTS)) throw new Error(`pieces.txt: "${head}"`);
  const said = (key: string) =>
    lines.find((line) => line.startsWith(`#${key}: `))?.slice(key.length + 3) ?? null;
  return {
    feature: match[1]!,
    effect: match[2] as Effect,
    weight: Number(match[3]),
    quiet: match[4] !== undefined,
    code: lines.filter((line) => !/^#(addopts|ini|conftest): /.test(line)).join("\n"),
    addopts: said("addopts"),
    ini: said("ini"),
    conftest: said("conftest"),
  };
}
