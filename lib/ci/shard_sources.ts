import type { EnvironmentName } from "../tables/environment.ts";

/** Variables that say which of several machines of one job this is. */
export interface ShardSource {
  readonly title: string;
  /** The number of this machine. */
  readonly index: EnvironmentName;
  /** The number of the first machine; a name: the variable that holds it. */
  readonly base: 0 | 1 | EnvironmentName;
  /** How many machines there are; null: no variable says so, and `auto/N` has to. */
  readonly count: EnvironmentName | null;
  /** The number of the last machine: where numbers were left out, none of them is a part. */
  readonly last?: EnvironmentName;
  /** The distance between the numbers of two machines; 1 where it is not set. */
  readonly step?: EnvironmentName;
}

/** All of them; the first whose variables are set decides. */
export const SHARD_SOURCES = [
  { title: "GitLab", index: "CI_NODE_INDEX", base: 1, count: "CI_NODE_TOTAL" },
  { title: "CircleCI", index: "CIRCLE_NODE_INDEX", base: 0, count: "CIRCLE_NODE_TOTAL" },
  {
    title: "Buildkite",
    index: "BUILDKITE_PARALLEL_JOB",
    base: 0,
    count: "BUILDKITE_PARALLEL_JOB_COUNT",
  },
  {
    title: "Azure",
    index: "SYSTEM_JOBPOSITIONINPHASE",
    base: 1,
    count: "SYSTEM_TOTALJOBSINPHASE",
  },
  {
    title: "Slurm",
    index: "SLURM_ARRAY_TASK_ID",
    base: "SLURM_ARRAY_TASK_MIN",
    count: "SLURM_ARRAY_TASK_COUNT",
    last: "SLURM_ARRAY_TASK_MAX",
    step: "SLURM_ARRAY_TASK_STEP",
  },
  // An indexed job does not put its `completions` into the environment.
  { title: "Kubernetes", index: "JOB_COMPLETION_INDEX", base: 0, count: null },
] as const satisfies readonly ShardSource[];
