import fc from "fast-check";
import { runLine } from "../run_line.ts";
import {
  type Cell,
  cellName,
  cellsOf,
  cellWords,
  differences,
  type Dimension,
  type MatrixKey,
  parseMatrix,
  worstCode,
} from "../../lib/matrix/rules.ts";
import type { Outcome } from "../../lib/pytest/results.ts";
import { UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertThrows } from "../assert.ts";

const parse = (...words: string[]) => parseMatrix(words, () => false);

Deno.test("--matrix takes words up to the first that is not KEY=…, and can be repeated", () => {
  const words = [
    "--matrix",
    "tpt-proto=tcp,uds",
    "spawn-backend=trio",
    "test_rpc",
    "-v",
    "--matrix=python=312,3.13",
    "-k",
    "a=b",
  ];
  const line = runLine(words);
  assertEquals(line.options.matrix, [
    "tpt-proto=tcp,uds",
    "spawn-backend=trio",
    "python=312,3.13",
  ]);
  assertEquals(line.operands, ["test_rpc"]);
  assertEquals(parse(...line.options.matrix), [
    { key: "tpt-proto", values: ["tcp", "uds"] },
    { key: "spawn-backend", values: ["trio"] },
    { key: "python", values: ["3.12", "3.13"] },
  ]);
  assertEquals(runLine(["a=b", "tests/x=y"]).operands, ["a=b", "tests/x=y"]);
});

Deno.test("an unknown key or value of --matrix is named, with the known ones", () => {
  for (
    const [word, says] of [
      [
        "tpt-prot=tcp",
        'did you mean "tpt-proto"?; it takes KEY=VALUE,VALUE with tpt-proto, spawn-backend, python',
      ],
      ["tcp", "it takes KEY=VALUE,VALUE with tpt-proto, spawn-backend, python"],
      ["tpt-proto=udp", "such as tcp,uds"],
      ["tpt-proto=", "tpt-proto=tcp,uds"],
      ["python=two", "such as 3.12,3.13"],
      ["spawn-backend=-x", "such as trio,mp_spawn"],
    ] as const
  ) assertIncludes(assertThrows(() => parse(word), UsageError).hint ?? "", says);
  assertIncludes(
    assertThrows(() => parseMatrix(["tpt-proto=tcp"], (key) => key === "tpt-proto"), UsageError)
      .message,
    "exclude each other",
  );
  const many = Array.from({ length: 33 }, (_, index) => `b${index}`).join(",");
  assertIncludes(
    assertThrows(() => parse(`spawn-backend=${many}`, "tpt-proto=tcp,uds"), UsageError).message,
    "66 cells",
  );
});

Deno.test("cells are all combinations, the first key varying slowest, as words of pytest", () => {
  const cells = cellsOf(parse("tpt-proto=tcp,uds", "spawn-backend=trio,mp_spawn", "python=3.12"));
  assertEquals(cells.map(cellName), [
    "tpt-proto=tcp spawn-backend=trio python=3.12",
    "tpt-proto=tcp spawn-backend=mp_spawn python=3.12",
    "tpt-proto=uds spawn-backend=trio python=3.12",
    "tpt-proto=uds spawn-backend=mp_spawn python=3.12",
  ]);
  assertEquals(cellWords(cells[3]!), ["--tpt-proto=uds", "--spawn-backend=mp_spawn"]);
});

Deno.test("the exit code of a matrix is the worst of its cells", () => {
  assertEquals(worstCode([0, 1, 0]), 1);
  assertEquals(worstCode([1, 130, 124]), 130);
  assertEquals(worstCode([0, 84, 1]), 1);
  assertEquals(worstCode([5, 0]), 5);
  assertEquals(worstCode([]), 0);
});

const DIMENSIONS: readonly Dimension[] = [
  { key: "tpt-proto", values: ["tcp", "uds"] },
  { key: "spawn-backend", values: ["trio", "mp_spawn", "mp_forkserver"] },
  { key: "python", values: ["3.12", "3.13"] },
];
const CELLS = cellsOf(DIMENSIONS);

/** How the outcomes of a single test in each cell are explained. */
function explained(
  outcome: (cell: Cell) => Outcome | null | undefined,
  cells = CELLS,
): string | null {
  const found = differences(cells.map((cell) => {
    const one = outcome(cell);
    return {
      cell,
      complete: true,
      outcomes: new Map(
        one === undefined
          ? [["other", "passed" as const]]
          : [["t", one], ["other", "passed" as const]],
      ),
    };
  }));
  assert(found.every(({ id }) => id === "t"), "a test with one outcome is no difference");
  return found[0]?.explanation ?? null;
}

Deno.test("a difference is explained by the fewest keys that separate the cells", () => {
  const uds = (cell: Cell) => cell.get("tpt-proto") === "uds";
  const mp = (cell: Cell) => cell.get("spawn-backend") !== "trio";
  assertEquals(
    explained((cell) => uds(cell) ? "failed" : "passed"),
    "fails only with tpt-proto=uds",
  );
  assertEquals(
    explained((cell) => mp(cell) ? "timeout" : "passed"),
    "fails only with spawn-backend=mp_spawn,mp_forkserver",
  );
  assertEquals(
    explained((cell) => uds(cell) && mp(cell) ? "error" : "skipped"),
    "fails only with tpt-proto=uds and spawn-backend=mp_spawn,mp_forkserver",
  );
  assertEquals(
    explained((cell) => uds(cell) || mp(cell) ? "failed" : "passed"),
    "fails except with tpt-proto=tcp and spawn-backend=trio",
  );
  assertEquals(
    explained((cell) => uds(cell) ? "skipped" : "passed"),
    "is skipped only with tpt-proto=uds",
  );
  assertEquals(
    explained((cell) => uds(cell) ? undefined : "passed"),
    "is missing only with tpt-proto=uds",
  );
  assertEquals(
    explained((cell) => uds(cell) ? "failed" : "timeout"),
    "hangs only with tpt-proto=tcp",
  );
  assertEquals(explained(() => "failed"), null);
  // The outcome in a cell that was cut short is unknown.
  assertEquals(explained((cell) => uds(cell) ? null : "passed"), null);
  const diagonal = cellsOf(DIMENSIONS.slice(0, 2));
  assertIncludes(
    explained((cell) => uds(cell) !== mp(cell) ? "failed" : "passed", diagonal)!,
    "fails with tpt-proto=tcp spawn-backend=mp_spawn; ",
  );
});

Deno.test("a planted rule is found again, or a shorter one for the same cells", () => {
  const rule = fc.record({
    "tpt-proto": fc.subarray(["tcp", "uds"], { minLength: 1 }),
    "spawn-backend": fc.subarray(["trio", "mp_spawn", "mp_forkserver"], { minLength: 1 }),
    python: fc.subarray(["3.12", "3.13"], { minLength: 1 }),
  });
  fc.assert(fc.property(rule, fc.boolean(), (planted, only) => {
    const fits = (cell: Cell) =>
      (Object.keys(planted) as MatrixKey[]).every((key) =>
        (planted[key] as string[]).includes(cell.get(key)!)
      );
    const narrowing = (Object.keys(planted) as MatrixKey[]).filter((key) =>
      planted[key].length < DIMENSIONS.find((one) => one.key === key)!.values.length
    );
    const said = explained((cell) => fits(cell) === only ? "failed" : "passed");
    if (narrowing.length === 0) return assertEquals(said, null);
    const [, how, text] = /^fails (only|except) with (.*)$/.exec(said!)!;
    const claimed = new Map(
      text!.split(" and ").map((part) => part.split("=") as [MatrixKey, string]),
    );
    assert(claimed.size <= narrowing.length, `${said} for ${JSON.stringify(planted)}`);
    for (const cell of CELLS) {
      const inside = [...claimed].every(([key, values]) =>
        values.split(",").includes(cell.get(key)!)
      );
      assertEquals(
        inside === (how === "only"),
        fits(cell) === only,
        `${said} is not true of ${cellName(cell)}`,
      );
    }
  }));
});

Deno.test("a test with a value of its cell in its id is the same test in all cells", () => {
  const [trio, spawn] = cellsOf([{ key: "spawn-backend", values: ["trio", "mp_spawn"] }]) as [
    Cell,
    Cell,
  ];
  const ended = (cell: Cell, outcomes: Record<string, Outcome>) => ({
    cell,
    outcomes: new Map(Object.entries(outcomes)),
    complete: true,
  });
  assertEquals(
    differences([
      ended(trio, { "a.py::x[trio-1]": "passed" }),
      ended(spawn, { "a.py::x[mp_spawn-1]": "passed" }),
    ]),
    [],
  );
  assertEquals(
    differences([
      ended(trio, { "a.py::x[tcp-trio]": "failed" }),
      ended(spawn, { "a.py::x[tcp-mp_spawn]": "passed" }),
    ]),
    [{
      id: "a.py::x[tcp-<spawn-backend>]",
      ids: ["a.py::x[tcp-trio]", "a.py::x[tcp-mp_spawn]"],
      outcomes: ["failed", "passed"],
      explanation: "fails only with spawn-backend=trio",
    }],
  );
  // A test with a parameter for each backend in every cell keeps its id.
  const both = (one: Outcome, other: Outcome) => ({
    "a.py::x[trio]": one,
    "a.py::x[mp_spawn]": other,
  });
  const [found] = differences([
    ended(trio, both("passed", "failed")),
    ended(spawn, both("passed", "passed")),
  ]);
  assertEquals([found!.id, found!.explanation], [
    "a.py::x[mp_spawn]",
    "fails only with spawn-backend=trio",
  ]);
  // So does one that is missing, and two tests that would get the same name.
  const [missing] = differences([ended(trio, { "a.py::x[trios]": "passed" }), ended(spawn, {})]);
  assertEquals([missing!.id, missing!.explanation], [
    "a.py::x[trios]",
    "is missing only with spawn-backend=mp_spawn",
  ]);
  const twice = differences([
    ended(trio, { "a.py::x[trio]": "passed", "a.py::x[<spawn-backend>]": "passed" }),
    ended(spawn, {}),
  ]);
  assertEquals(twice.map(({ id }) => id), ["a.py::x[trio]", "a.py::x[<spawn-backend>]"]);
});

Deno.test("two of 100,000 tests that would get the same name are found fast", () => {
  const [trio, spawn] = cellsOf([{ key: "spawn-backend", values: ["trio", "mp_spawn"] }]) as [
    Cell,
    Cell,
  ];
  const called = (backend: string) =>
    Array.from(
      { length: 100_000 },
      (_, index) => [`a.py::x[${backend}-${index}]`, "passed"] as const,
    );
  const twice = [["a.py::x[trio]", "passed"], ["a.py::x[<spawn-backend>]", "passed"]] as const;
  const started = performance.now();
  const found = differences([
    { cell: trio, outcomes: new Map([...called("trio"), ...twice]), complete: true },
    { cell: spawn, outcomes: new Map(called("mp_spawn")), complete: true },
  ]);
  assertEquals(found.map(({ id }) => id), twice.map(([id]) => id));
  assert(performance.now() - started < 10_000);
});
