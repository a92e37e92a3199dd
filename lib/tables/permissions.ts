/**
 * What one command, in one mode, may do. `read`, `write`, `net` and `uid` are all or nothing;
 * programs and variables are exact.
 */
export interface PermissionRow {
  /** The command, and the effect flag that widens it, as a user types them: `zombies --kill`. */
  readonly row: string;
  /** Names of {@linkcode PROGRAMS}. */
  readonly programs: readonly string[];
  /** Names of {@linkcode ENVIRONMENT}. */
  readonly env: readonly string[];
  readonly read: boolean;
  readonly write: boolean;
  readonly net: boolean;
  /** Deno's `sys=uid`. */
  readonly uid: boolean;
  readonly why: string;
}

const TALK = ["NO_COLOR", "FORCE_COLOR", "TERM"] as const;
/** For finding the project, and in its venv what belongs to its profile. */
const PROJECT_ENV = [
  ...TALK,
  "HOME",
  "VIRTUAL_ENV",
  "UV_PROJECT_ENVIRONMENT",
  "TRACTEST_PROFILE",
] as const;
const PROBES = ["ss", "ps", "cat", "readlink", "stat"] as const;
/** What a stuck tree waits for: also the files of a call of `poll`, and sockets in isolations. */
const OF_HANGS = ["dd", "nsenter"] as const;
const HANG_PROBES = [...PROBES, "ls", ...OF_HANGS] as const;
/** A scan for leaks also asks which processes tests started, and which sockets they hold. */
const LEAK_PROBES = [...PROBES, "ls", "grep"] as const;
/** `doctor` alone asks for their versions: people type these by hand. */
const TYPED_BY_HAND = ["pgrep", "lsof"] as const;
/** `getino`, where the system has it, identifies the process that `kill` signals. */
const SIGNALS = ["kill", "getino"] as const;
/** With `--notify`. */
const DESKTOP = ["notify-send", "osascript"] as const;
const PROBE_ENV = [...PROJECT_ENV, "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] as const;
/** Boot, namespace and start ticks: whether the process of a run is still the same one. */
const ALIVE = ["cat", "readlink"] as const;
const GIT_ENV = [...PROJECT_ENV, "XDG_CONFIG_HOME"] as const;
/** Where the state directory is. */
const STATE_ENV = [...PROJECT_ENV, "XDG_STATE_HOME"] as const;
/** For the logs of CI. */
const CI_LOG_ENV = [
  "GITHUB_ACTIONS",
  "GITHUB_STEP_SUMMARY",
  "GITHUB_WORKSPACE",
  "GITLAB_CI",
  "TF_BUILD",
  "BUILDKITE",
  "CIRCLECI",
] as const;
/** These, and those for `--shard auto`. */
const CI_ENV = [
  ...CI_LOG_ENV,
  "CI_NODE_INDEX",
  "CI_NODE_TOTAL",
  "CIRCLE_NODE_INDEX",
  "CIRCLE_NODE_TOTAL",
  "BUILDKITE_PARALLEL_JOB",
  "BUILDKITE_PARALLEL_JOB_COUNT",
  "SYSTEM_JOBPOSITIONINPHASE",
  "SYSTEM_TOTALJOBSINPHASE",
  "JOB_COMPLETION_INDEX",
  "SLURM_ARRAY_TASK_ID",
  "SLURM_ARRAY_TASK_MIN",
  "SLURM_ARRAY_TASK_MAX",
  "SLURM_ARRAY_TASK_COUNT",
  "SLURM_ARRAY_TASK_STEP",
] as const;
const RUN_ENV = [
  ...CI_ENV,
  ...PROBE_ENV,
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "PATH",
  "PYTEST_ADDOPTS",
  "TRACTEST_UI",
] as const;

/** For every command that runs pytest. */
const RUN_PROGRAMS = [...LEAK_PROBES, ...OF_HANGS, ...SIGNALS, "env", "git"] as const;

/**
 * The permission table: one row per command and effect flag. The binary is compiled with the union
 * of all rows; each command drops all permissions outside its row before it does anything else.
 */
export const PERMISSIONS = [
  {
    row: "help",
    programs: [],
    env: TALK,
    read: false,
    write: false,
    net: false,
    uid: false,
    why: "prints tables",
  },
  {
    row: "pager",
    programs: ["less"],
    env: [...TALK, "TRACTEST_PAGER", "PAGER", "TERMINFO"],
    read: false,
    write: false,
    net: false,
    uid: false,
    why: "besides its own row: help, failed, flaky, slow and history at a terminal show a long " +
      "output in less",
  },
  {
    row: "version",
    programs: [],
    env: TALK,
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "reads which kind of binary it is",
  },
  {
    row: "completions",
    programs: [],
    env: TALK,
    read: false,
    write: false,
    net: false,
    uid: false,
    why: "prints tables",
  },
  {
    row: "complete",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "called by the completion scripts: reads pytest's cache, test files, refs and runs",
  },
  {
    row: "agent-guide",
    programs: [],
    env: TALK,
    read: false,
    write: false,
    net: false,
    uid: false,
    why: "prints tables",
  },
  {
    row: "permissions",
    programs: [],
    env: TALK,
    read: false,
    write: false,
    net: false,
    uid: false,
    why: "prints this table",
  },
  {
    row: "config",
    programs: [],
    env: [...PROJECT_ENV, "TRACTEST_UI"],
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "reads the project's configuration",
  },
  {
    row: "init --dry-run",
    programs: [],
    env: PROJECT_ENV,
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "reads the project's files",
  },
  {
    row: "init",
    programs: [],
    env: PROJECT_ENV,
    read: true,
    write: true,
    net: false,
    uid: false,
    why: "also appends to pyproject.toml",
  },
  {
    row: "layout",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "lists the tests tree, reads durations from the history and checks its owner",
  },
  {
    row: "failed",
    programs: [],
    env: PROJECT_ENV,
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "reads pytest's cache",
  },
  {
    row: "flaky",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "reads the configuration and the history",
  },
  {
    row: "slow",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "reads the history",
  },
  {
    row: "report",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: true,
    net: false,
    uid: true,
    why: "reads the events of a run and the history, writes the page",
  },
  {
    row: "history",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: true,
    net: false,
    uid: true,
    why: "reads the history, and adds runs that were killed",
  },
  {
    row: "affected",
    programs: ["git"],
    env: [...GIT_ENV, "XDG_STATE_HOME"],
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "asks git for changes and import lines, reads durations from the history",
  },
  {
    row: "overview",
    programs: LEAK_PROBES,
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "reads the project and its runs, and scans for leaks as `zombies` does",
  },
  {
    row: "tree",
    programs: LEAK_PROBES,
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "scans for leaks as `zombies` does, and lists what the processes use",
  },
  {
    row: "bundle",
    programs: [...LEAK_PROBES, ...OF_HANGS, ...TYPED_BY_HAND, "env", "git", "uname"],
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "runs what `tree`, `hang --stacks`, `zombies` and `doctor` run, and writes the archive",
  },
  {
    row: "zombies",
    programs: LEAK_PROBES,
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "runs the probes; connects to Unix sockets to find stale ones: write and net to Deno",
  },
  {
    row: "zombies --kill",
    programs: [...LEAK_PROBES, ...SIGNALS],
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also signals verified processes and unlinks stale sockets",
  },
  {
    row: "zombies --shm",
    programs: LEAK_PROBES,
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also lists shared memory, which Deno itself must not read",
  },
  {
    row: "zombies --shm --kill",
    programs: [...LEAK_PROBES, ...SIGNALS, "unlink"],
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also signals verified processes and unlinks stale sockets and segments",
  },
  {
    row: "hang",
    programs: HANG_PROBES,
    env: PROBE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "runs the probes",
  },
  {
    row: "hang --stacks",
    programs: [...HANG_PROBES, "env"],
    env: [...PROBE_ENV, "PATH"],
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "also reads Python stacks, by the py-spy of the venv or on PATH, started by env",
  },
  {
    row: "hooks",
    programs: ["git"],
    env: [...GIT_ENV, "PATH"],
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "asks git for the hooks directory, and reads the hooks",
  },
  {
    row: "hooks install",
    programs: ["git"],
    env: [...GIT_ENV, "PATH"],
    read: true,
    write: true,
    net: false,
    uid: false,
    why: "also writes the hook; also for `hooks uninstall`, but not with `--dry-run` or `--print`",
  },
  {
    row: "run",
    programs: [...RUN_PROGRAMS, ...DESKTOP],
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "preflight, pytest, verdict, clean-up; with `--isolate` pytest is started by " +
      "sh, setpriv, unshare, mount and ip (or ifconfig, python3)",
  },
  {
    row: "watch",
    programs: ["env", "git", "ps", "cat", ...SIGNALS],
    env: RUN_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "reads files that change, and starts `run`, in a process of its own, by env",
  },
  {
    row: "status",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "reads the records of runs, and whether their processes live",
  },
  {
    row: "wait",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "the same, until a run is over",
  },
  {
    row: "logs",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "the same, and the output of a run",
  },
  {
    row: "stop",
    programs: [...ALIVE, ...SIGNALS],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "also signals the verified process of a run",
  },
  {
    row: "merge",
    programs: [],
    env: [...STATE_ENV, ...CI_LOG_ENV],
    read: true,
    write: true,
    net: false,
    uid: true,
    why: "reads the events of several machines, writes one report",
  },
  {
    row: "bisect",
    programs: RUN_PROGRAMS,
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "runs pytest several times, as `run` does, isolated if the system allows it",
  },
  {
    row: "stress",
    programs: RUN_PROGRAMS,
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "runs many pytests at once, isolated as with `run --isolate`",
  },
  {
    row: "check",
    programs: ["env", "git", "cat"],
    env: RUN_ENV,
    read: true,
    write: true,
    net: false,
    uid: true,
    why: "imports the package and collects",
  },
  {
    row: "doctor",
    programs: [...LEAK_PROBES, ...TYPED_BY_HAND, "env", "git", "uname"],
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "all checks; none changes anything",
  },
  {
    row: "doctor --fix",
    programs: [...LEAK_PROBES, ...TYPED_BY_HAND, ...SIGNALS, "env", "git", "uname"],
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also applies the safe fixes, after asking",
  },
] as const satisfies readonly PermissionRow[];

/** The name of a row of {@linkcode PERMISSIONS}. */
export type PermissionRowName = typeof PERMISSIONS[number]["row"];
