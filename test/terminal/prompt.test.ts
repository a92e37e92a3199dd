import { Confirm, Select } from "@cliffy/prompt";
import { canAsk, CannotAskError, confirm, select } from "../../lib/terminal/prompt.ts";
import { Printer } from "../../lib/terminal/printer.ts";
import { assertEquals, assertIncludes, assertRejects } from "../assert.ts";
import { fakeHost, Recorder } from "../fake_host.ts";

const CHOICES = [{ value: "sync", name: "Create/sync venv" }, {
  value: "self",
  name: "I'll activate it myself",
}] as const;

function scene({ stdin = true, stdout = true, stderr = true, json = false, term = "xterm" } = {}) {
  const host = fakeHost({
    stdinIsTerminal: stdin,
    stdout: new Recorder(stdout),
    stderr: new Recorder(stderr),
    env: (name: string) => name === "TERM" ? term : undefined,
  });
  return { host, printer: new Printer(host, { json, verbose: false, color: "never" }) };
}

Deno.test("questions are asked only if all streams are a terminal, and not with --json", () => {
  const asks = (options: Parameters<typeof scene>[0]) => {
    const { host, printer } = scene(options);
    return canAsk(host, printer);
  };
  assertEquals(asks({}), true);
  for (
    const options of [{ stdin: false }, { stdout: false }, { stderr: false }, { json: true }, {
      term: "dumb",
    }]
  ) {
    assertEquals(asks(options), false, JSON.stringify(options));
  }
});

Deno.test("without a terminal a question throws a CannotAskError", async () => {
  const { host, printer } = scene({ stdin: false });
  assertIncludes(
    (await assertRejects(() => confirm(host, printer, "Go on?"), CannotAskError)).message,
    "Go on?",
  );
  await assertRejects(() => select(host, printer, "Which?", CHOICES), CannotAskError);
});

Deno.test("--yes answers yes without a terminal", async () => {
  const { host, printer } = scene({ stdin: false });
  assertEquals(await confirm(host, printer, "Go on?", { yes: true }), true);
});

Deno.test("the answers are those of the prompt library", async () => {
  const { host, printer } = scene();
  Confirm.inject("y");
  assertEquals(await confirm(host, printer, "Go on?"), true);
  Confirm.inject("n");
  assertEquals(await confirm(host, printer, "Go on?", { otherwise: true }), false);
  Select.inject("self");
  assertEquals(await select(host, printer, "Which?", CHOICES), "self");
});
