import {
  type Comparison,
  DENO,
  QUICK_ROUNDS,
  removeIfThere,
  ROOT,
  run,
  type Scene,
  stateOf,
  TRACTEST,
} from "./harness.ts";

const REMEMBERED = { tests: 500, runs: 2_000 } as const;

/** A history of a million results. */
async function remembered(root: string): Promise<AsyncDisposable> {
  const file = `${stateOf(root).XDG_STATE_HOME}/tractest/history.sqlite`;
  removeIfThere(file);
  const isOffline = (await Deno.readTextFile(`${ROOT}/.tools/graph`)).trim() === "offline";
  const graph = isOffline ? ["--import-map=scripts/offline/import_map.json"] : [];
  const { tests, runs } = REMEMBERED;
  const made = [`${ROOT}/test/history/made.ts`, file, root, String(tests), String(runs)];
  await run([DENO, "run", "--allow-all", "--no-check", "--no-lock", ...graph, ...made], ROOT);
  return {
    [Symbol.asyncDispose]: () => Promise.resolve(removeIfThere(file)),
  };
}

/** Reports over a million results. */
export function history({ root, bareDeno }: Scene): Comparison[] {
  return [
    ...[["flaky"], ["history", "tests/test_000.py::test_00010"], ["slow"]].map((
      [command = "", ...args],
    ): Comparison => ({
      name: `${command}, a million`,
      rounds: QUICK_ROUNDS,
      ours: {
        name: `tractest ${command}, ${REMEMBERED.tests * REMEMBERED.runs} results on record`,
        argv: [TRACTEST, command, ...args],
      },
      theirs: bareDeno,
      company: () => remembered(root),
      goal: { ratio: command === "slow" ? Infinity : 5 },
    })),
  ];
}
