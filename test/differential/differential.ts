import { type Bare, runBare } from "./bare.ts";
import { type Deviation, deviations } from "./compare.ts";
import { type Mode, MODES } from "./modes.ts";
import { Place } from "./place.ts";
import { has, type RandomSuite, shown } from "./suite.ts";

/** A suite for which a mode differs from pytest, shrunk as far as possible. */
export interface Finding {
  readonly suite: RandomSuite;
  readonly mode: Mode;
  readonly deviations: readonly Deviation[];
}

/** The result of bare pytest for a suite. */
export async function bareOf(suite: RandomSuite): Promise<Bare> {
  await using place = await Place.of(suite);
  return await runBare(suite, place);
}

/** How a mode differs from bare pytest. */
export async function differ(suite: RandomSuite, bare: Bare, mode: Mode): Promise<Deviation[]> {
  // These modes take no limit, so a hang would last until the default one.
  if (mode.kind === "some" && has(suite, "hangs")) return [];
  await using place = await Place.of(suite);
  return deviations(suite, bare, mode, await mode.run(suite, place));
}

/** Differences that repeat: those caused by load on the machine do not. */
export async function differTwice(
  suite: RandomSuite,
  bare: Bare,
  mode: Mode,
): Promise<Deviation[]> {
  const first = await differ(suite, bare, mode);
  if (first.length === 0) return first;
  const kinds = first.map(({ kind }) => kind);
  const again = await differ(suite, await bareOf(suite), mode);
  return again.filter(({ kind }) => kinds.includes(kind));
}

/** The modes for the suite at a position, so that all modes take turns. */
export function modesOf(index: number, count: number, offset = 0): Mode[] {
  return Array.from(
    { length: count },
    (_, step) => MODES[(offset + index * count + step) % MODES.length]!,
  );
}

const TRIALS = 60;
/** Milliseconds after which shrinking stops. */
const PATIENCE_MS = 90_000;

/** Removes parts of the suite as long as the mode still differs in the same way. */
export async function shrink(suite: RandomSuite, mode: Mode, first: Deviation): Promise<Finding> {
  let small = suite;
  let differing: Deviation[] = [first];
  let trials = 0;
  const began = performance.now();
  for (let changed = true; changed;) {
    changed = false;
    for (const candidate of smaller(small)) {
      const enough = ++trials > TRIALS || performance.now() - began > PATIENCE_MS;
      if (enough) return { suite: small, mode, deviations: differing };
      const found = await differ(candidate, await bareOf(candidate), mode);
      if (!found.some(({ kind }) => kind === first.kind)) continue;
      [small, differing, changed] = [candidate, found, true];
      break;
    }
  }
  return { suite: small, mode, deviations: differing };
}

/** The suite without one of its parts, the larger ones first. */
function* smaller(suite: RandomSuite): Generator<RandomSuite> {
  const without = <T>(all: readonly T[], one: T) => all.filter((other) => other !== one);
  if (suite.files.length > 1) {
    for (const file of suite.files) yield { ...suite, files: without(suite.files, file) };
  }
  for (const one of suite.conftest) yield { ...suite, conftest: without(suite.conftest, one) };
  for (const one of suite.settings) yield { ...suite, settings: without(suite.settings, one) };
  for (const file of suite.files) {
    for (const piece of file.pieces) {
      const smaller = { ...file, pieces: without(file.pieces, piece) };
      yield { ...suite, files: suite.files.map((other) => other === file ? smaller : other) };
    }
  }
  const { layout } = suite;
  const plain = { configuration: "pyproject.toml", testpaths: ["tests"], packages: false } as const;
  if (JSON.stringify(layout) !== JSON.stringify(plain)) yield { ...suite, layout: plain };
}

/** A finding as printed: the differences, the suite, and how to reproduce it. */
export function described({ suite, mode, deviations }: Finding): string {
  return [
    `seed ${suite.seed}, ${mode.name}: differs from bare pytest`,
    ...deviations.map(({ kind, detail }) => `  ${kind}: ${detail}`),
    shown(suite),
    `again: scripts/differential 1 --seed ${suite.seed} --mode ${mode.name}`,
  ].join("\n");
}
