import { hangRecipe, type RecipeScene } from "../../lib/hang/recipe.ts";
import type { HangVerdict } from "../../lib/pytest/hang_event.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const VERDICTS: readonly HangVerdict[] = [
  "stopped",
  "blocked-write",
  "waiting-for-registry",
  "exit-waits-for-child",
  "child-ignores-sigint",
  "child-not-reaped",
  "closed-wait",
  "waiting-for-connection",
  "waiting-for-answer",
  "terminal-wanted",
  "no-verdict",
];
const ASKED = [
  { stacks: false, confirm: false },
  { stacks: true, confirm: false },
  { stacks: false, confirm: true },
];
const known: RecipeScene = {
  profile: "tractor",
  captured: true,
  logLevel: null,
  tests: ["tests/a.py::t"],
  notes: [],
  root: 8,
  asked: ASKED[0]!,
  isEnding: false,
  hasStacks: false,
};
const blocked = { verdict: "blocked-write", isOutput: true, isPipeless: false, pids: [] } as const;

Deno.test("the steps against full capture pipes keep their order; absent notes are named", () => {
  const notes = [{ what: "a guard", place: "tests/conftest.py:3" }, {
    what: "a note",
    place: null,
  }];
  const steps = hangRecipe(blocked, { ...known, logLevel: "debug", notes });
  assertIncludes(steps[0]!, "1. try -s first (tractest run -s tests/a.py::t)");
  assertIncludes(steps[1]!, "2. lower the log level: --ll debug");
  assertIncludes(steps[2]!, "3. ");
  assertEquals(steps.slice(3), [
    "known in this checkout: a guard (tests/conftest.py:3)",
    "not in this checkout: a note",
  ]);
  assertEquals(hangRecipe(blocked, { ...known, notes: notes.slice(1) }).length, 3);
});

Deno.test("what was tried already, or can't help, is not advised", () => {
  const unproven = { ...blocked, verdict: "no-verdict", isOutput: false } as const;
  const quiet = hangRecipe(unproven, { ...known, captured: false, logLevel: "error" });
  assertIncludes(quiet[0]!, "it ran with -s");
  assertIncludes(quiet[1]!, "keep the log level low");
  assertIncludes(hangRecipe({ ...unproven, isPipeless: true }, known)[0]!, "-s won't help");
});

Deno.test("no step names tractor or its options in a plain project", () => {
  for (const verdict of VERDICTS) {
    for (const isPipeless of [true, false]) {
      const judgement = { verdict, isOutput: true, isPipeless, pids: [7] };
      const steps = hangRecipe(judgement, { ...known, profile: "plain" }).join("\n");
      assert(!/actor|--ll|--tpdb/.test(steps), steps);
    }
  }
});

Deno.test("no step repeats an option of this call; one says how to get py-spy", () => {
  for (const verdict of VERDICTS) {
    for (const isPipeless of [true, false]) {
      for (const asked of ASKED) {
        const judgement = { verdict, isOutput: true, isPipeless, pids: [7] };
        const steps = hangRecipe(judgement, { ...known, asked }).join("\n");
        if (asked.stacks) assert(!steps.includes("tractest hang --stacks"), steps);
        if (asked.confirm) assert(!steps.includes("tractest hang --confirm"), steps);
        if (/stack/.test(steps)) {
          assertIncludes(steps, "pip install py-spy");
          assertIncludes(steps, "uvx py-spy dump --pid 8");
        }
        const last = hangRecipe(judgement, { ...known, asked, isEnding: true }).join("\n");
        assert(!/tractest hang --stacks|--pid|kill -(?:TERM|INT)/.test(last), last);
        const read = hangRecipe(judgement, { ...known, asked, hasStacks: true }).join("\n");
        assert(!read.includes("py-spy"), read);
      }
    }
  }
});

Deno.test("stopped processes are resumed, and stacks help where no call names the cause", () => {
  const steps = (verdict: HangVerdict) =>
    hangRecipe({ verdict, isOutput: false, isPipeless: true, pids: [7, 9] }, known);
  assertEquals(steps("stopped"), ["to resume: kill -CONT 7 9"]);
  for (const verdict of ["child-not-reaped", "exit-waits-for-child", "no-verdict"] as const) {
    assertIncludes(steps(verdict).join(), "py-spy");
  }
});
