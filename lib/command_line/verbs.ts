/** One command, as help and README show it. */
export interface CommandRow {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  /** A command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Exit codes it can end with, besides 64, 70 and those of signals. */
  readonly exits: readonly number[];
}

/** Every command, in the order people meet them. */
export const COMMANDS = [
  {
    name: "run",
    summary: "preflight, pytest, verdict",
    usage: "tractest run [TARGET…] [OPTIONS] [-- PYTEST…]",
    examples: [
      ["tractest run", "the full suite"],
      ["tractest run test_local.py", "a single file, wherever it is below tests/"],
      ["tractest run test_registrar -v", "a file by its bare name, verbose"],
      ["tractest run -k cancel", "a keyword filter"],
      ["tractest run ipc/ --tpt-proto uds", "a subdirectory, over Unix sockets"],
      ["tractest run core", "the core subset"],
      [
        "tractest run --matrix tpt-proto=tcp,uds spawn-backend=trio,mp_spawn",
        "every combination, and what differs between them",
      ],
      ["tractest run --affected", "all tests, those that the current changes bear on first"],
      ["tractest run --jobs auto", "several pytests share the tests, each isolated"],
      [
        "tractest run --shard 2/3 --events shard-2.jsonl",
        "the second of three parts, for the second of three machines",
      ],
      ["tractest run --isolate", "in namespaces of its own: beside any other run and registrar"],
      ["tractest run --bg", "the full suite while you go on working"],
    ],
    exits: [0, 1, 69, 80, 81, 82, 83, 84, 124, 130, 131, 143],
  },
  {
    name: "merge",
    summary: "joins the runs of several machines: one verdict, one report",
    usage: "tractest merge FILE… [OPTIONS]",
    examples: [
      [
        "tractest merge shard-*.jsonl",
        "one verdict over what `run --shard K/N --events FILE` wrote on each machine",
      ],
      [
        "tractest merge shard-*.jsonl --junit report.xml --durations durations.json",
        "one report, and what the next cut is balanced by",
      ],
    ],
    exits: [0, 1, 82, 84, 124, 130, 131, 143],
  },
  {
    name: "doctor",
    summary: "every check, a row each, with a fix for each",
    usage: "tractest doctor [OPTIONS]",
    examples: [["tractest doctor", "what stands in the way of a run"], [
      "tractest doctor --fix",
      "apply the safe fixes",
    ]],
    exits: [0, 80, 81],
  },
  {
    name: "zombies",
    summary: "leaked actors, who holds the registry, stale sockets",
    usage: "tractest zombies [OPTIONS]",
    examples: [
      ["tractest zombies", "list, change nothing"],
      [
        "tractest zombies --kill",
        "SIGINT, wait, SIGKILL what is left, remove stale sockets, verify",
      ],
      ["tractest zombies --kill --hook", "the same from a git hook"],
    ],
    exits: [0, 69, 81, 82],
  },
  {
    name: "failed",
    summary: "what pytest recorded as failed, without running it",
    usage: "tractest failed [OPTIONS]",
    examples: [["tractest failed", "list"], ["tractest failed --run", "re-run exactly these"]],
    exits: [0],
  },
  {
    name: "bisect",
    summary: "which earlier test makes this one fail, hang or leak",
    usage: "tractest bisect TEST [OPTIONS] [-- PYTEST…]",
    examples: [
      [
        "tractest bisect 'test_rpc.py::test_x[a -> b]'",
        "among what ran before it when it went wrong last",
      ],
      ["tractest bisect test_rpc.py::test_x --in test_rpc.py --in ipc/", "among these"],
      ["tractest bisect test_rpc.py::test_x --symptom hang --test-timeout 5", "what makes it hang"],
      ["tractest bisect test_rpc.py::test_x --repeat 5", "when it does not show each time"],
    ],
    exits: [0, 1, 69, 80, 81, 82, 83, 124, 130, 131, 143],
  },
  {
    name: "stress",
    summary:
      "the same test in many isolated pytests at once, to bring out what only contention breaks",
    usage: "tractest stress TEST… [OPTIONS] [-- PYTEST…]",
    examples: [
      [
        "tractest stress test_rpc.py::test_x",
        "4 copies at once, 10 times: how often does it fail?",
      ],
      [
        "tractest stress test_rpc.py::test_x --copies 8 --rounds 50 --until-fail",
        "until it fails, with its traceback",
      ],
      ["tractest stress test_rpc.py::test_x --baseline", "and how often alone"],
    ],
    exits: [0, 1, 69, 80, 81, 82, 83, 130, 131, 143],
  },
  {
    name: "affected",
    summary: "the tests to run first for the current changes",
    usage: "tractest affected [OPTIONS]",
    examples: [["tractest affected", "targets, and because of which change"], [
      "tractest affected --run",
      "run them, and no others",
    ]],
    exits: [0, 69, 80],
  },
  {
    name: "check",
    summary: "import and collection, the fastest first pass after a refactor",
    usage: "tractest check [OPTIONS]",
    examples: [["tractest check", "import the package, collect all tests"]],
    exits: [0, 69, 80],
  },
  {
    name: "flaky",
    summary: "the known-flaky list, and what the record proves to be flaky",
    usage: "tractest flaky [OPTIONS]",
    examples: [[
      "tractest flaky",
      "which failures are known, and why; failure rates with their 95% intervals",
    ]],
    exits: [0],
  },
  {
    name: "report",
    summary: "one HTML page of a run: failures, times, leaks, trends",
    usage: "tractest report [RUN] [OPTIONS]",
    examples: [
      ["tractest report", "the newest run, into tractest-report.html"],
      [
        "tractest report 20261124-140614-d0a2 --output /tmp/run.html",
        "another run, by its name or the beginning of it",
      ],
      ["tractest report --output -", "to standard output"],
    ],
    exits: [0, 80],
  },
  {
    name: "history",
    summary: "recorded runs, or the outcomes of one test over them",
    usage: "tractest history [TEST] [OPTIONS]",
    examples: [
      ["tractest history", "the latest runs"],
      [
        "tractest history test_rpc.py::test_rpc_result",
        "one test: its failure rate, its outcomes, newest first",
      ],
      ["tractest history test_rpc", "all tests whose id contains it"],
      ["tractest history --commit 6d0d0d5", "what ran at a commit"],
    ],
    exits: [0],
  },
  {
    name: "slow",
    summary: "the slowest tests, and those that became slower",
    usage: "tractest slow [OPTIONS]",
    examples: [
      ["tractest slow", "by the median of their latest passes"],
      [
        "tractest slow --regressed",
        "those whose latest passes took longer than the ones before, beyond noise",
      ],
    ],
    exits: [0],
  },
  {
    name: "hang",
    summary: "what a stuck tree waits for, with proof",
    usage: "tractest hang [PID] [OPTIONS]",
    examples: [
      ["tractest hang", "the pytests of this repo that run now"],
      ["tractest hang 4711", "that process and all below it"],
      [
        "tractest hang --confirm",
        "run the test that hangs, or hung last, again with -s, and decide",
      ],
    ],
    exits: [0, 80, 81],
  },
  {
    name: "status",
    summary: "the runs that are under way, here or at another terminal, and the last ones",
    usage: "tractest status [ID] [OPTIONS]",
    examples: [
      ["tractest status", "what runs now, which test, how far it is, what has failed so far"],
      ["tractest status last", "the last run"],
      ["tractest status --all", "the runs of all repos"],
    ],
    exits: [0, 80],
  },
  {
    name: "wait",
    summary: "wait until a run is over, exit with its code",
    usage: "tractest wait [ID] [OPTIONS]",
    examples: [
      ["tractest wait", "the newest run that is under way, else the last one"],
      ["tractest wait --timeout 60", "no longer than a minute"],
    ],
    exits: [0, 1, 80, 81, 82, 83, 84, 124, 130, 131, 143],
  },
  {
    name: "logs",
    summary: "what a run has printed",
    usage: "tractest logs [ID] [OPTIONS]",
    examples: [["tractest logs", "so far"], [
      "tractest logs -f",
      "and what comes, until it is over",
    ]],
    exits: [0, 80],
  },
  {
    name: "stop",
    summary: "end a run as Ctrl-C does",
    usage: "tractest stop [ID] [OPTIONS]",
    examples: [[
      "tractest stop",
      "the newest run of this repo: SIGINT in the background, SIGTERM at a terminal, a second one if it stays",
    ]],
    exits: [0, 80, 82],
  },
  {
    name: "layout",
    summary: "the tests tree as it is, beside the reference",
    usage: "tractest layout [OPTIONS]",
    examples: [["tractest layout", "what is where, what moved"]],
    exits: [0],
  },
  {
    name: "hooks",
    summary: "git hooks that clean up: install, uninstall, status",
    usage:
      "tractest hooks install|uninstall|status [pre-push|pre-commit|post-checkout …] [OPTIONS]",
    examples: [
      ["tractest hooks status", "which hooks are there, and who manages them"],
      [
        "tractest hooks install pre-push",
        "run `zombies --kill --hook` before each push; a hook that is there stays as it is, below our lines",
      ],
      [
        "tractest hooks install pre-commit --command 'run core'",
        "run something else; tests run on the work tree as it is",
      ],
      [
        "tractest hooks install --print lefthook",
        "print the entries for lefthook, pre-commit, husky or a coding agent",
      ],
      ["tractest hooks uninstall", "take our lines out again, byte for byte"],
    ],
    exits: [0, 69, 80],
  },
  {
    name: "completions",
    summary: "completion script for a shell",
    usage: "tractest completions bash|zsh|fish",
    examples: [[
      "tractest completions bash > ~/.local/share/bash-completion/completions/tractest",
      "install for bash",
    ]],
    exits: [0],
  },
  {
    name: "help",
    summary: "help for a command, or for a topic: exit-codes, environment",
    usage: "tractest help [COMMAND|TOPIC]",
    examples: [["tractest help run", "the same as `tractest run --help`"]],
    exits: [0],
  },
  {
    name: "version",
    summary: "version, kind of binary, runtime",
    usage: "tractest version [OPTIONS]",
    examples: [["tractest version", "one line"]],
    exits: [0],
  },
  {
    name: "permissions",
    summary: "what each command may do; with --row, proof that it holds",
    usage: "tractest permissions [--row ROW]",
    examples: [["tractest permissions", "the table"], [
      "tractest permissions --row failed",
      "try everything that `failed` may not do",
    ]],
    exits: [0, 70],
  },
] as const satisfies readonly CommandRow[];

/** The name of a command in {@linkcode COMMANDS}. */
export type CommandName = typeof COMMANDS[number]["name"];
