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

const TALK = ["NO_COLOR", "TERM"] as const;
const PROBES = ["ss", "ps", "cat", "readlink", "stat"] as const;
/** A look for leaks also asks which processes tests started. */
const LEAK_PROBES = [...PROBES, "grep"] as const;
/** What only `doctor` asks for its version: people type these by hand. */
const TYPED_BY_HAND = ["pgrep", "lsof"] as const;
/** `getino` names the process that `kill` is to signal, where the system has it. */
const SIGNALS = ["kill", "getino"] as const;
/** With `--notify`. */
const DESKTOP = ["notify-send", "osascript"] as const;
const PROBE_ENV = [...TALK, "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] as const;
/** Boot, namespace and start ticks: whether the process of a run is still the same one. */
const ALIVE = ["cat", "readlink"] as const;
const GIT_ENV = [...TALK, "HOME", "XDG_CONFIG_HOME"] as const;
/** Where the state directory is. */
const STATE_ENV = [...TALK, "HOME", "XDG_STATE_HOME"] as const;
const RUN_ENV = [
  ...PROBE_ENV,
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "VIRTUAL_ENV",
  "PATH",
  "PYTEST_ADDOPTS",
] as const;

/** What every command needs that runs pytest. */
const RUN_PROGRAMS = [...LEAK_PROBES, "ls", ...SIGNALS, "env", "git"] as const;

/**
 * The permission table: one row per command and effect flag. The binary is compiled with the union
 * of all rows; each command drops what its row does not name before it does anything else.
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
    row: "version",
    programs: [],
    env: TALK,
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "reads its own kind",
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
    row: "layout",
    programs: [],
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "lists the tests tree, reads durations from the history, whose owner it checks",
  },
  {
    row: "failed",
    programs: [],
    env: [...TALK, "HOME"],
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
    why: "reads the history, and writes into it the runs that were killed",
  },
  {
    row: "affected",
    programs: ["git"],
    env: [...GIT_ENV, "XDG_STATE_HOME"],
    read: true,
    write: false,
    net: false,
    uid: true,
    why:
      "asks git what changed and which lines import something, and the history how long the tests take",
  },
  {
    row: "zombies",
    programs: LEAK_PROBES,
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why:
      "runs the probes; Deno counts a connect to a Unix socket, which tells a stale one from a live one, as write and net",
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
    programs: [...LEAK_PROBES, "ls"],
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also lists shared memory, which Deno itself may not",
  },
  {
    row: "zombies --shm --kill",
    programs: [...LEAK_PROBES, "ls", ...SIGNALS, "unlink"],
    env: PROBE_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "also signals verified processes and unlinks stale sockets and segments",
  },
  {
    row: "hang",
    programs: [...PROBES, "ls"],
    env: PROBE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "runs the probes",
  },
  {
    row: "hang --stacks",
    programs: [...PROBES, "ls", "env"],
    env: [...PROBE_ENV, "PATH"],
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "also reads Python stacks, by a py-spy of the venv or on PATH, which starts through env",
  },
  {
    row: "hooks",
    programs: ["git"],
    env: [...GIT_ENV, "PATH"],
    read: true,
    write: false,
    net: false,
    uid: false,
    why: "asks git where the hooks are, and reads them",
  },
  {
    row: "hooks install",
    programs: ["git"],
    env: [...GIT_ENV, "PATH"],
    read: true,
    write: true,
    net: false,
    uid: false,
    why:
      "also writes the hook; `hooks uninstall` takes this row too, `--dry-run` and `--print` don't",
  },
  {
    row: "run",
    programs: [...RUN_PROGRAMS, ...DESKTOP],
    env: RUN_ENV,
    read: true,
    write: true,
    net: true,
    uid: true,
    why:
      "preflight, pytest, verdict, clean-up; with `--isolate` pytest starts below sh, setpriv, unshare, mount and ip",
  },
  {
    row: "status",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "reads the records of runs, and whether they live",
  },
  {
    row: "wait",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "the same, until one is over",
  },
  {
    row: "logs",
    programs: ALIVE,
    env: STATE_ENV,
    read: true,
    write: false,
    net: false,
    uid: true,
    why: "the same, and what a run printed",
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
    env: [...TALK, "HOME", "XDG_STATE_HOME"],
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
    why: "runs pytest several times, as `run` does, isolated where that can be had",
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
    why: "every check, none of which changes anything",
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
