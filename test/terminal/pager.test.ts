import { mayPage, withPager } from "../../lib/terminal/pager.ts";
import { Printer } from "../../lib/terminal/printer.ts";
import { ToolMissingError } from "../../lib/errors.ts";
import type { StartOptions } from "../../lib/system/host.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { fakeHost, Recorder } from "../fake_host.ts";

function terminal({ env = {}, isInstalled = true }: {
  readonly env?: Readonly<Record<string, string>>;
  readonly isInstalled?: boolean;
} = {}) {
  const shown: StartOptions[] = [];
  const written: string[] = [];
  const stdout = new Recorder(true);
  const stderr = new Recorder(true);
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    stream.write = (text) => void written.push(`${name}: ${String(text).trimEnd()}`);
  }
  const host = fakeHost({
    stdout,
    stderr,
    stdinIsTerminal: true,
    env: (name) => ({ TERM: "xterm", ...env } as Record<string, string>)[name],
    onSignal: () => () => {},
    start: (program, _args, options) => {
      if (!isInstalled) throw new ToolMissingError(program, "");
      shown.push(options);
      return { pid: 1, status: Promise.resolve({ code: 0, signal: null }), kill: () => true };
    },
  });
  return { host, shown, written };
}

function printing(lines: number) {
  return (printer: Printer) => () => {
    printer.note("note");
    for (let line = 0; line < lines; line++) printer.line(`line ${line}`);
    return 7;
  };
}

async function paged(lines: number, made: ReturnType<typeof terminal>): Promise<number> {
  const printer = new Printer(made.host, { json: false, verbose: false, color: "never" });
  return await withPager(made.host, printer, printing(lines)(printer));
}

Deno.test("a pager is for terminals, unless TRACTEST_PAGER or PAGER says cat", () => {
  const may = (env: Record<string, string>) => mayPage(terminal({ env }).host);
  assertEquals(may({}), true);
  assertEquals(may({ PAGER: "most -s" }), true);
  assertEquals(may({ PAGER: "cat" }), false);
  assertEquals(may({ PAGER: "" }), false);
  assertEquals(may({ PAGER: "cat", TRACTEST_PAGER: "less" }), true);
  assertEquals(may({ TRACTEST_PAGER: "cat" }), false);
  assertEquals(may({ TERM: "dumb" }), false);
  assertEquals(mayPage(fakeHost({ env: () => "xterm" })), false);
  assertEquals(
    mayPage({
      ...terminal().host,
      terminal: {
        ...terminal().host.terminal,
        stdout: new Recorder(true),
        stdinIsTerminal: false,
      },
    }),
    false,
  );
});

Deno.test("an output that fits on the terminal is printed, in its order", async () => {
  const made = terminal();
  assertEquals(await paged(3, made), 7);
  assertEquals(made.written, [
    "stderr: note",
    "stdout: line 0",
    "stdout: line 1",
    "stdout: line 2",
  ]);
  assertEquals(made.shown, []);
});

Deno.test("a longer one is shown in a less that can start nothing, its notes below", async () => {
  const made = terminal();
  assertEquals(await paged(24, made), 7);
  assertEquals(made.written, ["stderr: note"]);
  const [{ input, env }] = made.shown as [StartOptions];
  assertEquals(input!.split("\n").length, 25);
  assertEquals([env.LESSSECURE, env.TERM], ["1", "xterm"]);
});

Deno.test("without less, and before an error, all is printed", async () => {
  const missing = terminal({ isInstalled: false });
  assertEquals(await paged(24, missing), 7);
  assertEquals(missing.written.length, 25);
  const failing = terminal();
  const printer = new Printer(failing.host, { json: false, verbose: false, color: "never" });
  await assertRejects(() =>
    withPager(failing.host, printer, () => {
      printer.line("before");
      throw new RangeError("it failed");
    }), RangeError);
  assertEquals(failing.written, ["stdout: before"]);
});
