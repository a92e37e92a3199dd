import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, sampleSuite } from "./suites.ts";

// Its actors bind the registry address: only where it is a network of their own.
const ignore = ISOLATED === null;

Deno.test({
  name: "the sample's suite runs after a preflight, and every verdict is reported",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const { code, stdout, stderr } = await suite.tractest(["run", "--json", "--no-defaults"]);
    const document = JSON.parse(stdout);
    assertEquals(code, 1, stderr);
    const { passed, ...others } = document.counts;
    assertEquals(others, {
      failed: 1,
      skipped: 3,
      errors: 1,
      xfailed: 1,
      xpassed: 1,
      subtestsPassed: 0,
      notRun: 0,
    });
    assert(passed > 30, `${passed} passed`);
    assertEquals(document.leaks.clean, true);
    assert(
      document.preflight.some((check: { id: string; status: string }) =>
        check.id === "registry" && check.status === "ok"
      ),
    );
    for (
      const typed of [
        "test_local.py",
        "test_registrar -v",
        "-k cancel",
        "tests/ipc/ --tpt-proto uds",
        "ipc/ --tpt-proto uds",
        "core",
      ]
    ) {
      const result = await suite.tractest(["run", ...typed.split(" ")]);
      assertEquals(result.code, 0, `${typed}\n${result.stdout}\n${result.stderr}`);
    }
  },
});

Deno.test({
  name: "a known flaky failure is marked with its reason, but still shown, and fails the run",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const { code, stdout } = await suite.tractest(["run", "test_cancellation"], {
      SAMPLE_FLAKY: "1",
    });
    assertEquals(code, 1);
    assertIncludes(stdout, "::test_cancel_via_SIGINT_other_task [known flaky]: ");
    assertIncludes(stdout, "known to be flaky: signal handling race");
    assertIncludes(stdout, "1 failed, ");
  },
});

Deno.test({
  name: "a failure related to a changed module names it with the reason; the index stays " +
    "unchanged",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const git = async (...args: string[]) => {
      const { success } = await new Deno.Command("git", {
        args: ["-c", "user.name=t", "-c", "user.email=t@t", ...args],
        cwd: suite.root,
        stdout: "null",
      })
        .output();
      assert(success, `git ${args.join(" ")}`);
    };
    await git("init", "-q", "-b", "main");
    await git("add", ".");
    await git("commit", "-qm", "begin");
    const module = join(suite.root, "sample_actors/runtime/_rpc.py");
    await Deno.writeTextFile(
      module,
      (await Deno.readTextFile(module)).replace(/^(async )?def (\w+)\(/m, "$1def $2_renamed("),
    );
    const index = await Deno.readFile(join(suite.root, ".git/index"));
    const { stdout, stderr } = await suite.tractest(
      ["run", "--json", "--no-preflight", "test_rpc"],
      { GIT_INDEX_FILE: "/nowhere" },
    );
    const [failure] = JSON.parse(stdout).failures;
    assertEquals(failure?.related?.file, "sample_actors/runtime/_rpc.py", stderr);
    assert(failure.related.because.length > 0);
    assertEquals(await Deno.readFile(join(suite.root, ".git/index")), index);
  },
});

Deno.test({
  name: "actors left behind are shown, fail the run under --strict, are named by the next " +
    "run, and end with --clean",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    // One network for all runs: the next run must find what is left in it.
    const script = `"$0" run --no-preflight test_leak; echo "first $?"
      "$0" run test_local; echo "second $?"
      "$0" run --clean test_local; echo "third $?"
      "$0" run --strict test_leak; echo "fourth $?"
      "$0" zombies --kill; echo "fifth $?"`;
    const running = suite.start(["run"], { SAMPLE_LEAK: "2" }, ["sh", "-c", script]);
    const { stdout, stderr } = await running.ended;
    const codes = [...stdout.matchAll(/^(first|second|third|fourth|fifth) (\d+)$/gm)].map((match) =>
      `${match[1]} ${match[2]}`
    );
    assertEquals(
      codes,
      ["first 0", "second 0", "third 0", "fourth 84", "fifth 0"],
      stdout + stderr,
    );
    assertEquals(stderr.split("leaked actor: pid ").length - 1, 6, stderr);
    assertIncludes(stderr, "tractest zombies --kill");
  },
});

Deno.test({
  name: "a registrar left behind is shown, and fails the run under --strict",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const script = `"$0" run --no-preflight --strict test_leak; echo "first $?"
      pid=$(ss -tlnpH 'sport = :1616' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p')
      "$0" zombies --kill --pid "$pid"; echo "second $?"
      "$0" zombies; echo "third $?"`;
    const running = suite.start(["run"], { SAMPLE_LEAK_REGISTRY: "1" }, ["sh", "-c", script]);
    const { stdout, stderr } = await running.ended;
    const codes = [...stdout.matchAll(/^(first|second|third) (\d+)$/gm)].map((match) =>
      `${match[1]} ${match[2]}`
    );
    assertEquals(codes, ["first 84", "second 0", "third 0"], stdout + stderr);
    assertIncludes(stderr, "the registry 127.0.0.1:1616 is still held by pid ");
    assertIncludes(stderr, "tractest zombies");
  },
});

const HANGS = {
  sleep: "no-verdict",
  sigint: "child-ignores-sigint",
  deadlock: "no-verdict",
  pipe: "blocked-write",
  busy: "no-verdict",
};

for (const [hang, verdict] of Object.entries(HANGS)) {
  Deno.test({
    name: `the time limit ends a hanging sample (${hang}) with all its actors, after the cause ` +
      `is shown (${verdict})`,
    ignore,
    fn: async () => {
      await using suite = await sampleSuite();
      const { code, stderr, stdout } = await suite.tractest([
        "run",
        "--json",
        "--no-preflight",
        "--timeout",
        "8",
        "test_hang",
      ], {
        SAMPLE_HANG: hang,
      });
      assertEquals(code, 124, stderr);
      assertIncludes(stderr, "tests/test_hang.py::test_waits_forever");
      const document = JSON.parse(stdout);
      assertEquals(document.leaks.clean, true, stdout);
      assertEquals([document.hang.verdict, document.hang.test], [
        verdict,
        "tests/test_hang.py::test_waits_forever",
      ], stdout);
      assertIncludes(stderr, verdict === "no-verdict" ? "cause not determined" : `${verdict}: `);
    },
  });
}

Deno.test({
  name: "fault 56: a registry held by a live pytest of this repo is no leak: the run names " +
    "it, touches nothing, and can --wait",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const script = `pytest="py310/bin/python -m pytest"
      SAMPLE_SLOW=8 $pytest -q tests/test_cancellation.py -k slow_worker > live.log 2>&1 & live=$!
      until ss -tlnH | grep -q :1616; do sleep 0.1; done
      "$0" run --yes test_local; echo "first $?"
      "$0" run --wait test_local; echo "second $?"
      wait $live; echo "live $?"`;
    const running = suite.start(["run"], {}, ["sh", "-c", script]);
    const { stdout, stderr } = await running.ended;
    const codes = [...stdout.matchAll(/^(first|second|live) (\d+)$/gm)].map((match) =>
      `${match[1]} ${match[2]}`
    );
    assertEquals(codes, ["first 80", "second 0", "live 0"], stdout + stderr);
    assertIncludes(stderr, "is held by a live run of this project: pid ");
    assertIncludes(stderr, "tractest run --wait");
    assertIncludes(stderr, "waiting until pid ");
  },
});

Deno.test({
  name: "--preflight-only checks and starts no pytest",
  ignore,
  fn: async () => {
    await using suite = await sampleSuite();
    const { code, stdout, stderr } = await suite.tractest(["run", "--preflight-only", "--json"]);
    const document = JSON.parse(stdout);
    assertEquals(
      [code, document.exitCode, document.command, document.counts],
      [0, 0, null, null],
      stderr,
    );
    assertEquals(
      document.preflight.find((check: { id: string }) => check.id === "collection")?.status,
      "ok",
    );
  },
});
