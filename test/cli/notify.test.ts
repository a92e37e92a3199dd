import { join } from "@std/path";
import { escapeMarkup } from "../../lib/system/programs/notify_send.ts";
import { canMount } from "../build/built.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

const RUN = ["run", "--no-preflight"];
const MOUNTS = await canMount();
const NEEDS_ROOT = MOUNTS ? "" : " (needs root)";
const TESTS = { "test_a.py": "def test_a(): pass\ndef test_b(): assert 1 == 2\n" };

Deno.test("--notify-command runs at the end and changes neither exit code nor output", async () => {
  await using suite = await pytestSuite(TESTS);
  const command =
    'echo "$TRACTEST_RUN_ID|$TRACTEST_EXIT_CODE|$TRACTEST_SUMMARY|$PWD" >"$SUITE/notice"; exit 3';
  const { code, stdout, stderr } = await suite.tractest([...RUN, "--notify-command", command]);
  assertEquals(code, 1);
  const notice = await Deno.readTextFile(join(suite.path, "notice"));
  assert(/^\d{8}-\d{6}-\w{4}\|1\|1 failed, 1 passed in \d+ s\|/.test(notice), notice);
  assert(notice.endsWith(`|${suite.root}\n`), notice);
  assertIncludes(stderr, "failed with exit code 3");
  assert(stdout.trimEnd().split("\n").at(-1)!.startsWith("1 failed, 1 passed in "), stdout);
});

Deno.test("a background run announces its end, even if no test started", async () => {
  await using suite = await pytestSuite(TESTS);
  for (
    const [words, summary] of [[[], "1 failed, 1 passed in "], [
      ["--python", "/nonexistent"],
      '--python: there is no Python at "/nonexistent" in ',
    ]] as const
  ) {
    const begun = await suite.tractest([
      ...RUN,
      "--bg",
      ...words,
      "--notify-command",
      'echo "$TRACTEST_SUMMARY" >"$SUITE/notice"; echo more',
    ]);
    assertEquals(begun.code, 0, begun.stderr);
    // Its last output comes after the announcement.
    await suite.tractest(["logs", "-f"]);
    assertIncludes(await Deno.readTextFile(join(suite.path, "notice")), summary);
  }
});

Deno.test("--notify warns of a missing desktop when a background run starts", async () => {
  await using suite = await pytestSuite(TESTS);
  const { code, stderr } = await suite.tractest([...RUN, "--bg", "--notify"]);
  assertEquals(code, 0);
  assertIncludes(stderr, "warning: --notify has no desktop here");
  assertIncludes(stderr, "--notify-command 'COMMAND'");
  assertEquals((await suite.tractest(["wait"])).code, 1);
});

Deno.test({
  name: `--notify uses the notify-send of a standard directory only${NEEDS_ROOT}`,
  ignore: !MOUNTS,
  fn: async () => {
    await using suite = await pytestSuite(TESTS);
    const script = `#!/bin/sh
[ "$1" = --version ] || printf "%s\\n" "$DBUS_SESSION_BUS_ADDRESS" "$@" >>"$HOME/notified"
`;
    for (const place of ["standard", "repo/py310-bin"]) {
      await Deno.mkdir(join(suite.path, place), { recursive: true });
      await Deno.writeTextFile(
        join(suite.path, place, "notify-send"),
        place === "standard" ? script : '#!/bin/sh\ntouch "$HOME/hostile"\n',
      );
      await Deno.chmod(join(suite.path, place, "notify-send"), 0o755);
    }
    await Deno.mkdir(join(suite.root, "tests/a <b> & c"));
    await Deno.writeTextFile(join(suite.root, "tests/a <b> & c/test_c.py"), "def test_c(): pass\n");
    const env = {
      HOME: suite.path,
      DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere",
      PATH: `${suite.root}/py310-bin:/usr/bin:/bin`,
    };
    const mount = [
      "unshare",
      "-m",
      "sh",
      "-c",
      'mount --bind "$HOME/standard" /usr/local/bin && exec "$@"',
      "sh",
    ];
    const { code, stderr } = await suite.start([...RUN, "tests/a <b> & c", "--notify"], env, mount)
      .ended;
    assertEquals(code, 0, stderr);
    const [bus, name, dashes, title, body] = (await Deno.readTextFile(join(suite.path, "notified")))
      .split("\n");
    assertEquals([bus, name, dashes], ["unix:path=/nowhere", "--app-name=tractest", "--"]);
    assert(/^tractest: 1 passed in \d+ s$/.test(title!), title);
    assertEquals(
      body,
      `tractest run --no-preflight --notify 'tests/a &lt;b&gt; &amp; c' in ${suite.root}`,
    );
    assertEquals(
      [...Deno.readDirSync(suite.path)].some((entry) => entry.name === "hostile"),
      false,
    );
  },
});

Deno.test("--notify rings the bell of the terminal at the end", async () => {
  await using suite = await pytestSuite(TESTS);
  const { stdout } = await (await suite.atTerminal([...RUN, "--notify"])).ended;
  assert(stdout.includes("\x07"), JSON.stringify(stdout.slice(-200)));
  assert(!(await (await suite.atTerminal(RUN)).ended).stdout.includes("\x07"));
});

Deno.test("the markup of a notification is escaped", () => {
  assertEquals(escapeMarkup("<b> & </b>"), "&lt;b&gt; &amp; &lt;/b&gt;");
});
