/**
 * The standard directories of programs, first match wins. PATH is never searched, so that a hostile
 * directory in it changes nothing.
 */
export const STANDARD_DIRECTORIES = [
  "/usr/bin",
  "/bin",
  "/usr/sbin",
  "/sbin",
  "/opt/homebrew/bin",
  "/usr/local/bin",
  "/run/current-system/sw/bin",
] as const;

/** A foreign program that tractest may start, and the package that has it (Debian's name first). */
export interface ProgramRow {
  readonly name: string;
  readonly packages: string;
  readonly purpose: string;
}

/**
 * Every program that tractest starts. pytest, python, uv and py-spy are started by `env`, since
 * their paths are not known beforehand.
 */
export const PROGRAMS = [
  {
    name: "env",
    packages: "coreutils",
    purpose: "starts pytest, python and uv with SIGINT at its default",
  },
  {
    name: "ss",
    packages: "iproute2",
    purpose: "who listens on which port, which Unix sockets are alive",
  },
  {
    name: "pgrep",
    packages: "procps",
    purpose: "for people who search by hand; doctor shows its version",
  },
  { name: "ps", packages: "procps", purpose: "processes: titles, ancestors, states" },
  {
    name: "lsof",
    packages: "lsof",
    purpose: "for people who search the holder of a file; doctor shows its version",
  },
  {
    name: "cat",
    packages: "coreutils",
    purpose: "start ticks, mapped files and signal masks under /proc",
  },
  {
    name: "grep",
    packages: "grep",
    purpose: "which processes a test started: two variables of their environments",
  },
  {
    name: "readlink",
    packages: "coreutils",
    purpose: "namespaces and working directory of a process",
  },
  {
    name: "stat",
    packages: "coreutils",
    purpose: "device and inode of a directory that is seen through /proc",
  },
  { name: "kill", packages: "procps", purpose: "signals a verified process" },
  {
    name: "getino",
    packages: "util-linux",
    purpose: "where it is: the inode of a process, so that a signal can't reach another",
  },
  {
    name: "ls",
    packages: "coreutils",
    purpose:
      "names of segments of shared memory and open files of processes, which Deno may not list",
  },
  {
    name: "unlink",
    packages: "coreutils",
    purpose: "removes a segment of shared memory that no process maps",
  },
  {
    name: "dd",
    packages: "coreutils",
    purpose: "which files a process of a stuck tree waits for in poll: a list in its memory",
  },
  {
    name: "nsenter",
    packages: "util-linux",
    purpose: "starts ss in the network of an isolated run: which Unix sockets are connected there",
  },
  { name: "git", packages: "git", purpose: "changed files, worktree; read only" },
  {
    name: "notify-send",
    packages: "libnotify-bin",
    purpose: "announces the end of a run on the desktop, with --notify",
  },
  { name: "osascript", packages: "macOS itself", purpose: "the same on macOS" },
  {
    name: "less",
    packages: "less",
    purpose: "shows help and lists that are longer than the terminal",
  },
  { name: "uname", packages: "coreutils", purpose: "the kernel's release, for doctor" },
] as const satisfies readonly ProgramRow[];

/** The name of a program in {@linkcode PROGRAMS}. */
export type ProgramName = typeof PROGRAMS[number]["name"];
