import { allVerbs, COMMAND_NAMES, main } from "../lib/cli.ts";
import { assert, assertEquals, assertIncludes } from "./assert.ts";
import { fakeHost, Recorder } from "./fake_host.ts";

async function typed(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new Recorder();
  const stderr = new Recorder();
  const code = await main(
    words,
    fakeHost({ stdout, stderr, build: () => ({ kind: "source" as const, runtime: "deno 2" }) }),
  );
  return { code, out: stdout.text, err: stderr.text };
}

Deno.test("main() names the nearest command for an unknown one and exits 64", async () => {
  assertEquals(await typed("zombie"), {
    code: 64,
    out: "",
    err: 'error: Unknown command "zombie"\nhint: did you mean "zombies"?\n',
  });
});

Deno.test("main() names the nearest option for an unknown one and exits 64", async () => {
  const { code, err } = await typed("version", "--jsn");
  assertEquals(code, 64);
  assertIncludes(err, 'hint: did you mean "--json"?');
});

Deno.test("main() accepts common options before the command too", async () => {
  const { code, out } = await typed("-v", "--color", "never", "--color=never", "version");
  assertEquals([code, /^tractest /.test(out)], [0, true]);
  assertEquals(
    (await typed("--colour", "never")).err.split("\n")[0],
    'error: Unknown command "--colour"',
  );
  assertIncludes((await typed("--kill", "zombies")).err, 'Unknown command "--kill"');
});

Deno.test("main() refuses an argument that the command does not use", async () => {
  for (
    const name of [
      "doctor",
      "zombies",
      "failed",
      "affected",
      "check",
      "flaky",
      "init",
      "config",
      "agent-guide",
      "layout",
      "version",
      "permissions",
    ]
  ) {
    const { code, err } = await typed(name, "tests/");
    assertEquals([code, err], [
      64,
      `error: "${name}" takes no "tests/"\nhint: tractest ${name} --help lists the options\n`,
    ]);
  }
});

Deno.test("main() reports an error as a JSON document when --json is given", async () => {
  const { code, out } = await typed("version", "--json", "--nope");
  assertEquals(code, 64);
  const document = JSON.parse(out);
  assertEquals(Object.keys(document), ["schema", "error"]);
  assertEquals(document.error.code, "usage");
});

Deno.test("main() escapes what the user typed", async () => {
  assertIncludes((await typed("\x1b[31mx")).err, "\\e[31mx");
});

Deno.test("main() turns a bug into one line and code 70, never a stack trace", async () => {
  const stderr = new Recorder();
  const host = fakeHost({
    stderr,
    build: () => {
      throw new TypeError("broken\n    at somewhere");
    },
  });
  assertEquals(await main(["version"], host), 70);
  assertEquals(stderr.text.trim().split("\n").length, 2);
  assertIncludes(stderr.text, "error: TypeError: broken\\n");
});

Deno.test("main() lists every command, and every command has a help page", async () => {
  const overview = await typed("help");
  const verbs = await allVerbs();
  assertEquals(verbs.map(({ name }) => name), [...COMMAND_NAMES]);
  for (const row of verbs) {
    assertIncludes(overview.out, `  ${row.name} `);
    const page = await typed("help", row.name);
    assertEquals(page.code, 0);
    assertIncludes(page.out.replaceAll("\n", " "), `Usage: ${row.usage}`);
    assertEquals(
      (await typed(row.name, "--help")).out,
      row.name === "help" ? overview.out : page.out,
    );
  }
});

Deno.test("main() prints the version in one line, and as JSON", async () => {
  assert(/^tractest \d+\.\d+\.\d+ \(source, deno 2\)\n$/.test((await typed("version")).out));
  assertEquals(JSON.parse((await typed("version", "--json")).out).schema, "tractest.version/1");
});
