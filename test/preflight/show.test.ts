import { showCheck } from "../../lib/preflight/show.ts";
import { Printer } from "../../lib/terminal/printer.ts";
import { Progress } from "../../lib/terminal/progress.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { fakeHost, Recorder } from "../fake_host.ts";

const lines = (check: Parameters<typeof showCheck>[0], silent = false) => {
  const stdout = new Recorder();
  const printer = new Printer(fakeHost({ stdout }), {
    json: false,
    verbose: false,
    color: "never",
  });
  showCheck(check, printer, { shown: "stdout", width: 6, silent });
  return stdout.text.trimEnd().split("\n");
};

Deno.test("a check is a row with its evidence and its fix below", () => {
  assertEquals(
    lines({ id: "venv", status: "fail", detail: "no venv\nat all", fix: "uv sync\nor --python" }),
    [
      "fail     venv    no venv",
      "                 at all",
      "                 fix: uv sync",
      "                 fix: or --python",
    ],
  );
});

Deno.test("a silent row has no detail if nothing is wrong", () => {
  assertEquals(lines({ id: "venv", status: "ok", detail: "py313", fix: null }, true), [
    "ok       venv",
  ]);
  assertEquals(lines({ id: "venv", status: "ok", detail: "py313", fix: null }), [
    "ok       venv    py313",
  ]);
  assertEquals(lines({ id: "venv", status: "unknown", detail: "?", fix: null }, true), [
    "unknown  venv    ?",
  ]);
});

Deno.test("fault 33: foreign text is shown escaped", () => {
  const text = lines({
    id: "venv",
    status: "fail",
    detail: "a\x1b[31m\u009b\u202e",
    fix: "rm \x07",
  })
    .join("\n");
  for (const unsafe of ["\x07", "\x1b", "\u009b", "\u202e"]) {
    assert(!text.includes(unsafe), JSON.stringify(text));
  }
});

/** Resolves at the next call of `monotonic` after `ms` were said to have passed. */
function clock(isTerminal: boolean, term = "xterm") {
  const stderr = new Recorder(isTerminal);
  let now = 0;
  const host = fakeHost({
    stderr,
    monotonic: () => now,
    env: (name: string) => name === "TERM" ? term : undefined,
  });
  const progress = new Progress(
    host,
    new Printer(host, { json: false, verbose: false, color: "never" }),
  );
  const written = async (part: string) => {
    while (!stderr.text.includes(part)) await new Promise((done) => setTimeout(done, 5));
  };
  return { stderr, progress, written, pass: (ms: number) => now += ms };
}

Deno.test("long work is shown on a terminal, with seconds, and erased again", async () => {
  const { stderr, progress, written, pass } = clock(true);
  const work = Promise.withResolvers<string>();
  const during = progress.during("collecting the tests", work.promise);
  pass(3_100);
  await written("collecting the tests … 3 s");
  progress.clear();
  assert(stderr.text.endsWith("\r\x1b[K"));
  work.resolve("done");
  assertEquals(await during, "done");
});

Deno.test("without a terminal long work is one plain line, and quick work none", async () => {
  const { stderr, progress, written, pass } = clock(false);
  assertEquals(await progress.during("importing", Promise.resolve(1)), 1);
  assertEquals(stderr.text, "");
  const work = Promise.withResolvers<void>();
  const both = Promise.all([
    progress.during("importing", work.promise),
    progress.during("collecting", work.promise),
  ]);
  pass(2_500);
  await written("importing, collecting …\n");
  work.resolve();
  await both;
  assertEquals(stderr.text, "importing, collecting …\n");
});

Deno.test("a failure of the work ends the progress and is rethrown", async () => {
  const { progress } = clock(true);
  const failed = await progress.during("x", Promise.reject(new Error("no"))).catch((error: Error) =>
    error.message
  );
  assertIncludes(failed as string, "no");
});
