import { RealHost } from "../../lib/host/real_host.ts";
import type { Interpreter } from "../../lib/core/preflight.ts";
import { collectArguments, collectedCount, importArguments, minorOf, parseImportFacts, runPython } from "../../lib/programs/python.ts";
import { syncArguments, uvVersion } from "../../lib/programs/uv.ts";
import { assert, assertEquals } from "../assert.ts";

const python: Interpreter = { argv: ["/usr/bin/env", "python3"], environment: {}, venv: null, minor: null };
const inherited = new Map([["PATH", Deno.env.get("PATH") ?? ""]]);

async function importing(packages: readonly string[], files: Readonly<Record<string, string>>) {
  const scratch = await Deno.realPath(await Deno.makeTempDir());
  const directory = `${scratch}/two línes\nand a quote'`;
  try {
    await Deno.mkdir(directory);
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, text);
    const options = { cwd: directory, why: "test", inherited };
    const result = await runPython(new RealHost(), python, importArguments(packages), options);
    return { directory, facts: parseImportFacts(new TextDecoder().decode(result.stdout)), stderr: new TextDecoder().decode(result.stderr) };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

Deno.test("a Python says its version and where packages come from, whatever they print and whatever their path holds", async () => {
  const { directory, facts } = await importing(["first", "second"], { "first.py": "print('noise\\0')", "second.py": "import os; os.write(1, b'')" });
  assert(facts && /^3\.\d+\.\d+/.test(facts.version));
  assertEquals(facts.files, [`${directory}/first.py`, `${directory}/second.py`]);
});

Deno.test("a failed import leaves the facts that came before it, and the traceback", async () => {
  const { directory, facts, stderr } = await importing(["first", "second"], { "first.py": "", "second.py": "1/0" });
  assertEquals(facts?.files, [`${directory}/first.py`]);
  assert(stderr.includes("ZeroDivisionError"), stderr);
});

Deno.test("a namespace package has no file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/spread`);
    const result = await runPython(new RealHost(), python, importArguments(["spread"]), { cwd: directory, why: "test", inherited });
    assertEquals(parseImportFacts(new TextDecoder().decode(result.stdout))?.files, [""]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a Python that does not exist is no facts", async () => {
  const result = await runPython(new RealHost(), { ...python, argv: ["/nowhere/python"] }, ["-V"], { cwd: "/", why: "test", inherited });
  assertEquals([result.outcome, result.code], ["exited", 127]);
  assertEquals(parseImportFacts(new TextDecoder().decode(result.stdout)), null);
});

Deno.test("the number of collected tests is read however talkative pytest is", () => {
  for (
    const [text, count] of [
      ["tests/a.py::b\n\n471 tests collected in 1.73s\n", 471],
      ["1 test collected in 0.01s", 1],
      ["50/55 tests collected (5 deselected) in 0.10s", 50],
      ["======= 7 tests collected in 1s =======", 7],
      ["collected 12 items\n<Module x>", 12],
      ["no tests collected in 0.01s", null],
      ["", null],
    ] as const
  ) assertEquals(collectedCount(text), count, text);
});

Deno.test("collecting leaves the record of failed tests alone", () => {
  assertEquals(collectArguments(["tests/"], "/c"), ["-m", "pytest", "tests/", "-x", "-q", "--co", "--color=no", "-o", "cache_dir=/c"]);
  assertEquals(collectArguments(["."], null).includes("-o"), false);
});

Deno.test("versions become the names of venvs", () => {
  assertEquals([minorOf("3.13.0"), minorOf("3.9.18+"), minorOf("PyPy")], ["313", "39", null]);
  assertEquals([uvVersion("uv 0.13.9 (x86_64-unknown-linux-gnu)"), uvVersion("uvicorn 1")], ["0.13.9", null]);
});

Deno.test("an existing venv is synced without removing anything, and a lock file is never rewritten", () => {
  assertEquals(syncArguments({ venvExists: true, locked: true, python: null }), ["sync", "--inexact", "--frozen"]);
  assertEquals(syncArguments({ venvExists: false, locked: true, python: "3.13" }), ["sync", "--frozen", "--python", "3.13"]);
  assertEquals(syncArguments({ venvExists: false, locked: false, python: null }), ["sync"]);
});
