import type { HangVerdict } from "../pytest/hang_event.ts";
import { shellCommand } from "../base/escape.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Judgement } from "./rules.ts";

/** A place in the checkout that documents such hangs; `place` null: it is absent. */
export interface FoundNote {
  readonly what: string;
  /** `tests/conftest.py:258`. */
  readonly place: string | null;
}

/** What the steps rest on, apart from the judgement. */
export interface RecipeScene {
  readonly profile: Profile;
  /** Whether pytest captures output; null when unknown. */
  readonly captured: boolean | null;
  /** The level of `--ll`; null when it was not given. */
  readonly logLevel: string | null;
  /** Ids of the running tests. */
  readonly tests: readonly string[];
  readonly notes: readonly FoundNote[];
  /** The root of the tree. */
  readonly root: number;
  /** Options of this call: no step repeats them. */
  readonly asked: { readonly stacks: boolean; readonly confirm: boolean };
  /** Whether the time limit is about to end the processes: no step is for live ones. */
  readonly isEnding: boolean;
  /** Whether Python stacks were read. */
  readonly hasStacks: boolean;
}

/** Levels that write little. */
const QUIET_LEVELS = ["error", "critical", "warning"];

/** The part of a judgement that the steps rest on. */
export type Known = Omit<Judgement, "evidence" | "isOpen">;

/** What to try next, the most promising first. */
export function hangRecipe(judgement: Known, scene: RecipeScene): string[] {
  return STEPS[judgement.verdict](scene, judgement);
}

const STEPS: Readonly<
  Record<HangVerdict, (scene: RecipeScene, judgement: Known) => string[]>
> = {
  "blocked-write": (scene, { isOutput }) =>
    isOutput ? [...captureSteps(scene), ...noteLines(scene.notes)] : [
      "this pipe is the tests' own: read it while the writer runs (communicate()), or send the " +
      "output to a file or /dev/null",
      ...stackSteps(scene),
    ],
  "waiting-for-registry": () => ["see who holds the registry and how to end it: tractest zombies"],
  "child-ignores-sigint": () => [
    "let the child handle SIGINT (no SIG_IGN, no mask), or end it with another signal",
  ],
  "terminal-wanted": ({ profile, tests }) => [
    `to use the debugger: ${runCommand(DEBUGGER[profile], tests)}`,
    "without a terminal: remove the breakpoint; PYTHONBREAKPOINT=0 disables breakpoint() calls",
  ],
  "stopped": (_, { pids }) => [`to resume: ${killCommand("CONT", pids)}`],
  "waiting-for-connection": (scene, { pids }) => [
    pids.length === 0
      ? "let a client connect to it, or give it a time limit: socket.settimeout(SECONDS)"
      : "let a client connect to it, or end it before waiting for it: terminate(), then wait()",
    ...signalSteps(scene, "end it now", "TERM", pids),
    ...stackSteps(scene),
  ],
  "waiting-for-answer": (scene, { pids }) => [
    "let the other side accept and answer, or give the client a time limit: " +
    "socket.settimeout(SECONDS)",
    ...signalSteps(scene, "end the other side now", "TERM", pids),
    ...stackSteps(scene),
  ],
  "child-not-reaped": (scene, { pids }) => [
    `reap it: proc.wait(), or os.waitpid(${pids[0] ?? "PID"}, 0)`,
    ...stackSteps(scene),
  ],
  "closed-wait": (scene, { pids }) => [
    "send what is waited for before waiting (a last item for each worker), or give the wait a " +
    "time limit: get(timeout=SECONDS), acquire(timeout=SECONDS), join(SECONDS)",
    "of a Pipe close the end that a process does not use: its reader then ends with EOFError " +
    "when the writer exits",
    ...stackSteps(scene),
    ...signalSteps(scene, "end them now", "TERM", [scene.root, ...pids]),
  ],
  "exit-waits-for-child": (scene, { pids }) => [
    "end the child in the test or fixture that started it",
    ...signalSteps(scene, "let pytest exit now", "INT", pids),
    ...stackSteps(scene),
  ],
  "no-verdict": (scene, { isPipeless }) =>
    isPipeless
      ? [
        "-s won't help: output capture is not involved",
        ...stackSteps(scene),
        ...debugSteps(scene),
      ]
      : [...captureSteps(scene), ...noteLines(scene.notes), ...stackSteps(scene)],
};

/** A run of the first of these tests, if there is one. */
function runCommand(option: string, tests: readonly string[]): string {
  return shellCommand(["tractest", "run", option, ...tests.slice(0, 1)]);
}

/** A signal to processes that are there to take it. */
function signalSteps(
  { isEnding }: RecipeScene,
  what: string,
  signal: string,
  pids: readonly number[],
): string[] {
  return isEnding || pids.length === 0 ? [] : [`${what}: ${killCommand(signal, pids)}`];
}

function killCommand(signal: string, pids: readonly number[]): string {
  return shellCommand(["kill", `-${signal}`, ...pids.map(String)]);
}

/** How to get py-spy. */
export const HOW_TO_GET_PY_SPY = "pip install py-spy";

/** How to see where each process is in its code, unless that was shown. */
function stackSteps({ asked, hasStacks, isEnding, root }: RecipeScene): string[] {
  if (hasStacks) return [];
  if (isEnding) {
    return [`to see where it is in the code: ${HOW_TO_GET_PY_SPY}, then run it again`];
  }
  const get = `${HOW_TO_GET_PY_SPY}; or with uv: uvx py-spy dump --pid ${root}`;
  return [
    asked.stacks
      ? `to read stacks get py-spy: ${get}`
      : `see where it is in the code: tractest hang --stacks (needs py-spy: ${get})`,
  ];
}

/** The option that gives a breakpoint the terminal. */
const DEBUGGER: Readonly<Record<Profile, string>> = { tractor: "--tpdb", plain: "--pdb" };

function debugSteps({ profile, tests: [test] }: RecipeScene): string[] {
  const option = profile === "tractor" ? DEBUGGER.tractor : "--trace";
  return test === undefined ? [] : [`step through it: ${runCommand(option, [test])}`];
}

/** First without capture, then with less output, then a file. */
function captureSteps({ profile, captured, logLevel, tests, asked }: RecipeScene): string[] {
  const again = runCommand("-s", tests);
  const check = asked.confirm ? "" : "; tractest hang --confirm checks this";
  const withoutCapture = captured === false
    ? "1. it ran with -s: capture is not the cause"
    : `1. try -s first (${again}): if it passes, full capture pipes are the cause${check}`;
  return profile === "plain"
    ? [
      withoutCapture,
      "2. let the processes that the test starts write less",
      "3. for capture with much output, send their stdout and stderr to /dev/null or a file",
    ]
    : [withoutCapture, ...logSteps(logLevel)];
}

/** The rest of tractor's recipe. */
function logSteps(logLevel: string | null): string[] {
  const isLoud = logLevel !== null && !QUIET_LEVELS.includes(logLevel.toLowerCase());
  return [
    isLoud
      ? `2. lower the log level: --ll ${logLevel} multiplies the output of failing actors`
      : "2. keep the log level low (--ll error): others multiply the output of failing actors",
    "3. for capture with verbose logs, send the actors' stdout and stderr to /dev/null or a file",
  ];
}

/** What the checkout itself documents, and what of it is absent. */
function noteLines(notes: readonly FoundNote[]): string[] {
  const found = notes.filter(({ place }) => place !== null);
  // Another project has none of them, and needs none.
  const absent = found.length === 0 ? [] : notes.filter(({ place }) => place === null);
  return [
    ...found.map(({ what, place }) => `known in this checkout: ${what} (${place})`),
    ...(absent.length > 0
      ? [`not in this checkout: ${absent.map(({ what }) => what).join("; ")}`]
      : []),
  ];
}
