import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { Browser } from "./browser.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];

const TESTS = `
import os, subprocess, sys, time, pytest
@pytest.mark.parametrize("text", ["</script><b>", "x" * 200, "\\u202eabc"])
def test_named(text): pass
def test_fails():
    print("said before")
    assert "</pre><script>alert(1)</script>" == "w" * 300
def test_hangs(): time.sleep(600)
def test_leaves():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"])
    child.returncode = 0
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
`;

async function suiteWithRuns(): Promise<Suite> {
  const suite = await pytestSuite({ "test_a.py": TESTS });
  await suite.tractest([...RUN, "-k", "named or fails"]);
  const { code } = await suite.tractest([...RUN, "--test-timeout", "1", "--retries", "1"]);
  assertEquals(code, 1);
  return suite;
}

Deno.test("report writes a page of the newest run, and overwrites only such pages", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const none = await suite.tractest(["report"]);
  assertEquals([none.code, none.stdout], [64, ""]);
  assertIncludes(none.stderr, "No run of this project is on record");
  await suite.tractest(RUN);
  const path = join(suite.root, "tractest-report.html");
  const { code, stdout, stderr } = await suite.tractest(["report"]);
  assertEquals(code, 0, stderr);
  assertIncludes(stdout, "wrote tractest-report.html: the report of run ");
  assertIncludes(stderr, `hint: open it: file://${path}\n`);
  assertIncludes(await Deno.readTextFile(path), "<h1>Passed</h1>");
  assertEquals((await suite.tractest(["report"])).code, 0);
  const [, runId] = /of run (\S+)/.exec(stdout)!;
  const shown = await suite.tractest(["report", runId!.slice(0, -2), "--output", "-"]);
  assertIncludes(shown.stdout, "<h1>Passed</h1>");
  // A page takes no program, so whether an unfinished run still lives is not known.
  const record = join(suite.path, "state/tractest/runs", runId!, "run.json");
  const ended = JSON.parse(await Deno.readTextFile(record));
  await Deno.writeTextFile(record, JSON.stringify({ ...ended, end: null }));
  const unknown = await suite.tractest(["report", "nothing"]);
  assertEquals(unknown.code, 64);
  assertIncludes(unknown.stderr, `There is no run "nothing"\nhint: the latest runs:\n  ${runId}  `);
  // Events that another machine wrote make a page too.
  assertEquals((await suite.tractest([...RUN, "--events", "other.jsonl"])).code, 0);
  const other = ["report", "other.jsonl", "--compare", runId!, "--output", "-"];
  assertIncludes((await suite.tractest(other)).stdout, "): no difference.");
  // The run before that had the same command comes first.
  await suite.tractest([...RUN, "-k", "nothing"]);
  await suite.tractest(RUN);
  const before = await suite.tractest(["report", "--compare", "last"]);
  assertIncludes(before.stdout, ": no difference\n");
  const missing = await suite.tractest(["report", "gone.jsonl"]);
  assertEquals([missing.code, missing.stderr.includes('"gone.jsonl" does not exist')], [64, true]);
  const alone = await suite.tractest(["report", runId!, "--compare", "last"]);
  assertEquals(alone.code, 64);
  assertIncludes(alone.stderr, "No earlier run of this project");
  assertEquals((await suite.tractest(["report", "--link", "javascript:{path}"])).code, 64);

  await Deno.writeTextFile(path, "mine");
  const refused = await suite.tractest(["report"]);
  assertEquals([refused.code, await Deno.readTextFile(path)], [64, "mine"]);
  assertIncludes(refused.stderr, "--force");
  assertEquals((await suite.tractest(["report", "--force"])).code, 0);
  assertIncludes(await Deno.readTextFile(path), "<h1>Passed</h1>");
});

const CHROMIUM = await (async () => {
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", "command -v chromium || command -v chromium-browser"],
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : null;
})();

const NEEDS_CHROMIUM = CHROMIUM === null ? " (needs chromium)" : "";

Deno.test({
  name: `the page fits phones and desktops, light and dark, and loads nothing${NEEDS_CHROMIUM}`,
  ignore: CHROMIUM === null,
  fn: async () => {
    await using suite = await suiteWithRuns();
    const { stdout } = await suite.tractest(["report", "--compare", "last"]);
    assertIncludes(stdout, ": 1 newly failing, 3 new, 1 failing in both\n");
    const url = `file://${join(suite.root, "tractest-report.html")}`;
    await using browser = await Browser.start(CHROMIUM!);
    const screenshots = new Set<string>();
    for (const width of [390, 1280]) {
      for (const scheme of ["light", "dark"]) {
        await browser.send("Emulation.setDeviceMetricsOverride", {
          width,
          height: 900,
          deviceScaleFactor: 1,
          mobile: width < 500,
        });
        await browser.send("Emulation.setEmulatedMedia", {
          features: [{ name: "prefers-color-scheme", value: scheme }],
        });
        await browser.send("Page.navigate", { url });
        while (
          await browser.evaluate("document.readyState + location.protocol") !== "completefile:"
        ) {
          await new Promise((done) => setTimeout(done, 20));
        }
        // The line that failed first is there without scrolling.
        assertEquals(
          await browser.evaluate(`(() => {
            const { top, bottom } = document.querySelector(".failing").getBoundingClientRect();
            return top > 0 && bottom < innerHeight;
          })()`),
          true,
        );
        await browser.evaluate(
          "document.querySelectorAll('details').forEach((one) => one.open = true)",
        );
        const [wide, inner] = await browser.evaluate<number[]>(
          "[document.documentElement.scrollWidth, innerWidth]",
        );
        assert(wide! <= inner! && inner === width, `${wide} of ${inner} at ${width}`);
        const { data } = await browser.send("Page.captureScreenshot", { format: "png" });
        screenshots.add(data as string);
        // A page of one colour is a few kilobytes.
        assert(
          (data as string).length > 30_000,
          `${(data as string).length} at ${width}, ${scheme}`,
        );
        // Every text is readable on its background.
        assertEquals(await browser.evaluate(CONTRAST), [], `${scheme}, ${width}`);
      }
    }
    assertEquals(screenshots.size, 4);
    const ids = "[...document.querySelectorAll('section')].map((one) => one.id).join(' ')";
    assertEquals(
      await browser.evaluate(ids),
      "failures compared hangs flaky leaks tests timeline slowest durations trends flakiest " +
        "environment",
    );
    assertEquals(await browser.evaluate("document.querySelector('h1').textContent"), "2 failed");
    assertEquals(await browser.evaluate("document.querySelectorAll('script').length"), 1);
    assertIncludes(
      await browser.evaluate("document.querySelector('#compared').textContent"),
      "Its command was ",
    );
    await useList(browser);
    const asked = browser.events.filter(({ method }) => method === "Network.requestWillBeSent").map(
      ({ params }) => (params.request as { url: string }).url,
    );
    assertEquals([...new Set(asked)], [url]);
    assertEquals(
      browser.events.filter(({ method }) =>
        ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"].includes(method)
      ),
      [],
    );
  },
});

/** Searches, filters, sorts and copies, with the keyboard where a reader would. */
async function useList(browser: Browser): Promise<void> {
  const type = (key: string) =>
    browser.send("Input.dispatchKeyEvent", { type: "keyDown", key, text: key });
  const press = (key: string) => browser.send("Input.dispatchKeyEvent", { type: "keyDown", key });
  const shown = () =>
    browser.evaluate<string>(
      "[...document.querySelectorAll('.rows li')].filter((one) => one.checkVisibility())" +
        ".map((one) => one.className + ' ' + one.querySelector('code').textContent).join()",
    );
  await type("/");
  assertEquals(await browser.evaluate("document.activeElement.type"), "search");
  for (const letter of "</SCRIPT><B") await type(letter);
  assertEquals(await shown(), "passed test_named[</script><b>]");
  assertEquals(await browser.evaluate("location.hash"), "#?q=%3C%2FSCRIPT%3E%3CB");
  // A test shows the command that runs it; its button copies that.
  await press("ArrowDown");
  await press("Enter");
  const command = "tractest run 'tests/test_a.py::test_named[</script><b>]'";
  assertEquals(
    await browser.evaluate("document.querySelector('.rows .command code').textContent"),
    command,
  );
  await browser.send("Browser.grantPermissions", {
    permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"],
  });
  await browser.evaluate("document.querySelector('.rows .copy').click()");
  assertEquals(await browser.evaluate("navigator.clipboard.readText()"), command);
  await browser.evaluate("document.querySelector('[data-all]').click()");
  const copied = await browser.evaluate<string>("navigator.clipboard.readText()");
  assert(/^tests\/test_a.py::test_fails\nat tests\/test_a.py:7\n\n/.test(copied), copied);
  assertIncludes(copied, '\n>       assert "</pre><script>alert(1)</script>" == "w" * 300\nE  ');
  assertIncludes(
    copied,
    "\nsaid before\n\nRun it again: tractest run tests/test_a.py::test_fails\n",
  );
  await press("ArrowUp");
  await press("Escape");
  await browser.evaluate("document.querySelector('.tiles [data-tag=failed]').click()");
  assertEquals(await shown(), "failed test_fails,timeout test_hangs");
  await browser.evaluate(`(() => {
    const order = document.querySelector("#tests select");
    order.value = "slow";
    order.dispatchEvent(new Event("change"));
  })()`);
  assertEquals(
    await shown(),
    "timeout tests/test_a.py::test_hangs,failed tests/test_a.py::test_fails",
  );
}

/** Texts whose contrast, as they are drawn now, is below what WCAG AA asks for. */
const CONTRAST = `(() => {
  // A run has only some of the outcomes.
  const kinds = "passed failed error collection timeout crash skipped flaky leak".split(" ");
  for (const kind of kinds) {
    const badge = '<span class="badge ' + kind + '">' + kind + "</span>";
    document.querySelector("section").insertAdjacentHTML("beforeend", badge);
  }
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((value) => linear(value / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.a === 1) return colour;
    }
  };
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const texts = [...node.childNodes].filter((child) => child.nodeType === 3);
    if (!texts.some((child) => child.textContent.trim()) || node.closest("svg")) continue;
    const colours = [parse(getComputedStyle(node).color), behind(node)];
    const [a, b] = colours.map(light).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const text = node.textContent.slice(0, 20);
    if (ratio < 4.5) bad.push(node.className + " " + text + " " + ratio.toFixed(2));
  }
  return [...new Set(bad)];
})()`;
