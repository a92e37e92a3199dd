/** How an actor process is recognized by its title or by how it was started. */
export interface ActorSignature {
  /** As evidence names it. */
  readonly name: string;
  /**
   * What `pattern` has to match: `title`, the whole of a command line of one word; `module`, the
   * module that Python runs; `code`, the code after Python's `-c`; `comm`, the kernel's name.
   */
  readonly where: "title" | "module" | "code" | "comm";
  readonly pattern: RegExp;
}

/**
 * Every spawn backend, of the release 0.1.0a5 and of current tractor. Words in the arguments of
 * other programs (editors, grep) match nothing here.
 */
export const ACTOR_SIGNATURES = [
  { name: "titled as a subactor", where: "title", pattern: /^(_subactor|tractor)\[.+@.+\]$/s },
  { name: "named as a subactor", where: "comm", pattern: /^_subactor\[/ },
  { name: "runs the module of a subactor", where: "module", pattern: /^tractor\._child$/ },
  { name: "runs the code of a subactor", where: "code", pattern: /\b_actor_child_main\b/ },
  {
    name: "named as a fork server for subinterpreters",
    where: "comm",
    pattern: /^subint-forkserv/,
  },
  {
    name: "titled as a fork server for subinterpreters",
    where: "title",
    pattern: /^subint-forkserv/,
  },
  // The server, and with the very same words each actor that it forked.
  {
    name: "runs tractor's fork server",
    where: "code",
    pattern: /^\s*from tractor\.(spawn\.)?_forkserver_override import /,
  },
] as const satisfies readonly ActorSignature[];

/**
 * What a list of all processes is searched for: wider than the signatures, since it only decides
 * where to look closer.
 */
export const FIRST_SCAN = new RegExp(
  String.raw`_subactor|tractor\[|tractor\._child|_actor_child_main|subint-forkserv|` +
    String.raw`from (multiprocessing|billiard)\.|loky\.backend|from tractor\.`,
);

/**
 * Processes that libraries for many processes start: a worker, the server that forks workers, the
 * tracker that cleans up after them. Any program may have them: such a one is no actor by that
 * alone.
 */
export const HELPERS = [
  {
    where: "code",
    pattern: /^\s*from (multiprocessing|billiard)\.(forkserver|spawn) import /,
    tracks: false,
  },
  {
    where: "module",
    pattern: /^((joblib\.externals\.)?loky\.backend\.popen_loky_posix)$/,
    tracks: false,
  },
  // These end by themselves as soon as the last process that uses them has.
  {
    where: "code",
    pattern: new RegExp(
      String.raw`^\s*from (multiprocessing|billiard|` +
        String.raw`(joblib\.externals\.)?loky\.backend)\.(resource|semaphore)_tracker import `,
    ),
    tracks: true,
  },
] as const satisfies readonly { where: "code" | "module"; pattern: RegExp; tracks: boolean }[];

/**
 * Helpers that one test starts and all later ones use: they live as long as pytest and are no leak
 * of that test.
 */
export const SHARED_HELPERS = new RegExp(
  String.raw`\bfrom ((multiprocessing|billiard|` +
    String.raw`(joblib\.externals\.)?loky\.backend)\.(forkserver|resource_tracker|` +
    String.raw`semaphore_tracker)|tractor\.(spawn\.)?_forkserver_override) import `,
);

/** The code of a fork server, and with the very same words of each process that it forked. */
export const FORK_SERVER = /\bfrom [\w.]*(forkserver|_forkserver_override) import /;

/** The title of a worker of pytest-xdist, and of what that has forked. */
export const XDIST_WORKER = /^\[pytest-xdist (running|idle)\]/;

/**
 * Compiled modules that every program on tractor maps: they distinguish an application from a
 * script that merely uses the same venv.
 */
export const RUNTIME_EXTENSIONS = ["msgspec"] as const;

/**
 * Programs that start others by hand and never adopt orphans: what such a one started, somebody
 * wants.
 */
export const SHELLS_AND_DEBUGGERS = [
  "sh",
  "bash",
  "dash",
  "zsh",
  "fish",
  "ksh",
  "mksh",
  "tcsh",
  "csh",
  "xonsh",
  "nu",
  "gdb",
  "lldb",
  "strace",
  "ltrace",
  "perf",
  "rr",
  "valgrind",
] as const;
