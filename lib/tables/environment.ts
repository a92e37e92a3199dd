/** An environment variable that tractest reads, and why. */
export interface EnvironmentRow {
  readonly name: string;
  readonly purpose: string;
}

/** Every environment variable that tractest itself reads. pytest inherits the whole environment. */
export const ENVIRONMENT = [
  {
    name: "HOME",
    purpose: "place of the state and cache directories if XDG's variables are unset",
  },
  { name: "XDG_STATE_HOME", purpose: "history, logs, ledger: `$XDG_STATE_HOME/tractest`" },
  { name: "XDG_CACHE_HOME", purpose: "extracted helper files: `$XDG_CACHE_HOME/tractest`" },
  { name: "XDG_CONFIG_HOME", purpose: "place of git's user configuration, with HOME" },
  { name: "XDG_RUNTIME_DIR", purpose: "place of the Unix sockets of current tractor" },
  { name: "TMPDIR", purpose: "place of pytest's base temporary directory" },
  { name: "NO_COLOR", purpose: "no colour if set and not empty" },
  { name: "FORCE_COLOR", purpose: "colour also where there is no terminal, if set and not empty" },
  { name: "TERM", purpose: "`dumb`: no colour, no progress line" },
  { name: "TRACTEST_PAGER", purpose: "`cat`: no pager; only `less` is ever one" },
  { name: "PAGER", purpose: "the same where TRACTEST_PAGER is not set" },
  { name: "TERMINFO", purpose: "passed on to `less`: where the terminal is described" },
  { name: "VIRTUAL_ENV", purpose: "the active venv" },
  { name: "UV_PROJECT_ENVIRONMENT", purpose: "the venv that uv uses, instead of `.venv`" },
  { name: "PATH", purpose: "place of the user's `python` and `uv`" },
  { name: "PYTEST_ADDOPTS", purpose: "further options of pytest; `doctor` shows them" },
  {
    name: "TRACTEST_PROFILE",
    purpose: "the profile of the configuration, as `--profile` chooses one",
  },
  { name: "TRACTEST_UI", purpose: "`agent`, `bar` or `pytest`: the default of `run --ui`" },
  { name: "GITHUB_ACTIONS", purpose: "`true`: annotations, groups and a summary for GitHub" },
  { name: "GITHUB_STEP_SUMMARY", purpose: "the file that GitHub shows as a job's summary" },
  { name: "GITHUB_WORKSPACE", purpose: "what GitHub's annotations name files relative to" },
  { name: "GITLAB_CI", purpose: "`true`: sections for GitLab" },
  { name: "TF_BUILD", purpose: "`True`: groups and issues for Azure Pipelines" },
  { name: "BUILDKITE", purpose: "`true`: groups for Buildkite" },
  { name: "CIRCLECI", purpose: "`true`: colour for CircleCI" },
  { name: "CI_NODE_INDEX", purpose: "GitLab's number of a parallel job, for `--shard auto`" },
  { name: "CI_NODE_TOTAL", purpose: "GitLab's count of parallel jobs" },
  { name: "CIRCLE_NODE_INDEX", purpose: "the same of CircleCI, from 0" },
  { name: "CIRCLE_NODE_TOTAL", purpose: "CircleCI's count" },
  { name: "BUILDKITE_PARALLEL_JOB", purpose: "the same of Buildkite, from 0" },
  { name: "BUILDKITE_PARALLEL_JOB_COUNT", purpose: "Buildkite's count" },
  { name: "SYSTEM_JOBPOSITIONINPHASE", purpose: "the same of Azure Pipelines" },
  { name: "SYSTEM_TOTALJOBSINPHASE", purpose: "Azure's count" },
  { name: "JOB_COMPLETION_INDEX", purpose: "the same of an indexed Kubernetes job, from 0" },
  { name: "SLURM_ARRAY_TASK_ID", purpose: "the same of an array of Slurm" },
  { name: "SLURM_ARRAY_TASK_MIN", purpose: "the first number of Slurm's array" },
  { name: "SLURM_ARRAY_TASK_MAX", purpose: "its last number" },
  { name: "SLURM_ARRAY_TASK_COUNT", purpose: "Slurm's count" },
  { name: "SLURM_ARRAY_TASK_STEP", purpose: "the distance between two of its numbers" },
] as const satisfies readonly EnvironmentRow[];

/** The name of a variable in {@linkcode ENVIRONMENT}. */
export type EnvironmentName = typeof ENVIRONMENT[number]["name"];
