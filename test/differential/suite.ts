import { type Effect, type PieceRow, type Pieces, readPieces } from "./pieces.ts";
import { Random } from "./random.ts";

/** A piece in a suite: its alternatives are chosen, its number is unique. */
export interface Piece {
  readonly feature: string;
  readonly effect: Effect;
  readonly code: string;
  readonly addopts: string | null;
  readonly ini: string | null;
  readonly conftest: string | null;
}

/** A test file and its pieces. */
export interface SuiteFile {
  readonly path: string;
  readonly pieces: readonly Piece[];
}

/** A suite as plain values, from which shrinking removes parts. */
export interface RandomSuite {
  readonly seed: number;
  readonly files: readonly SuiteFile[];
  readonly conftest: readonly Piece[];
  readonly settings: readonly Piece[];
  readonly layout: Layout;
}

/** How the project is laid out. */
export interface Layout {
  readonly configuration: "pyproject.toml" | "pytest.ini" | "tox.ini" | "setup.cfg";
  /** Null if not configured. */
  readonly testpaths: readonly string[] | null;
  /** Whether the directories of tests are packages. */
  readonly packages: boolean;
}

const PIECES: Pieces = readPieces(
  await Deno.readTextFile(new URL("pieces.txt", import.meta.url)),
);

/** The most disturbing effect comes last; most suites have none but the first. */
const CALM: ReadonlySet<Effect> = new Set(["plain"]);

/**
 * Features and effects that no suite has for now, since they are known to differ; to be removed
 * from this list one by one.
 */
export const KNOWN: ReadonlySet<string> = new Set<string>([]);

const DIRECTORIES = ["tests", "tests", "tests", "tests/sub", "tests/a b", "tests/ü", "tests/[x]"];
const NAMES = ["test_N.py", "test_N.py", "test_N.py", "test_ä_N.py", "test_N+.py", "test_N[a].py"];
const TESTPATHS = [["tests"], ["tests"], ["tests/"], ["test*"], ["tests", "app"], null];

function paths(all: readonly string[]): string[] {
  return all.filter((path) => !(KNOWN.has("brackets in paths") && path.includes("[")));
}

/** The suite of a seed. */
export function randomSuite(seed: number): RandomSuite {
  const random = new Random(seed);
  const calm = random.chance(0.5);
  const disturbing = calm ? 0 : random.between(1, 2);
  // A suite that is red for one reason only becomes green by a single mistake.
  const quiet = random.chance(calm ? 0.25 : 0.6);
  const count = random.between(1, 4);
  let number = 0;
  const isNew = (row: PieceRow) => !KNOWN.has(row.feature) && !KNOWN.has(row.effect);
  const fits = (row: PieceRow) => isCalm(row) && isNew(row) && (row.quiet || !quiet);
  const files: { path: string; pieces: Piece[] }[] = [];
  for (let index = 0; index < count; index++) {
    const directory = random.pick(paths(DIRECTORIES));
    const path = `${directory}/${random.pick(paths(NAMES)).replace("N", `${index}`)}`;
    const pieces: Piece[] = [];
    for (let left = random.between(index === 0 ? 1 : 0, 5); left > 0; left--) {
      pieces.push(chosen(random, PIECES.file.filter(fits), ++number, quiet));
    }
    files.push({ path, pieces });
  }
  const conftest: Piece[] = [];
  const settings: Piece[] = [];
  for (let left = random.pick([0, 0, 1, 1, 2]); left > 0; left--) {
    settings.push(chosen(random, PIECES.setting.filter(isCalm), ++number, quiet));
  }
  if (random.chance(0.15)) {
    conftest.push(chosen(random, PIECES.conftest.filter(isCalm), ++number, quiet));
  }
  for (let left = disturbing; left > 0; left--) {
    const where = random.weighted(
      [
        { to: "file", weight: 6 },
        { to: "conftest", weight: 2 },
        { to: "setting", weight: 2 },
      ] as const,
    ).to;
    const rows = PIECES[where].filter((row) => !isCalm(row) && isNew(row));
    if (rows.length === 0) continue;
    const piece = chosen(random, rows, ++number, quiet);
    if (where === "conftest") conftest.push(piece);
    else if (where === "setting") settings.push(piece);
    else {
      const pieces = random.pick(files).pieces;
      pieces.splice(random.between(0, pieces.length), 0, piece);
    }
  }
  return { seed, files, conftest, settings, layout: randomLayout(random) };
}

function randomLayout(random: Random): RandomSuite["layout"] {
  const files = ["pyproject.toml", "pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg"] as const;
  const configuration = random.pick(files);
  const isPattern = (all: (typeof TESTPATHS)[number]) => all?.some((path) => path.includes("*"));
  const testpaths = random.pick(
    TESTPATHS.filter((all) => !(KNOWN.has("a pattern in testpaths") && isPattern(all))),
  );
  return { configuration, testpaths, packages: random.chance(0.3) };
}

function isCalm(row: PieceRow): boolean {
  return CALM.has(row.effect);
}

function chosen(random: Random, rows: readonly PieceRow[], number: number, quiet: boolean): Piece {
  const { feature, effect, code, addopts, ini, conftest } = random.weighted(rows);
  const one = (marked: string, all: readonly string[]) =>
    quiet && marked !== "" ? all[0]! : random.pick(all);
  const alternatives = (text: string) =>
    text.replace(
      /\{\{(!?)(.*?)\}\}/gs,
      (_, mark: string, all: string) => one(mark, all.split("|")),
    );
  const fill = (text: string | null) =>
    text === null ? null : alternatives(text).replace(/N(?![A-Za-z0-9])/g, String(number));
  return { feature, effect, code: fill(code)!, addopts: fill(addopts), ini: fill(ini), conftest };
}

/** All pieces of a suite, wherever they are. */
export function piecesOf(suite: RandomSuite): Piece[] {
  return [...suite.files.flatMap((file) => file.pieces), ...suite.conftest, ...suite.settings];
}

/** Whether a piece with this effect is in it. */
export function has(suite: RandomSuite, ...effects: readonly Effect[]): boolean {
  return piecesOf(suite).some((piece) => effects.includes(piece.effect));
}

const HEADER = "import os, signal, sys, time, unittest, warnings\nimport pytest\n";

/**
 * What conftest.py needs for a piece of a test file: items of a file that pytest doesn't know, of
 * which two have one id.
 */
const YAML = `def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".yaml": return YamlFile.from_parent(parent, path=file_path)
class YamlFile(pytest.File):
    def collect(self):
        for word in self.path.read_text().split():
            item = YamlItem.from_parent(self, name="case")
            item.word = word
            yield item
class YamlItem(pytest.Item):
    def runtest(self): assert self.word == "ok"
    def reportinfo(self): return self.path, None, "case"
`;

const PROJECT = '[project]\nname = "app"\nversion = "0"';

const APP = `def used(): return 1
def unused():
    a = 1
    b = 2
    return a + b
`;

/** The files of a suite, by their paths below its root. */
export function filesOf(suite: RandomSuite): Record<string, string> {
  const pieces = piecesOf(suite);
  const said = (key: "addopts" | "ini") =>
    pieces.flatMap((piece) => piece[key] === null ? [] : [piece[key]!]);
  const files: Record<string, string> = { "app/__init__.py": APP };
  const yaml = pieces.some((piece) => piece.conftest === "yaml");
  if (suite.conftest.length > 0 || yaml) {
    const code = suite.conftest.map((piece) => piece.code);
    files["conftest.py"] = [HEADER, ...(yaml ? [YAML] : []), ...code].join("\n") + "\n";
    if (yaml) files["tests/cases.yaml"] = ["bad ok", "ok bad ok bad", "ok ok ok"][suite.seed % 3]!;
  }
  for (const { path, pieces: own } of suite.files) {
    files[path] = [HEADER, ...own.map((piece) => piece.code)].join("\n\n") + "\n";
    if (!suite.layout.packages) continue;
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, index) => files[`${parts.slice(0, index + 1).join("/")}/__init__.py`] = "");
  }
  const ini = dedupe(said("ini"), (line) => line.split(" = ")[0]!);
  const configuration = configurationOf(suite.layout, dedupe(said("addopts"), (one) => one), ini);
  return { ...files, ...configuration };
}

function dedupe(all: readonly string[], key: (one: string) => string): string[] {
  return [...new Map(all.map((one) => [key(one), one])).values()];
}

function configurationOf(
  { configuration, testpaths }: Layout,
  addopts: readonly string[],
  ini: readonly string[],
): Record<string, string> {
  const words = addopts.join(" ");
  if (configuration === "pyproject.toml") {
    const lines = [
      PROJECT,
      "[tool.pytest.ini_options]",
      ...(testpaths === null ? [] : [`testpaths = ${JSON.stringify(testpaths)}`]),
      ...(words === "" ? [] : [`addopts = ${JSON.stringify(words)}`]),
      ...ini,
    ];
    return { "pyproject.toml": lines.join("\n") + "\n" };
  }
  // The other kinds have no quotes and no lists.
  const plain = ini.map((line) => line.replace(/[[\]"]/g, ""));
  const lines = [
    configuration === "setup.cfg" ? "[tool:pytest]" : "[pytest]",
    ...(testpaths === null ? [] : [`testpaths = ${testpaths.join(" ")}`]),
    ...(words === "" ? [] : [`addopts = ${words}`]),
    ...plain,
  ];
  return { [configuration]: lines.join("\n") + "\n", "pyproject.toml": PROJECT + "\n" };
}

/** A suite for people: every file with its text. */
export function shown(suite: RandomSuite): string {
  const files = Object.entries(filesOf(suite)).filter(([path]) =>
    path !== "app/__init__.py" && !path.endsWith("/__init__.py")
  );
  return files.map(([path, text]) => `--- ${path}\n${text.trimEnd()}`).join("\n");
}
