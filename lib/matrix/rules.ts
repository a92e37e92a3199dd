import { UsageError } from "../errors.ts";
import { suggestion } from "../base/nearest.ts";
import { type Outcome, RED } from "../pytest/results.ts";

/** What `--matrix` can vary. */
export type MatrixKey = "tpt-proto" | "spawn-backend" | "python";

/** The values of each key; null: depends on the project. */
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

/** More cells are taken for a mistake. */
const MOST_CELLS = 64;

const EXAMPLES: Readonly<Record<MatrixKey, readonly string[]>> = {
  "tpt-proto": ["tcp", "uds"],
  "spawn-backend": ["trio", "mp_spawn"],
  python: ["3.12", "3.13"],
};

/**
 * Reads `KEY=V1,V2` words; a repeated key gets all of its values.
 *
 * @param given whether the option of this name was typed too
 * @throws {UsageError} for an unknown key or value, naming the known ones
 */
export function parseMatrix(
  words: readonly string[],
  given: (key: MatrixKey) => boolean,
): Dimension[] {
  const dimensions = new Map<MatrixKey, ReadonlySet<string>>();
  for (const word of words) {
    const { key, values } = parseDimension(word);
    if (given(key)) {
      throw new UsageError(
        `"--${key}" and "--matrix ${key}=…" exclude each other`,
        "leave one of them out",
      );
    }
    dimensions.set(key, new Set([...dimensions.get(key) ?? [], ...values]));
  }
  const found = [...dimensions].map(([key, values]) => ({ key, values: [...values] }));
  const count = found.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_CELLS) {
    throw new UsageError(`"--matrix" has ${count} cells`, `at most ${MOST_CELLS}`);
  }
  return found;
}

function parseDimension(word: string): Dimension {
  const [, name = "", list = ""] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
  if (!isKey(name)) {
    const names = Object.keys(KEYS);
    const what = word.includes("=") ? `does not know "${name}"` : `does not take "${word}"`;
    const hint = `it takes KEY=VALUE,VALUE with ${names.join(", ")}`;
    const similar = suggestion(name, names);
    throw new UsageError(`Option "--matrix" ${what}`, similar ? `${similar}; ${hint}` : hint);
  }
  const values = list.split(",").map((value) => value.trim()).filter((value) => value !== "");
  const examples = (KEYS[name] ?? EXAMPLES[name]).join(",");
  if (values.length === 0) {
    throw new UsageError(`"--matrix ${word}" has no values`, `${name}=${examples}`);
  }
  for (const value of values) {
    if (isValue(name, value)) continue;
    throw new UsageError(`"--matrix ${name}=…" does not take "${value}"`, `such as ${examples}`);
  }
  return { key: name, values: name === "python" ? values.map(dottedPython) : values };
}

function isKey(name: string): name is MatrixKey {
  return Object.hasOwn(KEYS, name);
}

function isValue(key: MatrixKey, value: string): boolean {
  const pattern = key === "python" ? /^3\.?\d{1,2}$/ : /^\w[\w.-]*$/;
  return KEYS[key]?.includes(value) ?? pattern.test(value);
}

/** `313` as `3.13`. */
function dottedPython(value: string): string {
  return value.includes(".") ? value : `${value[0]}.${value.slice(1)}`;
}

/** All combinations; the first dimension varies slowest. */
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

/** What a cell varies as options of pytest; the Python is none. */
export function cellWords(cell: Cell): string[] {
  return [...cell].flatMap(([key, value]) => key === "python" ? [] : [`--${key}=${value}`]);
}

/** Exit codes, worst first: interrupted runs, errors of pytest, failed tests, leaks. */
const SEVERITY = [130, 131, 143, 124, 70, 3, 4, 2, 1, 84, 82, 80, 6, 5, 0];

/** The worst exit code; 0 if there are no cells. */
export function worstCode(codes: readonly number[]): number {
  const rank = (code: number) => SEVERITY.includes(code) ? SEVERITY.indexOf(code) : 3;
  return codes.reduce((worst, code) => rank(code) < rank(worst) ? code : worst, 0);
}

/** How tests ended in a cell; null: a test was cut short. A test that never ran is absent. */
export interface CellOutcomes {
  readonly cell: Cell;
  readonly outcomes: ReadonlyMap<string, Outcome | null>;
  /** The cell ran to its end, so that absent tests were not collected. */
  readonly complete: boolean;
}

/** How a test ended in one cell. */
export type CellOutcome = Outcome | "missing";

/** A test with different outcomes in different cells. */
export interface Difference {
  /** Its id in all cells, with `<KEY>` in place of parameters that are values of the cell. */
  readonly id: string;
  /** Its ids in the cells, each once. */
  readonly ids: readonly string[];
  /** Its outcome in each cell, in their order; null: unknown. */
  readonly outcomes: readonly (CellOutcome | null)[];
  /** `fails only with tpt-proto=uds`. */
  readonly explanation: string;
}

/** Finds the tests with different outcomes, and explains each by the values of the cells. */
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
 * The outcomes of each cell by names that are the same in all cells. A test that is absent in some
 * cells may only have a value of its cell in its id: `test_x[trio]` is named
 * `test_x[<spawn-backend>]`, unless two tests of a cell would then have the same name.
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

/** The names that occur more than once. */
function repeated(names: Iterable<string>): Set<string> {
  const [once, again] = [new Set<string>(), new Set<string>()];
  for (const name of names) (once.has(name) ? again : once).add(name);
  return again;
}

/** Replaces the values of a cell in the parameters of an id with their keys. */
function withoutValues(id: string, cell: Cell): string {
  const bracket = id.indexOf("[");
  if (bracket < 0) return id;
  let parameters = id.slice(bracket);
  for (const [key, value] of cell) {
    // Values have no other special characters.
    parameters = parameters.replace(
      new RegExp(`(?<![\\w.])${value.replaceAll(".", "\\.")}(?![\\w.])`, "g"),
      `<${key}>`,
    );
  }
  return id.slice(0, bracket) + parameters;
}

const isRed = (outcome: CellOutcome) => outcome !== "missing" && RED.has(outcome);

const is = (wanted: CellOutcome) => (outcome: CellOutcome) => outcome === wanted;

/** What a test may do in only some of the cells, the most important first. */
const KINDS: readonly (readonly [does: string, is: (outcome: CellOutcome) => boolean])[] = [
  ["fails", isRed],
  ["is missing", is("missing")],
  ["is skipped", is("skipped")],
  ["is expected to fail", is("xfailed")],
  ["passes against expectation", is("xpassed")],
  ["hangs", is("timeout")],
  ["crashes pytest", is("crash")],
  ["fails in a fixture", is("error")],
];

/** Explains where a test did something, by the fewest keys that separate these cells. */
function explain(known: readonly { readonly cell: Cell; readonly outcome: CellOutcome }[]): string {
  const [does, isKind] = KINDS.find(([, is]) =>
    known.some(({ outcome }) => is(outcome)) && !known.every(({ outcome }) => is(outcome))
  )!;
  const inside = known.filter(({ outcome }) => isKind(outcome)).map(({ cell }) => cell);
  const outside = known.filter(({ outcome }) => !isKind(outcome)).map(({ cell }) => cell);
  const only = separating(inside, outside);
  if (only !== null) return `${does} only with ${only}`;
  const except = separating(outside, inside);
  if (except !== null) return `${does} except with ${except}`;
  return `${does} with ${inside.map(cellName).join("; ")}`;
}

/** The fewest keys whose values inside include no cell outside, as text; null: there are none. */
function separating(inside: readonly Cell[], outside: readonly Cell[]): string | null {
  const keys = [...inside[0]!.keys()];
  for (const some of subsets(keys)) {
    const values = new Map(some.map((key) => [key, new Set(inside.map((cell) => cell.get(key)!))]));
    const fits = (cell: Cell) => some.every((key) => values.get(key)!.has(cell.get(key)!));
    if (outside.some(fits)) continue;
    return some.map((key) => `${key}=${[...values.get(key)!].join(",")}`).join(" and ");
  }
  return null;
}

/** The subsets that are not empty, smallest first. */
function subsets<T>(items: readonly T[]): T[][] {
  let all: T[][] = [[]];
  for (const item of items) all = [...all, ...all.map((one) => [...one, item])];
  return all.slice(1).sort((a, b) => a.length - b.length);
}
