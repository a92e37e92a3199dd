import { EXIT_SECONDS, GRACE_SECONDS } from "../tables/defaults.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "./options.ts";

/** Options of the commands that run pytest, once or several times. */
export const RUNS_PYTEST = {
  ...WITH_JSON,
  yes: SHARED.yes,
  profile: SHARED.profile,
  ll: {
    section: "tractor",
    kind: "text",
    metavar: "LEVEL",
    offers: ["error", "warning", "info", "debug", "cancel", "runtime", "transport"],
    doc: "tractor's log level: error, info, debug, runtime …",
  },
  "tpt-proto": {
    section: "tractor",
    kind: "choices",
    choices: ["tcp", "uds"],
    doc: "IPC transport",
  },
  "spawn-backend": {
    section: "tractor",
    kind: "text",
    metavar: "BACKEND",
    offers: ["trio", "mp_spawn", "mp_forkserver"],
    doc: "how actors are started: trio, mp_spawn, mp_forkserver, if the checkout has it",
  },
  timeout: {
    section: "limits",
    kind: "seconds",
    doc: "time limit of the run, as 90, 5m or 1h30m; 0: none " +
      "(600 for the full suite, 120 for one file)",
  },
  "test-timeout": {
    section: "limits",
    kind: "seconds",
    doc: "time limit of each test: a test that hangs is ended, with its processes, and reported",
  },
  "exit-timeout": {
    section: "limits",
    kind: "seconds",
    default: EXIT_SECONDS,
    doc: "time limit for pytest to exit after its report",
  },
  isolate: {
    section: "execution",
    kind: "choice",
    bare: "always",
    choices: ["always", "auto"],
    doc: "run pytest in its own namespaces, with its own ports, sockets and shared memory; no " +
      "process outlives it (`tractest help isolation`); auto: if the system allows it",
  },
  "no-isolate": {
    section: "execution",
    kind: "flag",
    doc: "don't isolate, whatever the configuration says",
  },
  "no-preflight": { section: "checks", kind: "flag", doc: "skip the checks before the run" },
  clean: {
    section: "checks",
    kind: "flag",
    doc: "clean up leaked processes and stale sockets before the run",
  },
  wait: { section: "checks", kind: "flag", doc: "wait for the end of another run in this repo" },
  python: {
    section: "execution",
    kind: "path",
    source: "venvs",
    doc: "use this Python, or the venv at PATH",
  },
  sync: {
    section: "execution",
    kind: "flag",
    doc: "make the venv, or bring it up to date with uv.lock, first",
  },
  "uv-run": {
    section: "execution",
    kind: "flag",
    doc: "start Python by `uv run`, which is slower than an existing venv",
  },
  grace: {
    section: "limits",
    kind: "seconds",
    default: GRACE_SECONDS,
    doc: "time between SIGINT and SIGKILL",
  },
} as const satisfies OptionTable;

/** The options of every command that runs pytest. */
export type SharedOptions = OptionsOf<typeof RUNS_PYTEST>;
