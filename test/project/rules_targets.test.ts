import fc from "fast-check";
import { basename, dirname } from "@std/path";
import {
  findByName,
  isTestFile,
  looksLikeTarget,
  resolveTargets,
} from "../../lib/project/rules_targets.ts";
import { UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertThrows } from "../assert.ts";
import { FILES, IDS, suite, treeOf } from "../pytest/suite.ts";

const targets = (words: string[], cwd = "/repo") => resolveTargets(words, suite(cwd)).targets;
const one = (word: string, cwd = "/repo") => targets([word], cwd)[0];
const refusal = (word: string, tree = suite()) =>
  assertThrows(() => resolveTargets([word], tree), UsageError);

Deno.test("resolveTargets() takes no word as the full suite", () => {
  assertEquals(resolveTargets([], suite()), { targets: ["tests/"], scope: "full", notes: [] });
});

Deno.test("resolveTargets() finds the targets of the recipe's examples", () => {
  const examples: [string[], string[], string][] = [
    [["test_local.py"], ["tests/test_local.py"], "file"],
    [["test_registrar"], ["tests/discovery/test_registrar.py"], "file"],
    [["tests/ipc/"], ["tests/ipc/"], "many"],
    [["ipc/"], ["tests/ipc/"], "many"],
    [["ipc"], ["tests/ipc/"], "many"],
    [["tests/ipc"], ["tests/ipc/"], "many"],
    [["tests/"], ["tests/"], "full"],
    [["tests"], ["tests/"], "full"],
    [["."], ["tests/"], "full"],
    [
      ["tests/test_local.py", "tests/test_rpc.py"],
      ["tests/test_local.py", "tests/test_rpc.py"],
      "many",
    ],
    [
      ["tests/discovery/test_registrar.py::test_reg_then_unreg"],
      ["tests/discovery/test_registrar.py::test_reg_then_unreg"],
      "file",
    ],
    [["test_registrar.py::test_a", "test_registrar::test_b[x]"], [
      "tests/discovery/test_registrar.py::test_a",
      "tests/discovery/test_registrar.py::test_b[x]",
    ], "file"],
    [["test_multi_program.py"], ["tests/discovery/test_multi_program.py"], "file"],
    [["core"], [
      "tests/test_local.py",
      "tests/test_rpc.py",
      "tests/test_spawning.py",
      "tests/discovery/test_registrar.py",
    ], "many"],
    [["rpc"], ["tests/test_rpc.py"], "file"],
    [["infected"], ["tests/test_infected_asyncio.py"], "file"],
    [["oob"], ["tests/test_oob_cancellation.py"], "file"],
    [["ipc/server"], ["tests/ipc/test_server.py"], "file"],
    [["ipc", "tests/", "ipc/"], ["tests/ipc/", "tests/"], "full"],
  ];
  for (const [words, expected, scope] of examples) {
    assertEquals(
      resolveTargets(words, suite()),
      { targets: expected, scope, notes: [] },
      words.join(" "),
    );
  }
});

Deno.test("resolveTargets() starts at the working directory", () => {
  assertEquals(one("test_server.py", "/repo/tests/ipc"), "tests/ipc/test_server.py");
  assertEquals(one("../test_local.py", "/repo/tests/ipc"), "tests/test_local.py");
  assertEquals(one(".", "/repo/tests/ipc"), "tests/ipc/");
  assertEquals(one("./", "/repo/tests/ipc"), "tests/ipc/");
  assertEquals(one("..", "/repo/tests/ipc"), "tests/");
  assertEquals(one("ipc/", "/repo/tests"), "tests/ipc/");
  assertEquals(one("tests/ipc/", "/repo/tests"), "tests/ipc/");
  assertEquals(one("test_*", "/repo/tests/msg"), "tests/msg/test_ext_types_msgspec.py");
  assertEquals(
    one("/repo/tests/ipc/test_server.py::test_x", "/repo/tests/msg"),
    "tests/ipc/test_server.py::test_x",
  );
  assertEquals(targets(["../trionics/test_*.py"], "/repo/tests/ipc").length, 3);
});

Deno.test("resolveTargets() prefers the nearest of several files with the same name", () => {
  const files = [
    "tests/test_a.py",
    "tests/ipc/test_a.py",
    "tests/msg/test_b.py",
    "tests/ipc/test_b.py",
  ];
  assertEquals(resolveTargets(["test_a.py"], treeOf(files)).targets, ["tests/test_a.py"]);
  assertEquals(resolveTargets(["test_a.py"], treeOf(files, { cwd: "/repo/tests/ipc" })).targets, [
    "tests/ipc/test_a.py",
  ]);
  const hint = refusal("test_b", treeOf(files, { cwd: "/repo/tests/msg/deep" })).hint!;
  assertIncludes(hint, "tests/ipc/test_b.py");
  assertIncludes(hint, "tests/msg/test_b.py");
});

Deno.test("resolveTargets() refuses a part of several names, and lists the files", () => {
  const error = refusal("cancel");
  assertEquals(error.exitCode, 64);
  assertIncludes(error.message, '"cancel" matches 3');
  assertIncludes(
    error.hint!,
    "tests/test_cancellation.py, tests/test_oob_cancellation.py, " +
      "tests/test_inter_peer_cancellation.py",
  );
});

Deno.test("resolveTargets() takes everything that a glob matches", () => {
  const cancels = [
    "tests/test_cancellation.py",
    "tests/test_inter_peer_cancellation.py",
    "tests/test_oob_cancellation.py",
  ];
  assertEquals(targets(["tests/**/test_*cancel*.py"]), cancels);
  assertEquals(targets(["test_*cancel*.py"]), cancels);
  assertEquals(targets(["*cancel*"]), cancels);
  assertEquals(targets(["ipc/*"]), [
    "tests/ipc/test_each_tpt.py",
    "tests/ipc/test_multi_tpt.py",
    "tests/ipc/test_server.py",
  ]);
  assertEquals(targets(["*ipc/"]), ["tests/ipc/"]);
  assertEquals(targets(["/repo/tests/ipc/test_m*"]), ["tests/ipc/test_multi_tpt.py"]);
  assertIncludes(refusal("test_*nothing*").message, 'matches "test_*nothing*"');
});

Deno.test("resolveTargets() names the nearest candidates of an unknown word", () => {
  assertIncludes(
    refusal("test_registar.py").hint!,
    "nearest first: tests/discovery/test_registrar.py,",
  );
  assertIncludes(refusal("discovry/").hint!, "nearest first: tests/discovery/,");
  const empty = { ...suite(), files: [], directories: [], namedTargets: {} };
  assertEquals(refusal("tests/test_a.py", empty).hint, "there are no test files");
  assertIncludes(refusal("croe").hint!, "core");
  assertIncludes(refusal("test_reg_then_unreg").hint!, "-k test_reg_then_unreg");
  assertIncludes(refusal("nowhere.py::test_x").message, "nowhere.py::test_x");
});

Deno.test("resolveTargets() refuses paths outside the project", () => {
  for (
    const word of [
      "/etc/passwd",
      "../other",
      "/repository/tests/test_local.py",
      "tests/../../x.py",
      "/repo-fork/tests",
    ]
  ) {
    assertIncludes(refusal(word).message, "outside the project");
  }
});

Deno.test("resolveTargets() never takes a directory for the file of a test id", () => {
  assertIncludes(refusal("ipc::test_x").message, '"ipc::test_x"');
});

Deno.test("resolveTargets() takes helpers and files elsewhere only by exact path", () => {
  const tree = treeOf(["tests/conftest.py", "tests/test_a.py", "examples/test_demo.py"]);
  assertEquals(resolveTargets(["tests/conftest.py"], tree).targets, ["tests/conftest.py"]);
  assertEquals(resolveTargets(["examples/test_demo.py"], tree).targets, ["examples/test_demo.py"]);
  assertEquals(resolveTargets(["examples"], tree).targets, ["examples/"]);
  assertIncludes(refusal("conf", tree).message, '"conf"');
  assertIncludes(refusal("demo", tree).message, '"demo"');
});

Deno.test("resolveTargets() finds moved entries of a named target, and lists missing ones", () => {
  const tree = treeOf(["tests/deep/test_local.py", "tests/test_rpc.py"]);
  const { targets, notes } = resolveTargets(["core"], tree);
  assertEquals(targets, ["tests/deep/test_local.py", "tests/test_rpc.py"]);
  assertEquals(notes, [
    'the named target "core" lists missing files: test_spawning.py, discovery/test_registrar.py',
  ]);
  assertIncludes(refusal("core", treeOf(["tests/test_x.py"])).hint!, "[tool.tractest] targets");
});

Deno.test("resolveTargets() reads a root that looks like a glob or a test id literally", () => {
  const tree = treeOf(["tests/test_a.py"], {
    root: "/x/re.po+(x)[1]::y",
    cwd: "/x/re.po+(x)[1]::y/tests",
  });
  assertEquals(resolveTargets(["/x/re.po+(x)[1]::y/tests/test_a.py::t[a]"], tree).targets, [
    "tests/test_a.py::t[a]",
  ]);
  assertEquals(resolveTargets(["test_*"], tree).targets, ["tests/test_a.py"]);
});

Deno.test("resolveTargets() knows suites in the root and in several directories", () => {
  const flat = treeOf(["test_a.py", "sub/test_b.py"], {
    testsDirectories: ["."],
    directories: [".", "sub"],
  });
  assertEquals(resolveTargets([], flat), { targets: ["./"], scope: "full", notes: [] });
  assertEquals(resolveTargets(["a"], flat).targets, ["test_a.py"]);
  const both = treeOf(["tests/test_a.py", "more/test_b.py"], {
    testsDirectories: ["tests", "more"],
  });
  assertEquals(resolveTargets([], both), {
    targets: ["tests/", "more/"],
    scope: "full",
    notes: [],
  });
  assertEquals(resolveTargets(["tests"], both).scope, "many");
  assertEquals(resolveTargets(["test_b"], both).targets, ["more/test_b.py"]);
});

Deno.test("resolveTargets() leaves each of the 471 real ids as it is", () => {
  assertEquals(IDS.length, 471);
  for (const id of IDS) assertEquals(one(id), id);
  assertEquals(targets([...IDS]).length, 471);
});

Deno.test("resolveTargets() finds every test file by each spelling, from every directory", () => {
  const spellings = [
    (file: string) => file,
    (file: string) => `./${file}`,
    (file: string) => `/repo/${file}`,
    (file: string) => file.replace(/\.py$/, ""),
    (file: string) => basename(file),
    (file: string) => basename(file, ".py"),
    (file: string) => file.replace("tests/", ""),
    (file: string) => file.replace("/", "/./"),
    (file: string) => `tests/../${file}`,
  ];
  const cwds = ["/repo", ...new Set(FILES.map((file) => `/repo/${dirname(file)}`))];
  const node = fc.oneof(
    fc.constant(""),
    fc.constantFrom(...IDS).map((id) => id.slice(id.indexOf("::"))),
    fc.string().map((text) => `::test_x[${text}]`),
    fc.constant("::TestX::test_y[a/b::c -> d e]"),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...FILES.filter(isTestFile)),
      fc.constantFrom(...spellings),
      fc.constantFrom(...cwds),
      node,
      (file, spell, cwd, rest) => {
        const start = spell === spellings[8] ? "/repo" : cwd;
        assertEquals(resolveTargets([spell(file) + rest], suite(start)), {
          targets: [file + rest],
          scope: "file",
          notes: [],
        });
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("resolveTargets() returns existing targets or throws a usage error", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."tes_i*?pc/.:[]-") })), {
        minLength: 1,
        maxLength: 3,
      }),
      (words) => {
        let found: readonly string[];
        try {
          found = targets(words);
        } catch (error) {
          assert(error instanceof UsageError, String(error));
          return;
        }
        for (const target of found) {
          const path = target.split("::")[0]!.replace(/\/$/, "");
          assert(
            FILES.includes(path) || suite().directories.includes(path),
            `${JSON.stringify(words)} became ${target}`,
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("looksLikeTarget() is true only for the exact name of a target", () => {
  for (
    const word of [
      "ipc",
      "ipc/",
      "test_local.py",
      "test_registrar",
      "tests/",
      "core",
      "test_*cancel*",
      "test_rpc.py::test_x",
      IDS[0]!,
    ]
  ) {
    assert(looksLikeTarget(word, suite()), word);
  }
  for (
    const word of [
      "debug",
      "cancel",
      "uds",
      "trio",
      "3",
      "",
      "-x",
      "not slow",
      "/etc",
      "ipc::x",
      "test_*none*",
    ]
  ) {
    assert(!looksLikeTarget(word, suite()), word);
  }
});

Deno.test("findByName() finds an entry at its path, or else by its name", () => {
  assertEquals(findByName("test_multi_program.py", suite()), [
    "tests/discovery/test_multi_program.py",
  ]);
  assertEquals(findByName("old/place/test_rpc.py", suite()), ["tests/test_rpc.py"]);
  assertEquals(findByName("discovery/", suite()), ["tests/discovery/"]);
  assertEquals(findByName("test_gone.py", suite()), []);
});
