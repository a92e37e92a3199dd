/**
 * JSON schemas (draft 2020-12) of what tractest prints, for docs/reference/schemas/: one table, in
 * the field types by which events are read. Objects may always have more keys: versions add some.
 */
import { EVENTS, type Events, LEFT_BEHIND } from "../lib/pytest/events.ts";
import { REASON_KINDS } from "../lib/pytest/run_exit_code.ts";
import {
  type Field,
  type Fields,
  flag,
  type JsonSchema,
  list,
  number,
  object,
  objectSchema,
  oneOf,
  optional,
  orNull,
  text,
  texts,
} from "../lib/pytest/event_fields.ts";

const anything: Field<unknown> = { accepts: () => true, schema: {} };
const strings = list(text);
const maybeText = orNull(text);
const maybeNumber = orNull(number);
const maybeFlag = orNull(flag);

/** A field with a sentence about it. */
function about<T>(description: string, field: Field<T>): Field<T> {
  return { ...field, schema: { description, ...field.schema } };
}

const exitCode = about("the exit code of the command", number);
const COUNTS = object({
  passed: number,
  failed: number,
  skipped: number,
  errors: number,
  xfailed: number,
  xpassed: number,
  subtestsPassed: number,
  notRun: number,
});
const CHECK = object({
  id: about("stable: see docs/reference/checks.md", text),
  status: oneOf("ok", "warn", "fail", "unknown", "skipped"),
  detail: text,
  fix: about("a command to paste or an instruction; null: nothing to do", maybeText),
});
const CHECKS = list(CHECK);
const VERDICT = {
  pytestExitCode: optional(maybeNumber),
  ending: about(
    "how the run ended, in one line; null: by itself, and failures alone explain its exit code",
    optional(maybeText),
  ),
  reasons: about(
    "why the exit code is not 0, the most important first; empty where it is 0",
    optional(list(object({
      kind: oneOf(...REASON_KINDS),
      code: number,
      text,
      session: about("the name of the pytest, as in the events; null: the run", maybeText),
      see: about("the command that shows its output; null: it is not kept", maybeText),
    }))),
  ),
};
const TRIES = {
  trials: number,
  failures: number,
  rate: about("failures / trials; null without a trial", maybeNumber),
  interval: about("its 95% interval", orNull(list(number))),
} as const;
const RATE = {
  ...TRIES,
  contradictions: number,
  recoveries: number,
  streak: number,
  strained: number,
  flaky: flag,
} as const;
const IDENTITY = {
  pid: number,
  uid: number,
  startTicks: about("clock ticks from boot to its start; null: unreadable", maybeNumber),
} as const;
const JUDGED = {
  ...IDENTITY,
  title: text,
  ours: maybeFlag,
  verdict: oneOf("leaked", "in-use", "foreign", "unknown"),
  evidence: strings,
} as const;
const FILE_VERDICT = object({
  path: text,
  verdict: oneOf("stale", "live", "unknown"),
  evidence: strings,
});
const REFUSED = list(object({ pid: optional(number), path: optional(text), reason: text }));
const LEAKS = {
  clean: about("false: something leaked or a registry is held; null: unknown", maybeFlag),
  registries: list(object({
    address: text,
    bound: maybeFlag,
    holders: list(object(JUDGED)),
  })),
  actors: about(
    "every leaked process, and those that may be",
    list(object({
      ...JUDGED,
      kind: oneOf("actor", "pytest", "helper", "process"),
      test: about("the test that started it; null: unknown", maybeText),
      runner: maybeNumber,
      ports: list(number),
      listens: strings,
    })),
  ),
  sockets: list(FILE_VERDICT),
  refused: REFUSED,
  liveRun: orNull(object({ pid: number, title: text })),
  abandoned: optional(list(object({ pid: number, title: text, runId: text }))),
  unknowns: strings,
  named: optional(orNull(object(JUDGED))),
  tree: optional(list(object(JUDGED))),
} as const;
const BRIEF_FAILURES = list(object({ id: text, phase: text, message: text }));
const LEFT = list(object({ id: maybeText, processes: list(object(LEFT_BEHIND)) }));
const HANG = {
  verdict: about("null: nothing was found", maybeText),
  test: maybeText,
  root: maybeNumber,
  running: orNull(list(object({ id: text, seconds: maybeNumber }))),
  waitsForChildOf: maybeText,
  processes: list(anything),
  evidence: strings,
  signature: list(object({ point: text, answer: oneOf("yes", "no", "unknown"), evidence: text })),
  recipe: about("what to try, in order", strings),
  stacks: list(object({ pid: number, text })),
  unknowns: strings,
} as const;
const RUN_FACTS = object({
  runId: text,
  state: text,
  background: flag,
  root: text,
  command: text,
  pid: number,
  began: about("seconds since the epoch", number),
  seconds: maybeNumber,
  exitCode: maybeNumber,
  ending: maybeText,
  collected: maybeNumber,
  finished: maybeNumber,
  counts: orNull(COUNTS),
  failures: orNull(BRIEF_FAILURES),
  running: orNull(list(object({ id: text, seconds: number }))),
  directory: text,
});
const RUN_FAILURE = object({
  id: text,
  phase: oneOf("collection", "setup", "call", "teardown"),
  outcome: about(
    "`timeout`: ended at its limit; `crash`: pytest ended while it ran",
    oneOf("failed", "error", "timeout", "crash"),
  ),
  message: text,
  file: text,
  line: maybeNumber,
  traceback: text,
  output: about("what the test printed", text),
  known: about("why it is flaky or a matter of timing; null: it may be real", maybeText),
  related: about(
    "the changed file that may be the cause",
    orNull(object({
      file: text,
      because: text,
      line: maybeNumber,
      see: orNull(strings),
    })),
  ),
  rate: orNull(object(RATE)),
  rerun: about("the command that runs it again", maybeText),
  hints: strings,
});
const COMMAND = {
  command: about("as a person would type it", orNull(strings)),
  env: about("what was set for it", orNull(texts)),
} as const;
const AFFECTED_TARGET = object({
  target: text,
  because: text,
  relation: text,
  distance: maybeNumber,
  causes: list(anything),
  files: orNull(strings),
  recorded: anything,
});
const AFFECTED = {
  base: orNull(object({ name: text, commit: text })),
  unknown: maybeText,
  changed: strings,
  targets: about("the tests to run first", list(AFFECTED_TARGET)),
  further: list(AFFECTED_TARGET),
  changes: list(object({ path: text, status: text, where: text })),
  mostOfSuite: anything,
  options: list(object({ file: text, options: strings, because: text })),
  unmapped: list(object({ file: text, because: text })),
  missing: list(object({ test: text, row: text })),
  notes: strings,
  ran: optional(flag),
} as const;
const HOOK = { hook: text, path: text } as const;
const STEP = object({ command: text, does: text });

/** A document: what it is, and the fields of each of its forms. */
interface DocumentRow {
  readonly about: string;
  readonly forms: readonly Fields[];
}

/** Every document, by the name in its `schema`. All may be errors instead. */
export const DOCUMENTS = {
  affected: {
    about: "`affected`: the tests to run first for the current changes",
    forms: [AFFECTED],
  },
  bisect: {
    about: "`bisect`: the tests that make another one fail",
    forms: [{
      exitCode,
      found: maybeFlag,
      verdict: maybeText,
      test: optional(text),
      symptom: optional(orNull(oneOf("fail", "hang", "leak"))),
      culprits: optional(strings),
      notes: optional(strings),
      leaks: optional(orNull(object(LEAKS))),
      preflight: optional(CHECKS),
    }],
  },
  bundle: {
    about: "`bundle`: what the archive holds",
    forms: [{
      path: text,
      written: about("false with --dry-run", flag),
      bytes: about("of the archive", number),
      files: list(object({
        name: text,
        about: text,
        bytes: number,
        replaced: about("how often each kind of private detail was replaced", anything),
      })),
      unknowns: about("what could not be gathered", strings),
    }],
  },
  check: {
    about: "`check`: does everything import, are all tests collected?",
    forms: [{ ok: flag, checks: CHECKS }],
  },
  config: {
    about: "`config`: each effective value of the configuration, and its origin",
    forms: [{
      root: text,
      profile: maybeText,
      values: list(object({ key: text, value: anything, from: text, line: maybeNumber })),
    }],
  },
  doctor: {
    about: "`doctor`: every check of the environment",
    forms: [{ ok: flag, checks: CHECKS }],
  },
  durations: {
    about: "`--durations FILE` of `merge`: how long each test takes",
    forms: [{
      seconds: { ...anything, schema: { type: "object", additionalProperties: number.schema } },
    }],
  },
  failed: {
    about: "`failed`: what pytest recorded as failed",
    forms: [{
      count: number,
      tests: strings,
      missing: about("tests whose file is gone", strings),
      source: optional(text),
      found: optional(flag),
      unreadable: optional(maybeText),
      ran: optional(flag),
    }],
  },
  flaky: {
    about: "`flaky`: the known-flaky tests and the measured rates",
    forms: [{
      tests: list(object({ test: text, found: strings })),
      timingErrors: strings,
      measured: orNull(list(object({ id: text, ...RATE }))),
      runs: maybeNumber,
    }],
  },
  hang: {
    about: "`hang`: what a stuck run waits for",
    forms: [{ ...HANG, others: list(object(HANG)), confirm: optional(anything) }],
  },
  help: {
    about: "`help --json`, `COMMAND --help --json`: commands and their options",
    forms: [{
      commands: list(object({
        name: text,
        group: text,
        summary: text,
        usage: text,
        passesToPytest: flag,
        options: list(object({ name: text, short: maybeText, kind: text, doc: text })),
        examples: list(STEP),
        exitCodes: list(object({ code: number, meaning: text })),
      })),
    }],
  },
  history: {
    about: "`history`: recorded runs; the results of one test; tests by a part of their id",
    forms: [
      {
        runs: orNull(list(object({
          id: text,
          started: number,
          seconds: number,
          command: strings,
          commit: maybeText,
          exitCode: maybeNumber,
          ending: maybeText,
          tests: number,
          passed: number,
          failed: number,
        }))),
        recorded: maybeNumber,
      },
      { test: text, ...RATE, seconds: maybeNumber, results: list(anything) },
      { tests: list(object({ test: text, ...RATE })), matches: number },
    ],
  },
  hooks: {
    about: "`hooks`: their state, what was changed, or an entry to paste",
    forms: [
      {
        action: oneOf("status"),
        directory: text,
        hooksPath: maybeText,
        hooks: list(object({ ...HOOK, state: text, detail: text })),
      },
      {
        action: oneOf("install", "uninstall"),
        dryRun: flag,
        directory: text,
        hooks: list(object({ ...HOOK, result: text, reason: maybeText, hint: maybeText })),
      },
      {
        action: oneOf("print"),
        for: text,
        file: about("the file that it belongs to, for an agent", maybeText),
        entry: strings,
        apply: strings,
      },
    ],
  },
  init: {
    about: "`init`: the configuration that was written",
    forms: [{ path: text, created: flag, written: flag, added: text, facts: anything }],
  },
  layout: {
    about: "`layout`: which directory tests what",
    forms: [{
      root: text,
      testsDirectories: strings,
      testFiles: number,
      rows: list(object({
        path: maybeText,
        status: oneOf("same", "moved", "gone", "new"),
        reference: maybeText,
        about: text,
      })),
      named: list(anything),
    }],
  },
  matrix: {
    about: "`run --matrix`: the same tests in every combination",
    forms: [{
      exitCode,
      dimensions: list(object({ key: text, values: strings })),
      cells: list(object({ cell: texts, ...VERDICT })),
      differences: optional(list(object({
        id: text,
        ids: strings,
        outcomes: list(maybeText),
        explanation: text,
      }))),
      isolated: optional(flag),
      seconds: optional(number),
      preflight: optional(CHECKS),
    }],
  },
  merge: {
    about: "`merge`: one verdict from the events of several machines",
    forms: [{
      exitCode,
      ending: about("why the result is doubtful, or how the runs ended", optional(maybeText)),
      shards: list(object({ file: text, exitCode: maybeNumber, tests: number })),
      missing: list(number),
      unfinished: strings,
      duplicates: list(object({ id: text, files: strings })),
      problems: strings,
      counts: COUNTS,
      failures: BRIEF_FAILURES,
      flaky: strings,
      seconds: number,
    }],
  },
  overview: {
    about: "`tractest` alone: where you are, and what to type next",
    forms: [{
      root: maybeText,
      next: list(STEP),
      name: optional(maybeText),
      venv: optional(orNull(object({ path: text, minor: maybeText }))),
      leaks: optional(orNull(object({ processes: number, sockets: number, held: number }))),
      running: optional(list(object({ runId: text, state: text }))),
      last: optional(orNull(object({ runId: text, exitCode: maybeNumber, state: text }))),
    }],
  },
  permissions: {
    about: "`permissions`: what each command may do, or a check of that",
    forms: [{ rows: list(anything) }, { row: text, inside: anything, outside: anything }],
  },
  run: {
    about: "`run`: the verdict of a run; nulls where no test was started",
    forms: [{
      exitCode: about("null: it runs in the background", maybeNumber),
      runId: optional(text),
      ...VERDICT,
      ...COMMAND,
      seconds: maybeNumber,
      counts: orNull(COUNTS),
      tests: about(
        "ids of the tests that `--collect-only` found, in pytest's order",
        optional(strings),
      ),
      failures: list(RUN_FAILURE),
      notFound: optional(list(object({ id: text, nearest: strings }))),
      timeouts: optional(strings),
      running: optional(strings),
      contended: optional(strings),
      flaky: optional(list(object({ id: text, attempts: strings }))),
      leftBehind: about("processes alive when pytest had ended, by test", optional(LEFT)),
      left: optional(LEFT),
      cascades: optional(list(object({ culprit: maybeText, poisoned: strings }))),
      hang: optional(orNull(object(HANG))),
      shard: optional(orNull(object({ index: number, count: number }))),
      jobs: optional(anything),
      balance: optional(orNull(object({
        predicted: maybeNumber,
        known: number,
        seconds: number,
        longest: number,
      }))),
      leaks: orNull(object(LEAKS)),
      strained: optional(maybeFlag),
      preflight: orNull(CHECKS),
      background: optional(object({ runId: text, pid: number, output: text })),
    }],
  },
  slow: {
    about: "`slow`: the slowest tests, or those that became slower",
    forms: [
      {
        tests: orNull(list(object({ id: text, seconds: number, passes: number }))),
        recorded: optional(number),
        totalSeconds: optional(number),
      },
      {
        regressed: orNull(list(object({
          id: text,
          before: number,
          now: number,
          passes: list(number),
          p: number,
        }))),
        compared: optional(number),
        tooFew: optional(number),
      },
    ],
  },
  status: { about: "`status`: runs and their progress", forms: [{ runs: list(RUN_FACTS) }] },
  stop: {
    about: "`stop`: the run that was ended",
    forms: [{ signalled: strings, refused: maybeText, run: RUN_FACTS }],
  },
  stress: {
    about: "`stress`: the failures of many trials",
    forms: [{
      exitCode,
      tests: orNull(list(object({ id: text, ...TRIES }))),
      copies: optional(number),
      rounds: optional(number),
      interrupted: optional(flag),
      problems: optional(list(object({ message: text, times: number }))),
      isolated: optional(flag),
      seconds: optional(number),
      leaks: optional(orNull(object(LEAKS))),
      preflight: optional(CHECKS),
    }],
  },
  tree: {
    about: "`tree`: the processes of this repository",
    forms: [{
      processes: list(object({
        pid: number,
        ppid: number,
        state: text,
        age: number,
        cpu: number,
        memory: number,
        title: text,
        evidence: strings,
        test: maybeText,
        listens: strings,
      })),
      unknowns: strings,
    }],
  },
  version: {
    about: "`version`",
    forms: [{ version: text, kind: text, runtime: text }],
  },
  wait: {
    about: "`wait`: the exit code of a run, and its verdict",
    forms: [{ exitCode: maybeNumber, run: RUN_FACTS }],
  },
  zombies: {
    about: "`zombies`: leaked processes, held registries, stale sockets; what `--kill` did",
    forms: [{
      ...LEAKS,
      sharedMemory: optional(orNull(list(FILE_VERDICT))),
      killed: optional(list(object({ pid: number, by: oneOf("SIGINT", "SIGKILL") }))),
      removed: optional(strings),
    }],
  },
} as const satisfies Readonly<Record<string, DocumentRow>>;

/** What each event is about. */
export const EVENT_MEANINGS: Readonly<Record<keyof Events, string>> = {
  "run-start": "a run begins: what is run, on which commit, transport, backend and Python",
  "session-begin": "a pytest of the run was started, and for what",
  "session-start": "it has begun: its versions, its root and its cache",
  collected: "how many tests it found",
  tests: "some of the tests that are going to run, in order",
  listed: "some of the tests that `--collect-only` found: none of them runs",
  items: "with a queue: tests that it collected, and which of them must share a process",
  claimed: "with a queue: a group of tests that it took",
  planned: "what is run of the collected tests, and how long that should take",
  "collection-error": "what could not be collected",
  "collection-skip": "a file or directory that was skipped as a whole",
  "suite-property": "what a test recorded about the whole suite, for the JUnit report",
  "test-start": "a test begins",
  report: "how a phase of a test, or a subtest of it, ended",
  fixture: "the setup or teardown of a fixture that took long has ended",
  children: "processes below pytest that a test left",
  warning: "a warning, as pytest reports it",
  slow: "a test, or the collection (no id), takes far longer than usual: what it waits for",
  terminating: "a test has reached its time limit and is about to be ended",
  timeout: "a test was ended at its time limit",
  crash: "pytest itself ended while the test ran",
  cut: "the run or its pytest was interrupted while the test ran",
  hang: "what a stuck tree of processes waited for",
  leak: "processes of a test that were alive when pytest had ended",
  left: "processes that outlived their test and were gone when pytest had ended",
  interrupted: "pytest was interrupted, or stopped by itself",
  "internal-error": "an error of pytest itself",
  uncaught: "an error that nothing caught ended pytest after its session",
  explained: "what most likely explains a failure, as the verdict says it",
  "session-finish": "a pytest has finished: its exit status",
  "run-finish":
    "the run is over: its exit code, how it ended, whether the machine was short of CPU",
};

const ERROR = objectSchema({
  error: object({ code: text, message: text, hint: maybeText }),
});

/** The schemas by their names: `run`, `events` (one line). */
export function documentSchemas(): ReadonlyMap<string, JsonSchema> {
  const documents = Object.entries<DocumentRow>(DOCUMENTS).map(([name, row]): [
    string,
    JsonSchema,
  ] => [name, schemaOf(name, row.about, [...row.forms.map(objectSchema), ERROR])]);
  const events = Object.entries<Fields>(EVENTS).map(([event, fields]) =>
    objectSchema({ event: oneOf(event), time: number, session: optional(text), ...fields })
  );
  const line = schemaOf("events", "one line of `run --events`", events);
  const error = {
    ...schemaOf("error", "what every command prints with `--json` if it fails", [ERROR]),
    properties: { schema: { type: "string", pattern: "^tractest\\.[a-z-]+/1$" } },
    title: "tractest.COMMAND/1",
  };
  return new Map(
    [...documents, ["events", line] as const, ["error", error] as const].sort(([a], [b]) =>
      a < b ? -1 : 1
    ),
  );
}

function schemaOf(name: string, description: string, forms: readonly JsonSchema[]): JsonSchema {
  const schema = `tractest.${name}/1`;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:tractest:${name}:1`,
    title: schema,
    description,
    type: "object",
    properties: { schema: { const: schema } },
    required: ["schema"],
    anyOf: forms,
  };
}
