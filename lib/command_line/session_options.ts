import { EXIT_SECONDS, GRACE_SECONDS } from "../tables/defaults.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "./options.ts";

/** Options of the commands that run pytest, once or several times. */
export const RUNS_PYTEST = {
  ...WITH_JSON,
  yes: SHARED.yes,
  ll: { kind: "text", metavar: "LEVEL", doc: "tractor's log level: error, info, debug, runtime …" },
  "tpt-proto": { kind: "choices", choices: ["tcp", "uds"], doc: "IPC transport" },
  "spawn-backend": {
    kind: "text",
    metavar: "BACKEND",
    doc: "how actors are started: trio, mp_spawn, mp_forkserver, as far as the checkout has them",
  },
  timeout: {
    kind: "seconds",
    doc: "time limit from outside pytest; 0: none (600 for all, 120 for one file)",
  },
  "test-timeout": {
    kind: "seconds",
    doc:
      "time limit of each test, from outside pytest: what hangs is ended with its tree and reported",
  },
  "exit-timeout": {
    kind: "seconds",
    default: EXIT_SECONDS,
    doc: "how long pytest may take to exit after its report, before it is ended",
  },
  isolate: {
    kind: "choice",
    bare: "always",
    choices: ["always", "auto"],
    doc:
      "pytest in namespaces of its own: its own registry port, sockets, shared memory, and nothing outlives it; auto: where that can be had",
  },
  "no-isolate": { kind: "flag", doc: "none of that, whatever the configuration says" },
  "no-preflight": { kind: "flag", doc: "skip the checks before the run" },
  clean: { kind: "flag", doc: "clean up leaked actors and stale sockets before the run" },
  wait: { kind: "flag", doc: "wait until another run in this repo has ended" },
  python: { kind: "path", doc: "this Python, or the venv at PATH" },
  sync: {
    kind: "flag",
    doc: "make the venv, or bring it in line with uv.lock, before anything else",
  },
  "uv-run": { kind: "flag", doc: "Python by `uv run`: slower than a venv that is there" },
  grace: { kind: "seconds", default: GRACE_SECONDS, doc: "seconds between SIGINT and SIGKILL" },
} as const satisfies OptionTable;

/** The options of every command that runs pytest. */
export type SharedOptions = OptionsOf<typeof RUNS_PYTEST>;
