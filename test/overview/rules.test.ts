import { nextSteps, type Overview } from "../../lib/overview/rules.ts";
import { assertEquals } from "../assert.ts";

const CALM: Overview = {
  root: "/home/dev/app",
  name: "app",
  venv: { path: ".venv", minor: "3.12" },
  running: [],
  last: null,
  leaks: { processes: 0, sockets: 0, held: 0 },
};

/** The commands that come next, without the name of the program. */
function next(overview: Partial<Overview>): string[] {
  return nextSteps({ ...CALM, ...overview }).map(([command]) => command.replace("tractest ", ""));
}

Deno.test("the next command is the one for the most urgent fact", () => {
  const running = [{ runId: "1", state: "running" }];
  const failed = { runId: "1", state: "finished", exitCode: 1 };
  const died = { runId: "1", state: "died", exitCode: null };
  const passed = { ...failed, exitCode: 0 };
  assertEquals(next({}), ["run", "affected --run", "help"]);
  assertEquals(next({ last: passed }), ["run", "affected --run", "help"]);
  assertEquals(next({ last: failed }), ["failed", "run --lf", "run", "affected --run", "help"]);
  assertEquals(next({ last: died })[0], "failed");
  assertEquals(next({ running }), ["status", "logs -f", "help"]);
  assertEquals(next({ venv: null })[0], "doctor");
  assertEquals(next({ leaks: { processes: 2, sockets: 0, held: 1 } })[0], "zombies --kill");
  assertEquals(next({ leaks: { processes: 0, sockets: 0, held: 1 } })[0], "zombies");
  assertEquals(next({ leaks: null })[0], "run");
});

Deno.test("a registry that a run holds is no reason to look for its holder", () => {
  const running = [{ runId: "1", state: "running" }];
  const leaks = { processes: 0, sockets: 0, held: 1 };
  assertEquals(next({ running, leaks })[0], "status");
});
