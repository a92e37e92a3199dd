import { assertEquals } from "../assert.ts";
import { scratchState, TRACTEST } from "./tractest.ts";

/** Runs a command line at a terminal of 40 rows, and types keys; whether each text came. */
async function atTerminal(
  command: string,
  ready: string,
  keys: readonly (readonly [string, string])[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const driver = new URL("type_at_pty.py", import.meta.url).pathname;
  const child = new Deno.Command("python3", {
    args: [driver, ready, "sh", "-c", `trap : INT TSTP; ${command}; echo ENDED $?`],
    clearEnv: true,
    env: { ...scratchState(), PATH: Deno.env.get("PATH")!, TERM: "xterm", ...env },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  // Keys are typed again: less ignores those that come before its input has ended.
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(keys.map((k) => `${JSON.stringify([...k, "again"])}\n`).join("")),
  );
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout).trim().split("\n").filter((line) => line !== "");
}

const HELP = `'${TRACTEST}' help run`;
const AT_ONCE = "ENDED 0";

Deno.test(
  "a page that is longer than the terminal is shown in less, " +
    "through Ctrl-C and Ctrl-Z",
  async () => {
    const keys = [["G", "(END)"], ["\x03", "\r"], ["\x1ag", "Usage:"], ["q", AT_ONCE]] as const;
    assertEquals(await atTerminal(HELP, "Usage:", keys), ["ok", "ok", "ok", "ok"]);
  },
);

Deno.test("less starts nothing: neither commands of its own nor LESSOPEN", async () => {
  const env = { LESSOPEN: "|touch opened", LESS: "+!touch\\ opened" };
  const place = Deno.makeTempDirSync({ prefix: "tractest-pager-" });
  try {
    const command = `cd '${place}' && ${HELP}`;
    const keys = [["!", "not available"], ["\rq", AT_ONCE]] as const;
    assertEquals(await atTerminal(command, "Usage:", keys, env), ["ok", "ok"]);
    assertEquals([...Deno.readDirSync(place)], []);
  } finally {
    Deno.removeSync(place, { recursive: true });
  }
});

Deno.test("a short page, --no-pager, PAGER=cat and a pipe need no key", async () => {
  assertEquals(await atTerminal(`'${TRACTEST}' help exit-codes`, AT_ONCE, []), []);
  assertEquals(await atTerminal(`${HELP} --no-pager`, AT_ONCE, []), []);
  assertEquals(await atTerminal(HELP, AT_ONCE, [], { PAGER: "cat" }), []);
  assertEquals(await atTerminal(`${HELP} | cat`, AT_ONCE, []), []);
});
