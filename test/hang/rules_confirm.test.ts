import {
  confirmLimit,
  confirmWords,
  decideConfirmation,
  type Rerun,
} from "../../lib/hang/rules_confirm.ts";
import { assertEquals } from "../assert.ts";

const hung = {
  id: "tests/a.py::t",
  seconds: 60,
  command: ["python", "-m", "pytest", "--ll", "debug", "--tpt-proto=uds", "-x", "--ll=info"],
};

Deno.test("a rerun has -s, a time limit, and the options that change how a test runs", () => {
  const kept = ["--ll=debug", "--tpt-proto=uds", "--ll=info"];
  assertEquals(confirmWords(hung), ["-s", "--wait", "--timeout=30", ...kept, "tests/a.py::t"]);
  assertEquals([null, 3, 1000].map(confirmLimit), [10, 10, 120]);
});

Deno.test("only a rerun with -s that passes in half the time is a confirmation", () => {
  const run = (seconds: number, exitCode = 0, failed = 0): Rerun => ({
    exitCode,
    seconds,
    counts: { passed: 1 - failed, failed, errors: 0 },
  });
  assertEquals(decideConfirmation(hung, run(5)).confirmed, true);
  assertEquals(decideConfirmation(hung, run(31)).confirmed, false);
  assertEquals(decideConfirmation(hung, run(5, 1, 1)).confirmed, false);
  assertEquals(decideConfirmation(hung, run(30, 124)).confirmed, false);
  assertEquals(decideConfirmation(hung, null).confirmed, null);
  assertEquals(decideConfirmation({ ...hung, seconds: null }, run(5)).confirmed, null);
});
