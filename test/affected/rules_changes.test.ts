import { becauseOf, mostText } from "../../lib/affected/because_line.ts";
import type { Affected, Change } from "../../lib/affected/affected_targets.ts";
import { affectedBy, withFailures } from "../../lib/affected/rules.ts";
import { asksForImports, type Surroundings } from "../../lib/affected/rules_change.ts";
import { TargetOrder } from "../../lib/project/target_order.ts";
import { ImportGraph } from "../../lib/affected/import_graph.ts";
import { isTestFile } from "../../lib/project/rules_targets.ts";
import { relatedChange } from "../../lib/affected/related.ts";
import { CHANGE_MAP, OPTION_MAP } from "../../lib/project/change_map.ts";
import { assert, assertEquals } from "../assert.ts";
import { FILES, MODULES, suite, treeOf } from "../pytest/suite.ts";

/**
 * The imports among tractor's modules that these tests need, read from its source. Files of the
 * captured layout that are not listed here import nothing of it.
 */
const IMPORTS: Readonly<Record<string, string>> = {
  "tractor/__init__.py":
    "from ._clustering import open_actor_cluster\nfrom ._context import Context\nfrom " +
    "._streaming import MsgStream\n" +
    "from .runtime._supervise import open_nursery\nfrom .devx import pause\nfrom . " +
    "import msg as msg\nfrom .ipc import Channel\n",
  "tractor/_clustering.py": "import tractor\n",
  "tractor/_exceptions.py": "def f():\n    from tractor.devx.pformat import pformat_boxed_tb\n",
  "tractor/_testing/__init__.py":
    "import tractor\nfrom .pytest import tractor_test\nfrom .fault_simulation import break_ipc\n",
  "tractor/_testing/pytest.py":
    "import tractor\ndef f():\n    from tractor._testing.addr import get_rando_addr\n    " +
    "from .trace import x\n",
  "tractor/_testing/_reap.py": "from tractor.devx import _proctitle\n",
  "tractor/devx/__init__.py":
    "from .debug import pause\nfrom ._stackscope import enable_stack_on_sig\nfrom " +
    "._debug_hangs import dump_on_hang\n",
  "tractor/experimental/__init__.py": "from ._pubsub import pub as msgpub\n",
  "tractor/trionics/__init__.py":
    "from ._mngrs import gather_contexts, maybe_open_context\nfrom ._broadcast import " +
    "broadcast_receiver\n" +
    "from ._beg import collapse_eg\nfrom ._taskc import start_or_cancel\nfrom ._subproc " +
    "import supervise_run_process\n",
  "tests/conftest.py": "import tractor\nfrom tractor._testing import tractor_test\n",
  "tests/discovery/conftest.py": "import tractor\nfrom ..conftest import sig_prog\n",
  "tests/devx/test_pformat.py": "from tractor.devx.pformat import pformat_boxed_tb\n",
  "tests/devx/test_proctitle.py":
    "from tractor.devx._proctitle import set_title\nfrom tractor._testing._reap import find\n",
  "tests/discovery/test_registrar.py":
    "from tractor.devx import dump_on_hang\nfrom tractor.trionics import collapse_eg\n",
  "tests/test_clustering.py":
    "from tractor import open_actor_cluster\nfrom tractor.trionics import gather_contexts\n",
  "tests/test_child_manages_service_nursery.py":
    "def test():\n    from tractor.trionics import broadcast_receiver\n",
  "tests/test_log_sys.py": "import tractor\nfrom tractor import (\n    log,\n)\n",
  "tests/test_pubsub.py": "import tractor\nfrom tractor.experimental import msgpub\n",
  "tests/test_remote_exc_relay.py": "from tractor import _exceptions\n",
  "tests/test_resource_cache.py":
    "from tractor.trionics import maybe_open_context\nfrom tractor.log import get_logger\n",
  "tests/test_ringbuf.py": "from tractor._testing.samples import generate_sample_messages\n",
  "tests/test_root_infect_asyncio.py": "from tests.test_infected_asyncio import asyncio_actor\n",
  "tests/test_task_broadcasting.py": "from tractor.trionics import broadcast_receiver\n",
  "tests/test_trioisms.py": "from tractor.trionics import collapse_eg, start_or_cancel\n",
  "tests/trionics/test_patches.py":
    "from tractor.trionics import patches\nfrom tractor.trionics.patches import " +
    "_wakeup_socketpair as wsp\n",
  "tests/trionics/test_subproc.py":
    "from tractor.trionics import _subproc, supervise_run_process\n",
  "tests/trionics/test_taskc.py": "from tractor.trionics import start_or_cancel\n",
  "tests/devx/test_debugger.py":
    "def test(spawn):\n    spawn('subactor_bp_in_ctx')\n    open('tests/devx/golden.txt')\n",
};

function around(changes: readonly Change[]) {
  const sources = new Map<string, string>();
  for (
    const path of [
      ...MODULES,
      ...FILES,
      "examples/debugging/subactor_bp_in_ctx.py",
      ...changes.map((change) => change.path),
    ]
  ) {
    sources.set(path, IMPORTS[path] ?? "");
  }
  const tree = suite();
  const isTest = (path: string) => path.startsWith("tests/") && isTestFile(path);
  const graph = new ImportGraph({
    sources,
    starts: [".", "tests"],
    isTest,
    plugins: ["tractor._testing.pytest"],
  });
  return { tree, packageDirectory: "tractor", changeMap: CHANGE_MAP, graph };
}

const change = (path: string): Change =>
  path.startsWith("-")
    ? { path: path.slice(1), status: "deleted", where: "committed" }
    : path.startsWith("+")
    ? { path: path.slice(1), status: "added", where: "untracked" }
    : path.startsWith("@")
    ? { path: path.slice(1), status: "modified", where: "committed", submodule: true }
    : { path, status: "modified", where: "unstaged" };

function after(...paths: string[]): Affected {
  const changes = paths.map(change);
  return affectedBy(changes, around(changes));
}

const ALL = ["tests/"];

/**
 * A change (`-` deleted, `+` new, `@` a submodule; several separated by spaces) and the targets
 * that must run, in order.
 */
const CASES: readonly (readonly [changed: string, targets: readonly string[]])[] = [
  // Rows of the recipe's table, where their tests are today.
  ["tractor/runtime/_runtime.py", [
    "tests/test_local.py",
    "tests/test_rpc.py",
    "tests/test_spawning.py",
    "tests/test_root_runtime.py",
  ]],
  ["tractor/runtime/_state.py", [
    "tests/test_local.py",
    "tests/test_rpc.py",
    "tests/test_spawning.py",
    "tests/test_root_runtime.py",
  ]],
  ["tractor/discovery/_registry.py", [
    "tests/discovery/",
    "tests/discovery/test_multi_program.py",
    "tests/test_local.py",
  ]],
  ["tractor/discovery/_multiaddr.py", [
    "tests/discovery/",
    "tests/discovery/test_multi_program.py",
    "tests/test_local.py",
  ]],
  ["tractor/discovery/_api.py", [
    "tests/discovery/",
    "tests/discovery/test_multi_program.py",
    "tests/test_local.py",
  ]],
  ["tractor/_context.py", [
    "tests/test_context_stream_semantics.py",
    "tests/test_advanced_streaming.py",
  ]],
  ["tractor/_streaming.py", [
    "tests/test_context_stream_semantics.py",
    "tests/test_advanced_streaming.py",
  ]],
  ["tractor/ipc/_chan.py", ["tests/ipc/", "tests/test_2way.py"]],
  ["tractor/ipc/_uds.py", ["tests/ipc/", "tests/test_2way.py"]],
  ["tractor/ipc/__init__.py", ["tests/ipc/", "tests/test_2way.py"]],
  ["tractor/runtime/_portal.py", ["tests/test_rpc.py", "tests/test_cancellation.py"]],
  ["tractor/runtime/_rpc.py", ["tests/test_rpc.py", "tests/test_cancellation.py"]],
  ["tractor/spawn/_entry.py", ["tests/test_spawning.py", "tests/discovery/test_multi_program.py"]],
  ["tractor/spawn/_reap.py", ["tests/test_spawning.py", "tests/discovery/test_multi_program.py"]],
  ["tractor/devx/debug/_tty_lock.py", ["tests/devx/test_debugger.py"]],
  ["tractor/devx/debug/__init__.py", ["tests/devx/test_debugger.py"]],
  ["tractor/to_asyncio.py", [
    "tests/test_infected_asyncio.py",
    "tests/test_root_infect_asyncio.py",
  ]],
  ["tractor/msg/_ops.py", ["tests/msg/"]],
  ["tractor/msg/types.py", ["tests/msg/"]],
  ["tractor/_exceptions.py", [
    "tests/test_remote_exc_relay.py",
    "tests/test_inter_peer_cancellation.py",
  ]],
  ["tractor/runtime/_supervise.py", ["tests/test_cancellation.py", "tests/test_spawning.py"]],
  // A module of a row that was deleted, renamed, or moved.
  ["-tractor/to_asyncio.py", [
    "tests/test_infected_asyncio.py",
    "tests/test_root_infect_asyncio.py",
  ]],
  ["-tractor/_streaming.py +tractor/msg/_streaming.py", [
    "tests/test_context_stream_semantics.py",
    "tests/test_advanced_streaming.py",
    "tests/msg/",
  ]],
  ["+tractor/_portal.py", ["tests/test_rpc.py", "tests/test_cancellation.py"]],
  ["+tractor/ipc/_quic.py", ["tests/ipc/", "tests/test_2way.py"]],
  // No row: who imports it, near ones first.
  ["tractor/log.py", ["tests/test_log_sys.py", "tests/test_resource_cache.py"]],
  ["tractor/_clustering.py", ["tests/test_clustering.py"]],
  ["tractor/devx/pformat.py", ["tests/devx/test_pformat.py", "tests/test_remote_exc_relay.py"]],
  ["tractor/devx/_proctitle.py", ["tests/devx/test_proctitle.py"]],
  ["tractor/devx/_debug_hangs.py", ["tests/discovery/test_registrar.py"]],
  ["tractor/_testing/_reap.py", ["tests/devx/test_proctitle.py"]],
  ["tractor/_testing/samples.py", ["tests/test_ringbuf.py"]],
  ["tractor/experimental/_pubsub.py", ["tests/test_pubsub.py"]],
  ["tractor/trionics/_beg.py", ["tests/discovery/test_registrar.py", "tests/test_trioisms.py"]],
  ["tractor/trionics/_broadcast.py", [
    "tests/test_child_manages_service_nursery.py",
    "tests/test_task_broadcasting.py",
  ]],
  ["tractor/trionics/_mngrs.py", ["tests/test_clustering.py", "tests/test_resource_cache.py"]],
  ["tractor/trionics/_subproc.py", ["tests/trionics/test_subproc.py"]],
  ["tractor/trionics/_taskc.py", ["tests/test_trioisms.py", "tests/trionics/test_taskc.py"]],
  ["tractor/trionics/patches/_wakeup_socketpair.py", ["tests/trionics/test_patches.py"]],
  ["-tractor/experimental/_pubsub.py", ["tests/test_pubsub.py"]],
  ["-tractor/log.py +tractor/logging.py", [
    "tests/test_log_sys.py",
    "tests/test_resource_cache.py",
  ]],
  // A plugin of pytest, or what it imports, bears on all tests; who asks for it by name comes
  // first.
  ["tractor/_testing/addr.py", ALL],
  ["tractor/_testing/trace.py", ALL],
  // An entry that is neither imported nor named.
  ["tractor/_child.py", []],
  ["tractor/devx/cli.py", []],
  // What only the run of a package's __init__.py leads to.
  ["tractor/devx/_stackscope.py", ALL],
  ["tractor/_testing/fault_simulation.py", ALL],
  // Everything, by its nature.
  ["tractor/__init__.py", ALL],
  ["pyproject.toml", ALL],
  ["pytest.ini", ALL],
  ["uv.lock", ALL],
  [".python-version", ALL],
  ["requirements-dev.txt", ALL],
  ["conftest.py", ALL],
  ["tests/conftest.py", ALL],
  ["tests/__init__.py", ALL],
  ["@vendor/trio", ALL],
  ["+tractor/_fast.c", ALL],
  ["tractor/ipc/wire.proto", ["tests/ipc/", "tests/test_2way.py"]],
  // Parts of the tests.
  ["tests/devx/conftest.py", ["tests/devx/"]],
  ["tests/msg/conftest.py", ["tests/msg/"]],
  ["-tests/msg/conftest.py", ["tests/msg/"]],
  ["tests/discovery/__init__.py", ["tests/discovery/"]],
  ["tests/test_infected_asyncio.py", [
    "tests/test_infected_asyncio.py",
    "tests/test_root_infect_asyncio.py",
  ]],
  ["tests/trionics/test_taskc.py", ["tests/trionics/test_taskc.py"]],
  ["-tests/test_infected_asyncio.py", ["tests/test_root_infect_asyncio.py"]],
  ["-tests/test_2way.py +tests/ipc/test_2way.py", ["tests/ipc/test_2way.py"]],
  ["+tests/trionics/helper.py", ["tests/trionics/"]],
  ["+tests/msg/data/golden.bin", ["tests/msg/"]],
  ["tests/devx/golden.txt", ["tests/devx/test_debugger.py"]],
  ["+tests/data.json", ALL],
  // Neither package nor tests.
  ["examples/debugging/subactor_bp_in_ctx.py", ["tests/devx/test_debugger.py"]],
  ["examples/quick_cluster.py", ["tests/test_docs_examples.py"]],
  ["scripts/tool.py", []],
  ["README.md", []],
  ["docs/index.rst", []],
  ["tractor/py.typed", []],
  ["tractor/log.pyi", []],
  ["flake.nix", []],
  // Several at once: the changed test, rows, importers, then everything.
  [
    "pyproject.toml tractor/log.py tractor/msg/ptr.py tests/test_rpc.py",
    [
      "tests/test_rpc.py",
      "tests/msg/",
      "tests/test_log_sys.py",
      "tests/test_resource_cache.py",
      "tests/",
    ],
  ],
  [
    "tests/devx/conftest.py tractor/trionics/_subproc.py tractor/spawn/_mp.py",
    [
      "tests/test_spawning.py",
      "tests/discovery/test_multi_program.py",
      "tests/trionics/test_subproc.py",
      "tests/devx/",
    ],
  ],
];

/** The changed file that affects a test, according to the targets of the changes. */
function relatedTo(id: string, affected: Affected) {
  return relatedChange(id, { message: "", where: null, traceback: "" }, {
    affected,
    changed: new Set(),
    root: "/repo",
  });
}

Deno.test(`affectedBy() orders the targets of ${CASES.length} changes of tractor's layout`, () => {
  assert(CASES.length >= 60);
  for (const [changed, expected] of CASES) {
    assertEquals(
      after(...changed.split(" ")).targets.map((target) => target.target),
      expected,
      changed,
    );
  }
});

Deno.test("affectedBy() shows the chain of imports as the reason", () => {
  assertEquals(after("tractor/devx/pformat.py").targets.map(becauseOf), [
    "tractor/devx/pformat.py → tests/devx/test_pformat.py: imported directly",
    "tractor/devx/pformat.py → tractor/_exceptions.py → tests/test_remote_exc_relay.py: " +
    "imported indirectly",
  ]);
  assertEquals(after("tractor/_clustering.py").targets.map(becauseOf), [
    "tractor/_clustering.py → tractor/__init__.py → tests/test_clustering.py: imported directly",
  ]);
  assertEquals(after("tractor/_testing/addr.py").targets.map(becauseOf), [
    "tractor/_testing/addr.py → tractor/_testing/pytest.py: everything: a plugin that " +
    "pytest loads before every test",
  ]);
});

Deno.test("affectedBy() puts direct importers first, then the others by distance", () => {
  const { targets } = after(
    "tractor/log.py",
    "tractor/devx/pformat.py",
    "tests/test_log_sys.py",
    "tests/devx/conftest.py",
  );
  assertEquals(targets.map(({ target, distance }) => [target, distance]), [
    ["tests/test_log_sys.py", undefined],
    ["tests/test_resource_cache.py", 1],
    ["tests/devx/test_pformat.py", 1],
    ["tests/test_remote_exc_relay.py", 2],
    ["tests/devx/", undefined],
  ]);
});

Deno.test("affectedBy() reports that targets are most of the suite, and why", () => {
  const tests = Array.from({ length: 9 }, (_, index) => `tests/test_${index}.py`);
  const most = (changes: readonly string[], count = tests.length) => {
    const tree = treeOf([...tests.slice(0, count), "tests/helper.py"]);
    const sources = new Map(["base", "wide", "leaf"].map((name) => [`app/${name}.py`, ""]));
    sources.set("app/middle.py", "import app.base\n");
    for (const [index, test] of tests.entries()) {
      const wide = index < 5 ? "import app.wide\n" : "";
      const leaf = index < 4 ? "import app.leaf\n" : "";
      sources.set(test, `import app.middle\n${wide}${leaf}`);
    }
    const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
    return affectedBy(changes.map(change), { tree, packageDirectory: "app", changeMap: [], graph })
      .mostOfSuite;
  };
  assertEquals(most(["app/wide.py"]), { testFiles: 5, of: 9, imported: ["app/wide.py"] });
  assertEquals(most(["app/leaf.py"]), null);
  // Together with others, none of which is imported by so many.
  assertEquals(most(["app/leaf.py", "tests/test_7.py"]), { testFiles: 5, of: 9, imported: [] });
  assertEquals(most(["app/base.py", "app/wide.py", "pyproject.toml"]), {
    testFiles: 9,
    of: 9,
    imported: ["app/base.py", "app/wide.py"],
  });
  // A few tests need no reason, and what affects all tests has its own.
  assertEquals([most(["app/base.py"], 4), most(["pyproject.toml"])], [null, null]);
  assertEquals(
    mostText({ testFiles: 9, of: 9, imported: ["a", "b", "c", "d"] }),
    "9 of 9 test files: a, b, c and 1 more are imported by most of the suite; to run the " +
      "whole suite: tractest run",
  );
  assertEquals(
    mostText({ testFiles: 5, of: 9, imported: [] }),
    "5 of 9 test files: to run the whole suite: tractest run",
  );
});

/**
 * A suite of `count` test files, the first `direct` of which import the change, and the next
 * `through` import what imports it.
 */
function importing(change: string, count: number, direct: number, through: number) {
  const tests = Array.from({ length: count }, (_, index) => `tests/test_${index}.py`);
  const sources = new Map([["app/x.py", ""], ["app/y.py", "import app.x\n"], ["app/z.py", ""], [
    "app/__init__.py",
    "",
  ]]);
  for (const [index, test] of tests.entries()) {
    sources.set(
      test,
      index < direct
        ? "from app import x\n"
        : index < direct + through
        ? "from app.y import x\n"
        : "",
    );
  }
  const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
  const changeMap = [{ changed: ["x.py"], tests: [`test_${count - 1}.py`] }];
  return affectedBy([{ path: change, status: "modified", where: "unstaged" }], {
    tree: treeOf(tests),
    packageDirectory: "app",
    changeMap,
    graph,
  });
}

Deno.test("affectedBy() adds importers after the tests of the change map", () => {
  const { targets } = importing("app/x.py", 9, 1, 1);
  assertEquals(targets.map((target) => [target.target, target.relation, becauseOf(target)]), [
    ["tests/test_8.py", "map", "app/x.py: listed for x.py in the change map"],
    ["tests/test_0.py", "import", "app/x.py → tests/test_0.py: imported directly"],
    [
      "tests/test_1.py",
      "through",
      "app/x.py → app/y.py → tests/test_1.py: imported indirectly",
    ],
  ]);
  assertEquals(relatedTo("tests/test_1.py::t", importing("app/x.py", 9, 1, 1))?.file, "app/x.py");
});

Deno.test("affectedBy() adds the suite as one target where most of it imports a change", () => {
  const most = importing("app/x.py", 20, 2, 10);
  assertEquals(most.targets.map((target) => [target.target, target.relation, becauseOf(target)]), [
    ["tests/test_19.py", "map", "app/x.py: listed for x.py in the change map"],
    ["tests/test_0.py", "import", "app/x.py → tests/test_0.py: imported directly"],
    ["tests/test_1.py", "import", "app/x.py → tests/test_1.py: imported directly"],
    [
      "tests/",
      "all",
      "app/x.py: everything: 12 of 20 test files import it, directly or indirectly",
    ],
  ]);
  assertEquals(most.targets.at(-1)!.files?.length, 10);
  // Files that do not import it are not mentioned.
  assertEquals(
    ["tests/test_11.py::t", "tests/test_15.py::t"].map((id) => relatedTo(id, most)?.file ?? null),
    ["app/x.py", null],
  );
  const direct = importing("app/x.py", 20, 15, 3);
  assertEquals(direct.targets.map(({ target }) => target), ["tests/test_19.py", "tests/"]);
  assertEquals(importing("app/x.py", 60, 15, 20).targets.length, 17);
  assertEquals(importing("app/x.py", 60, 16, 20).targets.length, 2);
  assertEquals(importing("app/x.py", 20, 2, 5).targets.length, 8);
});

Deno.test("affectedBy() leaves out importers in a directory of the change map", () => {
  const sources = new Map([["app/x.py", ""]]);
  for (const test of ["tests/part/test_0.py", "tests/test_1.py"]) {
    sources.set(test, "from app import x\n");
  }
  const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
  const tree = treeOf([...sources.keys()].slice(1));
  const changeMap = [{ changed: ["x.py"], tests: ["part/"] }];
  const { targets } = affectedBy([change("app/x.py")], {
    tree,
    packageDirectory: "app",
    changeMap,
    graph,
  });
  assertEquals(targets.map(({ target }) => target), ["tests/part/", "tests/test_1.py"]);
});

Deno.test("affectedBy() prefers the change map to tests that only a package's run reaches", () => {
  const sources = new Map([["app/__init__.py", "from . import x\nfrom .z import g\n"], [
    "app/x.py",
    "",
  ], ["app/z.py", ""]]);
  const tests = ["tests/test_0.py", "tests/test_1.py"];
  for (const test of tests) sources.set(test, "from app import g\n");
  const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
  const changeMap = [{ changed: ["x.py"], tests: ["test_0.py"] }];
  const found = affectedBy([change("app/x.py")], {
    tree: treeOf(tests),
    packageDirectory: "app",
    changeMap,
    graph,
  });
  assertEquals([
    found.targets.map(({ target }) => target),
    found.further.map(({ target }) => target),
  ], [["tests/test_0.py"], ["tests/"]]);
});

Deno.test("affectedBy() treats a helper that a conftest.py imports as part of it", () => {
  const sources = new Map([
    ["app/deep.py", ""],
    ["tests/helper.py", "from app.deep import x\n"],
    ["tests/conftest.py", "from helper import x\n"],
    ["tests/test_2way.py", "from app.deep import x\n"],
  ]);
  const graph = new ImportGraph({
    sources,
    starts: [".", "tests"],
    isTest: isTestFile,
    plugins: [],
  });
  const affected = affectedBy([change("app/deep.py")], {
    tree: suite(),
    packageDirectory: "app",
    changeMap: [],
    graph,
  });
  assertEquals([affected.targets.map(({ target }) => target), affected.further], [[
    "tests/test_2way.py",
    "tests/",
  ], []]);
});

Deno.test("affectedBy() suggests options without which tests do not use a change", () => {
  const found = (path: string, optionMap: Surroundings["optionMap"]) =>
    affectedBy([change(path)], {
      tree: suite(),
      packageDirectory: "tractor",
      changeMap: CHANGE_MAP,
      optionMap,
    }).options;
  assertEquals(found("tractor/ipc/_uds.py", OPTION_MAP), [
    {
      file: "tractor/ipc/_uds.py",
      options: ["--tpt-proto", "uds"],
      because: "tests use Unix sockets only with it",
    },
  ]);
  assertEquals([
    found("tractor/ipc/_tcp.py", OPTION_MAP),
    found("-tractor/ipc/_uds.py", OPTION_MAP),
    found("tractor/ipc/_uds.py", undefined),
  ], [
    [],
    [],
    [],
  ]);
});

Deno.test("affectedBy() gives the reason why everything is affected", () => {
  const reasons: [string, string][] = [
    ["pyproject.toml", "pyproject.toml: everything: it decides how every test runs"],
    ["tractor/__init__.py", "tractor/__init__.py: everything: every import of the package runs it"],
    ["@vendor/trio", "vendor/trio: everything: a submodule: anything may use its content"],
    [
      "+tractor/_fast.c",
      "tractor/_fast.c: everything: not Python: any part of the package may use it",
    ],
    ["tests/conftest.py", "tests/conftest.py: everything: fixtures of every test below it"],
    ["+tests/data.json", "tests/data.json: everything: data of the tests of its directory"],
    [
      "tractor/devx/_stackscope.py",
      "tractor/devx/_stackscope.py → tractor/devx/__init__.py → tractor/__init__.py → " +
      "tests/conftest.py: everything: only because importing a package runs all of it",
    ],
  ];
  for (const [changed, because] of reasons) {
    assertEquals(after(changed).targets.map(becauseOf), [because]);
  }
});

Deno.test("affectedBy() gives the reason why a change has no target", () => {
  const reasons: [string, string][] = [
    ["tractor/_child.py", "no test imports it, directly or indirectly"],
    ["tractor/log.pyi", "a stub: only type checkers read it"],
    ["README.md", "documentation: no test reads it"],
    ["-tests/test_2way.py", "a deleted test file: nothing left to run"],
    ["scripts/tool.py", "neither in the package nor in the tests"],
  ];
  for (const [changed, because] of reasons) {
    assertEquals(after(changed).unmapped.map((one) => one.because), [because], changed);
  }
});

Deno.test("affectedBy() adds everything for a compiled module only without importers", () => {
  const sources = new Map([
    ["tractor/__init__.py", ""],
    ["tractor/_fast.c", ""],
    ["tests/test_2way.py", "from tractor._fast import go\n"],
  ]);
  const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
  const { targets } = affectedBy([change("tractor/_fast.c")], {
    tree: suite(),
    packageDirectory: "tractor",
    changeMap: CHANGE_MAP,
    graph,
  });
  assertEquals(targets.map((target) => [target.target, target.relation]), [[
    "tests/test_2way.py",
    "import",
  ]]);
});

Deno.test("affectedBy() puts fixtures that reach a change indirectly after its importers", () => {
  const sources = new Map([
    ["app/deep.py", ""],
    ["app/middle.py", "from .deep import x\n"],
    ["tests/conftest.py", "from app.middle import y\n"],
    ["tests/test_2way.py", "from app.deep import x\n"],
  ]);
  const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestFile, plugins: [] });
  const chain = "app/deep.py → app/middle.py → tests/conftest.py";
  const listed = (changeMap: Surroundings["changeMap"]) => {
    const around = { tree: suite(), packageDirectory: "app", changeMap, graph };
    const { targets, further } = affectedBy([change("app/deep.py")], around);
    return [targets, further].map((all) => all.map((one) => [one.target, becauseOf(one)]));
  };
  const direct = [
    "tests/test_2way.py",
    "app/deep.py → tests/test_2way.py: imported directly",
  ];
  assertEquals(listed([]), [
    [direct, ["tests/", `${chain}: everything: fixtures of every test below it`]],
    [],
  ]);
  // A change map says which tests matter.
  assertEquals(listed([{ changed: ["other.py"], tests: [] }]), [
    [direct],
    [["tests/", `${chain}: fixtures of every test below it`]],
  ]);
});

Deno.test("asksForImports() is true only for files whose importers may matter", () => {
  const asks = (path: string) => asksForImports(change(path), around([]));
  const open = [
    "tractor/log.py",
    "tests/test_rpc.py",
    "tests/x.json",
    "scripts/tool.py",
    "tractor/msg/ptr.py",
    "examples/a.py",
  ];
  assertEquals(open.map(asks), Array(6).fill(true));
  const settled = [
    "pyproject.toml",
    "README.md",
    "tractor/__init__.py",
    "Makefile",
    "@vendor",
    "tractor/msg/wire.proto",
  ];
  assertEquals(settled.map(asks), Array(6).fill(false));
});

Deno.test("withFailures() adds failed tests once, after importers and before everything", () => {
  const affected = after("tractor/log.py", "pyproject.toml");
  const failed = withFailures(affected, [
    "tests/test_rpc.py::test_a[x]",
    "tests/test_log_sys.py::test_b",
  ], [
    { test: "tests/test_rpc.py::test_a[x]", runs: 4, failed: 4 },
    { test: "tests/test_2way.py::test_c", runs: 10, failed: 1 },
    { test: "tests/test_local.py::test_d", runs: 4, failed: 3 },
    { test: "tests/test_shm.py::test_e", runs: 4, failed: 0 },
  ]);
  assertEquals(failed.targets.map((target) => [target.target, becauseOf(target)]).slice(2), [
    ["tests/test_rpc.py::test_a[x]", "it failed last time"],
    ["tests/test_local.py::test_d", "it failed in 3 of its last 4 runs"],
    ["tests/test_2way.py::test_c", "it failed in 1 of its last 10 runs"],
    ["tests/", "pyproject.toml: everything: it decides how every test runs"],
  ]);
  assertEquals(
    withFailures(after("tractor/msg/ptr.py"), ["tests/msg/test_x.py::t"], []).targets.map((
      target,
    ) => target.target),
    ["tests/msg/"],
  );
});

Deno.test("TargetOrder puts groups of targets first, and keeps the order within each", () => {
  const order = new TargetOrder([
    "tests/test_b.py",
    "tests/ipc/",
    "tests/test_a.py::test_2",
    "tests/test_c.py::Test",
  ]);
  const groups = [
    ["tests/test_a.py::test_1"],
    ["tests/test_a.py::test_2[a/b::c]", "tests/test_a.py::test_3"],
    ["tests/test_a.py::test_22"],
    ["tests/ipc/test_x.py::t"],
    ["tests/test_b.py::test_1"],
    ["tests/test_c.py::Test::t[x]"],
    ["tests/test_b.py::test_2"],
  ];
  assertEquals(order.sort(groups, false).map((group) => group[0]), [
    "tests/test_b.py::test_1",
    "tests/test_b.py::test_2",
    "tests/ipc/test_x.py::t",
    "tests/test_a.py::test_2[a/b::c]",
    "tests/test_c.py::Test::t[x]",
    "tests/test_a.py::test_1",
    "tests/test_a.py::test_22",
  ]);
  assertEquals(order.sort(groups, true).flat().length, 5);
  assertEquals(order.placeOf("tests/ipcx/test_y.py"), Infinity);
});
