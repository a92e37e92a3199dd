import { UsageError } from "../errors.ts";
import { suggestion } from "../base/nearest.ts";
import { type Outcome, RED } from "../pytest/results.ts";

/** What `--matrix` can vary. */
export type MatrixKey = "tpt-proto" | "spawn-backend" | "python";

/** Each key with the values that it takes; null for any that the project has. */
const KEYS: Readonly<Record<MatrixKey, readonly string[] | null>> = {
  "tpt-proto": ["tcp", "uds"],
  "spawn-backend": null,
  python: null,
};

/** Something that varies, and how. */
export interface Dimension {
  readonly key: MatrixKey;
  readonly values: readonly string[];
}

/** One combination: a value for each key, in the order of the dimensions. */
export type Cell = ReadonlyMap<MatrixKey, string>;

/** More cells than this are a slip. */
const MOST_CELLS = 64;

/**
 * Reads `KEY=V1,V2` words; a key that comes again has all of its values.
 *
 * @param given whether an option of this name was typed too
 * @throws {UsageError} for a key or a value that is none, naming those that are
 */
export function parseMatrix(
  words: readonly string[],
  given: (key: MatrixKey) => boolean,
): Dimension[] {
  const dimensions = new Map<MatrixKey, string[]>();
  for (const word of words) {
    const [, name = "", list = ""] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    const names = Object.keys(KEYS);
    if (!Object.hasOwn(KEYS, name)) {
      const what = word.includes("=")
        ? `Option "--matrix" does not know "${name}"`
        : `Option "--matrix" does not take "${word}"`;
      throw new UsageError(
        what,
        [suggestion(name, names), `it takes KEY=VALUE,VALUE with ${names.join(", ")}`].filter(
          Boolean,
        ).join("; "),
      );
    }
    const key = name as MatrixKey;
    if (given(key)) {
      throw new UsageError(
        `"--${key}" and "--matrix ${key}=…" exclude each other`,
        "leave one of them out",
      );
    }
    const values = list.split(",").map((value) => value.trim()).filter((value) => value !== "");
    if (values.length === 0) {
      throw new UsageError(
        `"--matrix ${word}" has no values`,
        `${key}=${(KEYS[key] ?? EXAMPLES[key]).join(",")}`,
      );
    }
    for (const value of values) checkValue(key, value);
    const all = dimensions.get(key) ?? [];
    dimensions.set(key, [
      ...new Set([
        ...all,
        ...values.map((value) => key === "python" ? dottedPython(value) : value),
      ]),
    ]);
  }
  const found = [...dimensions].map(([key, values]) => ({ key, values }));
  const count = found.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_CELLS) {
    throw new UsageError(`"--matrix" has ${count} cells`, `at most ${MOST_CELLS}`);
  }
  return found;
}

const EXAMPLES: Readonly<Record<MatrixKey, readonly string[]>> = {
  "tpt-proto": ["tcp", "uds"],
  "spawn-backend": ["trio", "mp_spawn"],
  python: ["3.12", "3.13"],
};

function checkValue(key: MatrixKey, value: string): void {
  const choices = KEYS[key];
  const fits = choices
    ? choices.includes(value)
    : key === "python"
    ? /^3\.?\d{1,2}$/.test(value)
    : /^\w[\w.-]*$/.test(value);
  if (!fits) {
    throw new UsageError(
      `"--matrix ${key}=…" does not take "${value}"`,
      `such as ${(choices ?? EXAMPLES[key]).join(",")}`,
    );
  }
}

/** `313` as `3.13`. */
function dottedPython(value: string): string {
  return value.includes(".") ? value : `${value[0]}.${value.slice(1)}`;
}

/** Every combination, the first dimension varying slowest. */
export function cellsOf(dimensions: readonly Dimension[]): Cell[] {
  let cells: (readonly (readonly [MatrixKey, string])[])[] = [[]];
  for (const { key, values } of dimensions) {
    cells = cells.flatMap((cell) => values.map((value) => [...cell, [key, value] as const]));
  }
  return cells.map((cell) => new Map(cell));
}

/** `tpt-proto=tcp spawn-backend=trio` */
export function cellName(cell: Cell): string {
  return [...cell].map(([key, value]) => `${key}=${value}`).join(" ");
}

/** pytest's words for what a cell varies; its Python is none of them. */
export function cellWords(cell: Cell): string[] {
  return [...cell].flatMap(([key, value]) => key === "python" ? [] : [`--${key}=${value}`]);
}

/**
 * Codes from the worst on: what cut a run short, what is wrong with pytest, failed tests, what is
 * wrong beside the tests.
 */
const SEVERITY = [130, 131, 143, 124, 70, 3, 4, 2, 1, 84, 82, 80, 6, 5, 0];

/** The worst of the exit codes of some cells; 0 of none. */
export function worstCode(codes: readonly number[]): number {
  const rank = (code: number) => SEVERITY.includes(code) ? SEVERITY.indexOf(code) : 3;
  return codes.reduce((worst, code) => rank(code) < rank(worst) ? code : worst, 0);
}

/**
 * How tests ended in a cell: null where a test did not, since the cell was cut short. A test that
 * is not there did not run.
 */
export interface CellOutcomes {
  readonly cell: Cell;
  readonly outcomes: ReadonlyMap<string, Outcome | null>;
  /** It ran to its end: a test that is not there was not collected. */
  readonly complete: boolean;
}

/** How a test ended in one cell. */
export type CellOutcome = Outcome | "missing";

/** A test that did not end alike in all cells. */
export interface Difference {
  /**
   * What it is called in all cells: its id, with `<KEY>` for what only a cell's own value tells
   * apart.
   */
  readonly id: string;
  /** What it is called in them, each once. */
  readonly ids: readonly string[];
  /** By the place of the cell; null where nothing is known. */
  readonly outcomes: readonly (CellOutcome | null)[];
  /** `fails only with tpt-proto=uds`. */
  readonly explanation: string;
}

/** The tests that did not end alike in all cells, each with what explains it. */
export function differences(cells: readonly CellOutcomes[]): Difference[] {
  const named = byName(cells);
  const names = new Set(named.flatMap((outcomes) => [...outcomes.keys()]));
  const found: Difference[] = [];
  for (const id of names) {
    const tests = named.map((outcomes) => outcomes.get(id));
    const outcomes = cells.map(({ complete }, place) => {
      const test = tests[place];
      return test === undefined ? complete ? "missing" as const : null : test.outcome;
    });
    const known = cells.flatMap(({ cell }, place) =>
      outcomes[place] === null ? [] : [{ cell, outcome: outcomes[place]! }]
    );
    if (new Set(known.map(({ outcome }) => outcome)).size > 1) {
      const ids = [...new Set(tests.flatMap((test) => test === undefined ? [] : [test.id]))];
      found.push({ id, ids, outcomes, explanation: explain(known) });
    }
  }
  return found;
}

/**
 * The outcomes of each cell by what the tests are called in all of them: one that is not everywhere
 * may only be called after what its cell varies, `test_x[trio]` as `test_x[<spawn-backend>]`. Where
 * two tests of a cell would have one name they keep their own.
 */
function byName(
  cells: readonly CellOutcomes[],
): ReadonlyMap<string, { readonly id: string; readonly outcome: Outcome | null }>[] {
  const isEverywhere = (id: string) =>
    cells.every(({ outcomes, complete }) => !complete || outcomes.has(id));
  const names = cells.map(({ cell, outcomes }) => {
    return new Map(
      [...outcomes.keys()].map((id) => [id, isEverywhere(id) ? id : withoutValues(id, cell)]),
    );
  });
  const ambiguous = new Set(names.flatMap((ofCell) => [...repeated(ofCell.values())]));
  return cells.map(({ outcomes }, place) => {
    const nameOf = (id: string) =>
      ambiguous.has(names[place]!.get(id)!) ? id : names[place]!.get(id)!;
    return new Map([...outcomes].map(([id, outcome]) => [nameOf(id), { id, outcome }]));
  });
}

/** Those that come more than once. */
function repeated(names: Iterable<string>): Set<string> {
  const [once, again] = [new Set<string>(), new Set<string>()];
  for (const name of names) (once.has(name) ? again : once).add(name);
  return again;
}

/** An id with the keys of a cell in the place of their values among its parameters. */
function withoutValues(id: string, cell: Cell): string {
  const bracket = id.indexOf("[");
  if (bracket < 0) return id;
  let parameters = id.slice(bracket);
  for (const [key, value] of cell) {
    // A value holds nothing else that means something in an expression.
    parameters = parameters.replace(
      new RegExp(`(?<![\\w.])${value.replaceAll(".", "\\.")}(?![\\w.])`, "g"),
      `<${key}>`,
    );
  }
  return id.slice(0, bracket) + parameters;
}

const isRed = (outcome: CellOutcome) => outcome !== "missing" && RED.has(outcome);

/** What a test does in some cells and not in others, the most telling first. */
const KINDS: readonly { readonly does: string; readonly is: (outcome: CellOutcome) => boolean }[] =
  [
    { does: "fails", is: isRed },
    { does: "is missing", is: (outcome) => outcome === "missing" },
    { does: "is skipped", is: (outcome) => outcome === "skipped" },
    { does: "is expected to fail", is: (outcome) => outcome === "xfailed" },
    { does: "passes against expectation", is: (outcome) => outcome === "xpassed" },
    { does: "hangs", is: (outcome) => outcome === "timeout" },
    { does: "crashes pytest", is: (outcome) => outcome === "crash" },
    { does: "fails in a fixture", is: (outcome) => outcome === "error" },
  ];

/**
 * What one test did where, as a sentence about what varies: by the fewest keys that tell these
 * cells from all others.
 */
function explain(known: readonly { readonly cell: Cell; readonly outcome: CellOutcome }[]): string {
  const kind = KINDS.find(({ is }) =>
    known.some(({ outcome }) => is(outcome)) && !known.every(({ outcome }) => is(outcome))
  )!;
  const inside = known.filter(({ outcome }) => kind.is(outcome)).map(({ cell }) => cell);
  const outside = known.filter(({ outcome }) => !kind.is(outcome)).map(({ cell }) => cell);
  const rule = telling(inside, outside);
  if (rule !== null) return `${kind.does} only with ${rule}`;
  const not = telling(outside, inside);
  if (not !== null) return `${kind.does} except with ${not}`;
  return `${kind.does} with ${inside.map(cellName).join("; ")}`;
}

/**
 * The values of the fewest keys that all of some cells have and none of the others; null if there
 * are none.
 */
function telling(inside: readonly Cell[], outside: readonly Cell[]): string | null {
  const keys = [...inside[0]!.keys()];
  for (const some of subsets(keys)) {
    const values = new Map(
      some.map((key) => [key, [...new Set(inside.map((cell) => cell.get(key)!))]]),
    );
    const fits = (cell: Cell) => some.every((key) => values.get(key)!.includes(cell.get(key)!));
    if (!outside.some(fits)) {
      return some.map((key) => `${key}=${values.get(key)!.join(",")}`).join(" and ");
    }
  }
  return null;
}

/** The subsets of some keys that are not empty, smallest first. */
function subsets<T>(items: readonly T[]): T[][] {
  let all: T[][] = [[]];
  for (const item of items) all = [...all, ...all.map((one) => [...one, item])];
  return all.slice(1).sort((a, b) => a.length - b.length);
}
