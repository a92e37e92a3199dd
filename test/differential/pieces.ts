/** What a piece does to the run around it, beside the outcomes of its own tests. */
export type Effect = keyof typeof EFFECTS;

/** Every effect, with what it leaves to be compared. */
export const EFFECTS = {
  plain: "nothing: counts, ids and reports have to be pytest's in every mode",
  whole: "judges the session as a whole: a part may be red where all of it is green",
  alone: "fails for what another test of its process left behind; alone it passes and may be FLAKY",
  loose: "spoils what is told of tests, never what is red",
  wide: "fails in a fixture of a wider scope: which test is blamed for it depends on the order",
  ends: "ends the session early, or makes its ending differ",
  hangs: "does not end by itself",
} as const;

/** Lines that need nothing of the other pieces of their file and can be left out alone. */
export interface PieceRow {
  readonly feature: string;
  readonly effect: Effect;
  /** How often it is chosen beside the others. */
  readonly weight: number;
  /** Whether no test of it fails, but for its effect. */
  readonly quiet: boolean;
  readonly code: string;
  /** What has to be said to pytest with it, and what the root's conftest.py needs. */
  readonly addopts: string | null;
  readonly ini: string | null;
  readonly conftest: string | null;
}

/** All pieces, by where they stand. */
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
