import type { HangVerdict } from "../pytest/hang_event.ts";
import type { Judgement } from "./rules.ts";
import { shellCommand } from "../base/escape.ts";

/** A place in the checkout that knows something about such hangs; `place` null: it is absent. */
export interface FoundNote {
  readonly what: string;
  /** `tests/conftest.py:258`. */
  readonly place: string | null;
}

/** What the steps to try rest on. */
export interface RecipeScene {
  /** Whether pytest captured output: no `-s`; null when unknown. */
  readonly captured: boolean | null;
  /** The level of `--ll`; null when it was not given. */
  readonly logLevel: string | null;
  /** Ids of the tests that ran. */
  readonly tests: readonly string[];
  readonly notes: readonly FoundNote[];
  /** The root of the tree. */
  readonly root: number;
  /** What was asked for already: nobody is sent back to what was just typed. */
  readonly asked: { readonly stacks: boolean; readonly confirm: boolean };
  /** Whether Python stacks were read. */
  readonly hasStacks: boolean;
}

/** Levels that write little. */
const QUIET_LEVELS = ["error", "critical", "warning"];

/**
 * What to try next, by verdict. Against full capture pipes in the order in which it pays: without
 * capture first, then less logging, then a file.
 */
export function hangRecipe(
  judgement: Omit<Judgement, "evidence" | "isOpen">,
  scene: RecipeScene,
): string[] {
  return STEPS[judgement.verdict](scene, judgement);
}

const STEPS: Readonly<
  Record<
    HangVerdict,
    (scene: RecipeScene, judgement: Omit<Judgement, "evidence" | "isOpen">) => string[]
  >
> = {
  "blocked-write": (scene, { isOutput }) =>
    isOutput ? [...captureSteps(scene), ...noteLines(scene.notes)] : [
      "the pipe is one that the program made for itself: read it while its writer lives, or give the writer a file",
    ],
  "waiting-for-registry": () => ["who holds the registry, and how to end it: tractest zombies"],
  "child-ignores-sigint": () => [
    "let the child take SIGINT (no SIG_IGN, no mask), or end it by a signal that it does not ignore",
  ],
  "terminal-wanted": (scene) => [
    `with a terminal of its own the debugger can be used: ${
      shellCommand(["tractest", "run", "--tpdb", ...scene.tests.slice(0, 1)])
    }`,
    "without one take the breakpoint out; PYTHONBREAKPOINT=0 switches off those that call breakpoint()",
  ],
  "stopped": (
    _,
    { pids },
  ) => [`let it go on: ${shellCommand(["kill", "-CONT", ...pids.map(String)])}`],
  "child-not-reaped": (scene, { pids }) => [
    `wait for it where its end is to be noticed: proc.wait(), or os.waitpid(${
      pids[0] ?? "PID"
    }, 0)`,
    ...stackSteps(scene),
  ],
  "exit-waits-for-child": (scene, { pids }) => [
    "end the child in the test or fixture that started it",
    `let pytest exit now: ${shellCommand(["kill", "-INT", ...pids.map(String)])}`,
    ...stackSteps(scene),
  ],
  "no-verdict": (scene, { isPipeless }) =>
    isPipeless
      ? [
        "-s changes nothing here: nobody's output goes into a pipe",
        ...stackSteps(scene),
        ...(scene.tests.length > 0
          ? [`step through it: ${shellCommand(["tractest", "run", "--tpdb", scene.tests[0]!])}`]
          : []),
      ]
      : [...captureSteps(scene), ...noteLines(scene.notes), ...stackSteps(scene)],
};

/** How to get py-spy; what is run by uvx needs no installation. */
export const HOW_TO_GET_PY_SPY = "uv pip install py-spy";

/** How to see where each process is in its code, unless that was shown. */
function stackSteps({ asked, hasStacks, root }: RecipeScene): string[] {
  if (hasStacks) return [];
  const once = `uvx py-spy dump --pid ${root}`;
  return [
    asked.stacks
      ? `get py-spy for Python stacks: ${HOW_TO_GET_PY_SPY}; or once, without installing it: ${once}`
      : `where each process is in its code, while it hangs: tractest hang --stacks (it needs py-spy: ${HOW_TO_GET_PY_SPY}; or ${once})`,
  ];
}

function captureSteps({ captured, logLevel, tests, asked }: RecipeScene): string[] {
  const byItself = asked.confirm ? "" : "; tractest hang --confirm does that, and decides";
  const again = shellCommand(["tractest", "run", "-s", ...tests.slice(0, 1)]);
  const loud = logLevel !== null && !QUIET_LEVELS.includes(logLevel.toLowerCase());
  return [
    captured === false
      ? "1. it ran with -s, so pytest's capture is not the cause"
      : `1. try -s first (${again}): if the hang is gone, full capture pipes were the cause and there is no need to look further${byItself}`,
    loud
      ? `2. lower the log level: --ll ${logLevel} multiplies what is written when actors fail; --ll error is the quiet one`
      : "2. keep the log level low (--ll error): each level multiplies what is written when actors fail",
    "3. where capture and much logging are needed, send the actors' stdout and stderr to /dev/null or a file where they are started",
  ];
}

/** What the checkout itself says about it, and what of it is absent. */
function noteLines(notes: readonly FoundNote[]): string[] {
  const found = notes.filter((note) => note.place !== null);
  // Another project has none of them, and need not.
  const absent = found.length === 0
    ? []
    : notes.filter((note) => note.place === null).map((note) => note.what);
  return [
    ...found.map(({ what, place }) => `this checkout knows of it: ${what} (${place})`),
    ...(absent.length > 0 ? [`not in this checkout: ${absent.join("; ")}`] : []),
  ];
}
