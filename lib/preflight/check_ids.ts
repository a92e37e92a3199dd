import type { Project } from "../project/project.ts";
import type { Profile } from "../project/rules_profile.ts";

/** A check of `doctor`; the preflight of `run` and `check` includes some of them. */
export interface CheckRow {
  /** Stable: readers of `--json` rely on it. */
  readonly id: string;
  readonly means: string;
  /** The profile whose projects have this check; without one all have it. */
  readonly profile?: Profile;
  /** The key that gives a project this check in whatever profile, if it is not empty. */
  readonly key?: "registries" | "socketDirectories";
  /** Whether it is made only where an option asks for it. */
  readonly onRequest?: boolean;
}

/** Every check, in the order in which `doctor` shows them. */
export const CHECKS = [
  { id: "tool-python", means: "there is a Python to run the tests with" },
  { id: "tool-uv", means: "uv is installed: it creates and syncs the venv" },
  {
    id: "tool-git",
    means: "git is installed: it shows what changed, and whether this is a worktree",
  },
  { id: "tool-ss", means: "ss is installed: it shows who holds which port, and live Unix sockets" },
  { id: "tool-ps", means: "ps is installed: it lists processes, their ancestors and states" },
  { id: "tool-pgrep", means: "pgrep is installed, for commands that people type by hand" },
  { id: "tool-lsof", means: "lsof is installed, for commands that people type by hand" },
  {
    id: "venv",
    means: "this project has a venv, and its package is imported from this checkout",
  },
  { id: "python-version", means: "its Python is a version that the project accepts" },
  { id: "worktree", means: "in a linked git worktree, the package is imported from that worktree" },
  { id: "import", means: "the package can be imported" },
  { id: "collection", means: "all tests can be collected" },
  {
    id: "registry",
    means: "the registry's address is free",
    profile: "tractor",
    key: "registries",
  },
  { id: "actors", means: "no actor of this project is left behind", profile: "tractor" },
  { id: "leaks", means: "no process that the tests started is left behind", profile: "plain" },
  {
    id: "sockets",
    means: "no stale Unix socket is left behind",
    profile: "tractor",
    key: "socketDirectories",
  },
  { id: "sigint", means: "SIGINT is not ignored, so tests that cancel with it work" },
  {
    id: "signals",
    means: "how processes are signalled: by `PID:INODE` if `kill` supports it, or by verified pid",
  },
  { id: "isolation", means: "the system allows the namespaces that `run --isolate` needs" },
  { id: "ld-variables", means: "`LD_*` variables, which pytest gets but the probes don't" },
  { id: "pytest-addopts", means: "options that pytest takes from PYTEST_ADDOPTS" },
  {
    id: "tractor-variables",
    means: "`TRACTOR_*` variables, which change how actors run",
    profile: "tractor",
  },
  { id: "python-variables", means: "`PYTHON*` variables, which change imports and assertions" },
  {
    id: "cpu",
    means:
      "with `--cpu`: processors keep their speed under load, and nothing else takes their time",
    onRequest: true,
  },
  { id: "state-directories", means: "tractest's own directories are private and writable" },
  { id: "binary", means: "this program has no permission beyond its permission table" },
] as const satisfies readonly CheckRow[];

/** The id of a check in {@linkcode CHECKS}. */
export type CheckId = typeof CHECKS[number]["id"];

/**
 * The checks that a project has, by its profile and configuration.
 *
 * @param requested those that an option asks for
 */
export function checksOf(
  { profile, configuration }: CheckedProject,
  requested: readonly CheckId[] = [],
): CheckId[] {
  return (CHECKS as readonly (CheckRow & { readonly id: CheckId })[]).filter((row) =>
    row.onRequest
      ? requested.includes(row.id)
      : row.profile === undefined || row.profile === profile ||
        (row.key !== undefined && configuration[row.key].length > 0)
  ).map(({ id }) => id);
}

/** What decides which checks a project has. */
export type CheckedProject = Pick<Project, "profile"> & {
  readonly configuration: Pick<Project["configuration"], "registries" | "socketDirectories">;
};
