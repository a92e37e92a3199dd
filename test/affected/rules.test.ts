import { becauseOf } from "../../lib/affected/because_line.ts";
import type { Affected, Change } from "../../lib/affected/affected_targets.ts";
import { affectedBy } from "../../lib/affected/rules.ts";
import type { Surroundings } from "../../lib/affected/rules_change.ts";
import { CHANGE_MAP } from "../../lib/project/change_map.ts";
import { assert, assertEquals } from "../assert.ts";
import { MODULES, suite, treeOf } from "../pytest/suite.ts";

const changed = (path: string, status: Change["status"] = "modified"): Change => ({
  path,
  status,
  where: "unstaged",
});
const around = (parts: Partial<Surroundings> = {}): Surroundings => ({
  tree: suite(),
  packageDirectory: "tractor",
  changeMap: CHANGE_MAP,
  ...parts,
});
const after = (...paths: string[]): Affected =>
  affectedBy(paths.map((path) => changed(path)), around());
const targets = (affected: Affected) => affected.targets.map((target) => target.target);

Deno.test("affectedBy() finds the tests of each row of the change map where they are now", () => {
  const rows: [string, string[]][] = [
    ["runtime/_runtime.py", [
      "test_local.py",
      "test_rpc.py",
      "test_spawning.py",
      "test_root_runtime.py",
    ]],
    ["runtime/_state.py", [
      "test_local.py",
      "test_rpc.py",
      "test_spawning.py",
      "test_root_runtime.py",
    ]],
    ["discovery/_registry.py", ["discovery/", "discovery/test_multi_program.py", "test_local.py"]],
    ["discovery/_addr.py", ["discovery/", "discovery/test_multi_program.py", "test_local.py"]],
    ["_context.py", ["test_context_stream_semantics.py", "test_advanced_streaming.py"]],
    ["_streaming.py", ["test_context_stream_semantics.py", "test_advanced_streaming.py"]],
    ["ipc/_chan.py", ["ipc/", "test_2way.py"]],
    ["ipc/_server.py", ["ipc/", "test_2way.py"]],
    ["ipc/_transport.py", ["ipc/", "test_2way.py"]],
    ["runtime/_portal.py", ["test_rpc.py", "test_cancellation.py"]],
    ["runtime/_rpc.py", ["test_rpc.py", "test_cancellation.py"]],
    ["spawn/_spawn.py", ["test_spawning.py", "discovery/test_multi_program.py"]],
    ["spawn/_entry.py", ["test_spawning.py", "discovery/test_multi_program.py"]],
    ["devx/debug/_trace.py", ["devx/test_debugger.py"]],
    ["to_asyncio.py", ["test_infected_asyncio.py", "test_root_infect_asyncio.py"]],
    ["msg/_codec.py", ["msg/"]],
    ["_exceptions.py", ["test_remote_exc_relay.py", "test_inter_peer_cancellation.py"]],
    ["runtime/_supervise.py", ["test_cancellation.py", "test_spawning.py"]],
  ];
  for (const [module, tests] of rows) {
    assert(MODULES.includes(`tractor/${module}`), module);
    const affected = after(`tractor/${module}`);
    assertEquals(targets(affected), tests.map((test) => `tests/${test}`), module);
    assertEquals([affected.unmapped, affected.missing], [[], []], module);
  }
});

Deno.test("affectedBy() has rows for real modules and existing tests only", () => {
  for (const row of CHANGE_MAP) {
    for (const entry of row.changed) {
      const module = entry.startsWith("/")
        ? `${entry.slice(1)}a.py`
        : MODULES.find((path) => path.startsWith(`tractor/${entry}`));
      assert(module, `no module of today is under ${entry}`);
      assertEquals(after(module).missing, []);
    }
  }
});

Deno.test("affectedBy() gives the reason, with the warning of a slow row", () => {
  assertEquals(after("tractor/devx/debug/_repl.py").targets.map(becauseOf), [
    "tractor/devx/debug/_repl.py: listed for devx/debug/ in the change map (slow)",
  ]);
  const several = after(
    "tractor/ipc/_chan.py",
    "tractor/ipc/_server.py",
    "tests/ipc/test_server.py",
  );
  assertEquals(targets(several), ["tests/ipc/test_server.py", "tests/ipc/", "tests/test_2way.py"]);
  assertEquals(several.targets.map(becauseOf), [
    "the test file itself changed",
    "tractor/ipc/_chan.py, tractor/ipc/_server.py: listed for ipc/ in the change map",
    "tractor/ipc/_chan.py, tractor/ipc/_server.py: listed for ipc/ in the change map",
  ]);
  const many = after(
    ...["_chan", "_linux", "_shm", "_tcp", "_uds"].map((name) => `tractor/ipc/${name}.py`),
  );
  assertEquals(
    becauseOf(many.targets[0]!),
    "tractor/ipc/_chan.py, tractor/ipc/_linux.py, tractor/ipc/_shm.py and 2 more: listed " +
      "for ipc/ in the change map",
  );
});

Deno.test("affectedBy() adds the full suite last for what decides how every test runs", () => {
  for (
    const path of [
      "pyproject.toml",
      "tests/conftest.py",
      "conftest.py",
      "uv.lock",
      "pytest.ini",
      "tests/__init__.py",
    ]
  ) {
    assertEquals(targets(after(path)), ["tests/"], path);
  }
  assertEquals(targets(after("pyproject.toml", "tests/test_rpc.py", "tractor/_context.py")), [
    "tests/test_rpc.py",
    "tests/test_context_stream_semantics.py",
    "tests/test_advanced_streaming.py",
    "tests/",
  ]);
});

Deno.test("affectedBy() adds the directory of a nested conftest.py or helper", () => {
  assertEquals(targets(after("tests/devx/conftest.py")), ["tests/devx/"]);
  assertEquals(targets(after("tests/msg/__init__.py")), ["tests/msg/"]);
});

Deno.test("affectedBy() reports files that no row lists", () => {
  assertEquals(after("tractor/log.py", "docs/README.rst", "tests/notes.md").unmapped, [
    { file: "tractor/log.py", because: "not in the change map" },
    { file: "docs/README.rst", because: "documentation: no test reads it" },
    { file: "tests/notes.md", because: "documentation: no test reads it" },
  ]);
  assertEquals(
    affectedBy([changed("app/x.py")], around({ packageDirectory: null })).unmapped[0]!.because,
    "the project's package was not found",
  );
});

Deno.test("affectedBy() reports a test of a row that does not exist", () => {
  const affected = affectedBy(
    [changed("tractor/spawn/_spawn.py")],
    around({ tree: treeOf(["tests/test_spawning.py"]) }),
  );
  assertEquals(targets(affected), ["tests/test_spawning.py"]);
  assertEquals(affected.missing, [{ test: "test_multi_program.py", row: "spawn/" }]);
});

Deno.test("affectedBy() adds the test that runs examples/, if the project has it", () => {
  const because = "listed for /examples/ in the change map (runs them as scripts)";
  for (
    const path of [
      "examples/quick_cluster.py",
      "examples/parallelism/single_func.py",
      "examples/data.json",
    ]
  ) {
    assertEquals(after(path).targets.map((target) => [target.target, becauseOf(target)]), [
      ["tests/test_docs_examples.py", `${path}: ${because}`],
    ]);
  }
  // It leaves these out, and documentation; a module of the same name in the package counts.
  for (
    const path of [
      "examples/debugging/sync_bp.py",
      "examples/trio/x.py",
      "examples/README.rst",
      "scripts/examples/x.py",
      "tractor/examples/x.py",
    ]
  ) {
    assertEquals([targets(after(path)), after(path).missing], [[], []], path);
  }
  const elsewhere = affectedBy(
    [changed("examples/quick_cluster.py")],
    around({ tree: treeOf(["tests/test_rpc.py"]) }),
  );
  assertEquals([elsewhere.targets, elsewhere.missing], [[], []]);
  assertEquals(elsewhere.unmapped, [{
    file: "examples/quick_cluster.py",
    because: "neither in the package nor in the tests",
  }]);
});

Deno.test("affectedBy() applies a row with a leading slash below the root only", () => {
  const rows = [{ changed: ["/tools/gen.py"], tests: ["test_rpc.py"] }];
  const found = (path: string) => targets(affectedBy([changed(path)], around({ changeMap: rows })));
  assertEquals(found("tools/gen.py"), ["tests/test_rpc.py"]);
  for (const path of ["tractor/gen.py", "tractor/tools/gen.py", "gen.py", "x/tools/gen.py"]) {
    assertEquals(found(path), [], path);
  }
});

Deno.test("affectedBy() adds the row of a deleted module, nothing for a deleted test", () => {
  const affected = affectedBy([
    changed("tests/test_old.py", "deleted"),
    changed("tractor/to_asyncio.py", "deleted"),
  ], around());
  assertEquals(targets(affected), [
    "tests/test_infected_asyncio.py",
    "tests/test_root_infect_asyncio.py",
  ]);
  assertEquals(affected.unmapped.map((one) => one.file), ["tests/test_old.py"]);
});

Deno.test("affectedBy() finds a moved module by its name, unless that is __init__.py", () => {
  assertEquals(targets(after("tractor/_portal.py")), [
    "tests/test_rpc.py",
    "tests/test_cancellation.py",
  ]);
  assertEquals(targets(after("tractor/trionics/__init__.py")), []);
});

Deno.test("affectedBy() works for a package in src/, with rows of its own first", () => {
  const rows = [{ changed: ["core.py"], tests: ["test_core.py"] }, ...CHANGE_MAP];
  const tree = treeOf(["tests/unit/test_core.py", "tests/ipc/test_x.py"]);
  const affected = affectedBy(
    [changed("src/app/core.py"), changed("src/app/ipc/_chan.py")],
    around({ tree, packageDirectory: "src/app", changeMap: rows }),
  );
  assertEquals(targets(affected), ["tests/unit/test_core.py", "tests/ipc/"]);
});

Deno.test("affectedBy() separates modules and helpers where one directory is in the other", () => {
  const flat = treeOf(["test_core.py", "app/x.py"], {
    testsDirectories: ["."],
    directories: [".", "app"],
  });
  const rows = [{ changed: ["x.py"], tests: ["test_core.py"] }];
  const inRoot = affectedBy(
    [changed("app/x.py"), changed("helper.py")],
    around({ tree: flat, packageDirectory: "app", changeMap: rows }),
  );
  assertEquals(targets(inRoot), ["test_core.py", "./"]);
  const inside = treeOf(["app/tests/test_core.py", "app/tests/helper.py"], {
    testsDirectories: ["app/tests"],
  });
  const inPackage = affectedBy(
    [changed("app/x.py"), changed("app/tests/helper.py")],
    around({ tree: inside, packageDirectory: "app", changeMap: rows }),
  );
  assertEquals(targets(inPackage), ["app/tests/test_core.py", "app/tests/"]);
});
