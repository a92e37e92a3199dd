import {
  type Cut,
  cutReason,
  type Reason,
  REASON_KINDS,
  strictReasons,
  Verdict,
} from "../../lib/pytest/run_exit_code.ts";
import { type SessionCode, sessionReasons } from "../../lib/pytest/session_reasons.ts";
import { verdictOf } from "../../lib/run/engine/engine_outcome.ts";
import { ENDING_SIGNALS, EXIT } from "../../lib/tables/exit_codes.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { Random } from "../differential/random.ts";

const PASSED: SessionCode = {
  session: "0",
  label: null,
  code: 0,
  signal: null,
  exitStatus: 0,
  began: true,
  isBroken: false,
  hasFailures: false,
  test: null,
  interruption: null,
  said: null,
};

const QUIET = {
  ends: [PASSED],
  failed: 0,
  cut: null,
  limit: 9,
  stoppedAt: null,
  interrupted: null,
  missed: [],
  diskFailed: false,
  vanished: null,
} as const;

/** The ending of a single session; its code too where that is not pytest's. */
function endingOf(end: Partial<SessionCode>, failed = 0): string | null {
  return Verdict.of(sessionReasons([{ ...PASSED, ...end }], failed)).ending;
}

const ERROR = "RuntimeError: too little\nmore";
const OWN = { error: "_pytest.main.Interrupted", message: "enough", test: null };
const EXITS = { error: "_pytest.outcomes.Exit", message: "bye", test: "t.py::a" };
const GENERIC = "see its output (a coverage limit, warnings as errors, a plugin)";
/** How a single session ended, and how that is said. */
const ENDINGS: readonly (readonly [Partial<SessionCode>, string])[] = [
  [
    { code: 1, said: ERROR },
    "pytest exited with 1 although no test failed, after its session had ended with 0: " +
    "RuntimeError: too little",
  ],
  [{ code: 1, exitStatus: 1 }, `pytest exited with 1 although no test failed: ${GENERIC}`],
  [
    { code: 1, exitStatus: null },
    `pytest exited with 1 although no test failed, before its session was over: ${GENERIC}`,
  ],
  [
    { code: 3, exitStatus: null, began: false, said: ERROR },
    "pytest exited with 3 before its session began: RuntimeError: too little",
  ],
  [{ exitStatus: 1 }, `pytest exited with 1 although no test failed: ${GENERIC}`],
  [
    { code: 143, signal: "SIGTERM" },
    "pytest was ended by SIGTERM, after its session had ended with 0",
  ],
  [
    { code: 137, signal: "SIGKILL", exitStatus: null, test: "t.py::a", isBroken: true },
    "pytest was ended by SIGKILL in t.py::a",
  ],
  [{ code: 2, exitStatus: 2, interruption: OWN }, "pytest stopped: enough"],
  [
    { code: 7, exitStatus: 7, interruption: EXITS },
    "pytest was interrupted by Exit: bye in t.py::a",
  ],
  [
    { code: 3, exitStatus: 3, said: "ValueError: x" },
    "pytest had an internal error: ValueError: x",
  ],
  [
    { code: 4, exitStatus: null, said: "ERROR: no such option" },
    "pytest did not accept its command line or its configuration: ERROR: no such option",
  ],
  [
    { label: "worker 2", code: 120 },
    "pytest (worker 2) exited with 120 although no test failed, after its session had ended " +
    `with 0: ${GENERIC}`,
  ],
];

Deno.test("a session says how it ended, when, and its last words", () => {
  for (const [end, ending] of ENDINGS) assertEquals(endingOf(end), ending);
  const workers = [1, 2].map((number) => ({ ...PASSED, label: `worker ${number}`, code: 4 }));
  assertEquals(
    Verdict.of(sessionReasons(workers, 0)).ending,
    "pytest (worker 1, worker 2) did not accept its command line or its configuration",
  );
  assertEquals(endingOf({}), null);
  assertEquals(endingOf({ code: 5, exitStatus: 5 }), null);
  assertEquals(endingOf({ code: 1, exitStatus: 1, hasFailures: true }, 1), null);
  // Errors in the collection are shown by themselves.
  assertEquals(endingOf({ code: 2, exitStatus: 2, interruption: OWN }, 1), null);
  assertIncludes(
    endingOf({ code: 1, exitStatus: 1, said: "FAIL Required test coverage" }, 1)!,
    "pytest exited with 1, and not only for failed tests: FAIL Required test coverage",
  );
});

Deno.test("what cut a run decides its code, then pytest, then tests that did not run", () => {
  const bad = { ...PASSED, code: 139, signal: "SIGSEGV", exitStatus: null };
  const cut = verdictOf({ ...QUIET, ends: [bad], cut: "SIGINT", missed: ["a"] });
  assertEquals([cut.code, cut.pytestCode, cut.ending], [130, 139, "interrupted"]);
  assertEquals(verdictOf({ ...QUIET, cut: "time-limit" }).ending, "time limit of 9 s");
  const pytest = verdictOf({ ...QUIET, ends: [bad], missed: ["a"], failed: 1 });
  assertEquals([pytest.code, pytest.reasons.map(({ kind }) => kind)], [
    139,
    ["session", "failures", "incomplete"],
  ]);
  const missed = verdictOf({ ...QUIET, missed: ["a"] });
  assertEquals([missed.code, missed.pytestCode], [1, 0]);
  const vanished = verdictOf({ ...QUIET, vanished: "0" });
  assertEquals([vanished.code, vanished.reasons[0]!.session], [1, "0"]);
});

Deno.test("under strict a run that passed says what was not clean", () => {
  assertEquals(Verdict.of(strictReasons({ leaked: false, blemishes: [] })).code, 0);
  const flaky = Verdict.of(strictReasons({ leaked: null, blemishes: ["1 test hung"] }));
  assertEquals([flaky.code, flaky.ending], [
    84,
    "the tests passed, but not cleanly (strict, exit code 84): 1 test hung",
  ]);
  assertEquals(Verdict.of(strictReasons({ leaked: true, blemishes: [] })).code, 84);
  assertEquals(Verdict.of(strictReasons({ leaked: null, blemishes: [] })).code, 82);
});

Deno.test("pytest.exit() with the code 0 is no reason, and is said", () => {
  const interrupted = { error: "_pytest.outcomes.Exit", message: "bye", test: null };
  const verdict = verdictOf({ ...QUIET, interrupted });
  assertEquals([verdict.code, verdict.reasons.length], [0, 0]);
  assertEquals(verdict.ending, "pytest was interrupted by Exit: bye");
});

const CODES = [0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 6, 42, 64, 84, 120, 130, 137, 139, 143, -1] as const;
const SIGNALS: Readonly<Record<number, string>> = {
  137: "SIGKILL",
  139: "SIGSEGV",
  143: "SIGTERM",
};

function someSession(random: Random, session: number): SessionCode {
  const code = random.pick(CODES);
  const signal = random.chance(0.7) ? SIGNALS[code] ?? null : null;
  return {
    ...PASSED,
    session: String(session),
    code,
    signal,
    exitStatus: random.pick([null, code, code, 0, 1, 2]),
    began: random.chance(0.9),
    isBroken: random.chance(0.15),
    hasFailures: random.chance(0.4),
    test: random.pick([null, "t.py::a"]),
    interruption: random.pick([null, null, {
      error: "KeyboardInterrupt",
      message: "",
      test: null,
    }]),
    said: random.pick([null, "RuntimeError: x"]),
  };
}

/** The code by rules written anew: all codes that count, then the worst. */
function expectedCode(
  { ends, failed, cut, missed, vanished }: Parameters<typeof verdictOf>[0],
): number {
  if (cut !== null) return cut === "time-limit" ? 124 : ENDING_SIGNALS[cut];
  const own = ({ code, exitStatus }: SessionCode) => code === 0 ? exitStatus ?? 0 : code;
  const kept = ends.map((end) => {
    const code = own(end);
    if (ends.length === 1) return { code, real: end.signal !== null };
    const isExplained = end.isBroken || (code === 1 && end.signal === null && end.hasFailures);
    return { code: isExplained ? 0 : code, real: end.signal !== null };
  });
  const all5 = kept.length > 0 && kept.every(({ code }) => code === 5);
  const counted = kept.filter(({ code }) => code !== 0 && (all5 || code !== 5));
  // The code of a single pytest is that of the run.
  if (failed > 0 && (ends.length !== 1 || counted.length === 0)) {
    counted.push({ code: 1, real: false });
  }
  const rank = ({ code, real }: { code: number; real: boolean }) =>
    code > 128 ? (real ? 9 : 8) : ({ 3: 7, 4: 6, 2: 5, 1: 3, 6: 2 } as never)[code] ?? 4;
  const worst = counted.sort((one, other) => rank(other) - rank(one))[0];
  if (worst === undefined) return missed.length > 0 || vanished !== null ? 1 : 0;
  const isOurs = Object.values(EXIT).some((code) => code > 6 && code === worst.code);
  return !worst.real && (worst.code < 0 || worst.code > 128 || isOurs) ? 1 : worst.code;
}

Deno.test("generated: no reason is code 0, each other code has its reason, and it is said", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 4_000; seed++) {
    const random = new Random(seed);
    const count = random.pick([0, 1, 1, 2, 3, 5]);
    const cuts: readonly (Cut | null)[] = [null, null, null, null, "time-limit", "SIGTERM"];
    const end = {
      ...QUIET,
      ends: Array.from({ length: count }, (_, at) => someSession(random, at)),
      failed: random.pick([0, 0, 1, 3]),
      cut: random.pick(cuts),
      missed: random.pick([[], [], ["t.py::b"]]),
      vanished: random.pick([null, null, "0"]),
    };
    const engine = verdictOf(end);
    const words = `seed ${seed}: ${JSON.stringify(end)}`;
    assertEquals(engine.code, expectedCode(end), words);
    const isStrict = engine.code === 0 && random.chance(0.5);
    const leaked = random.pick([true, false, null]);
    const verdict = engine.and([
      ...(isStrict ? strictReasons({ leaked, blemishes: [] }) : []),
      ...(random.chance(0.1) ? [cutReason("SIGINT", "interrupted")] : []),
    ]);
    const { code, reasons, ending } = verdict;
    assertEquals(code === 0, reasons.length === 0, words);
    for (const reason of reasons) {
      seen.add(reason.kind);
      assert(reason.code !== 0 && reason.text !== "" && !reason.text.includes("\n"), words);
    }
    assertEquals(reasons[0]?.code ?? 0, code, words);
    // Failures and "no tests" are shown by the verdict itself.
    const isShown = ({ kind }: Reason) => kind === "failures" || kind === "no-tests";
    assertEquals(ending === null, reasons.every(isShown), words);
    const about = verdict.unexplained;
    if (about !== null) assert(end.ends.some(({ session }) => session === about.session), words);
  }
  assertEquals([...seen].sort(), [...REASON_KINDS].sort());
});
