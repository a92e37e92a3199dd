import { deepStrictEqual, match, strictEqual, throws } from "node:assert";
import { autoShard } from "../../lib/ci/rules_shard.ts";
import { SHARD_SOURCES } from "../../lib/ci/shard_sources.ts";
import { UsageError } from "../../lib/errors.ts";

const reading = (variables: Record<string, string>) => (name: string) => variables[name];
const part = (variables: Record<string, string>, typed = "auto") =>
  autoShard(typed, reading(variables))?.text;

Deno.test("--shard auto reads K/N from the variables of each source", () => {
  const rows: readonly [Record<string, string>, string][] = [
    [{ CI_NODE_INDEX: "1", CI_NODE_TOTAL: "3" }, "1/3"],
    [{ CI_NODE_INDEX: "3", CI_NODE_TOTAL: "3" }, "3/3"],
    [{ CIRCLE_NODE_INDEX: "0", CIRCLE_NODE_TOTAL: "4" }, "1/4"],
    [{ CIRCLE_NODE_INDEX: "3", CIRCLE_NODE_TOTAL: "4" }, "4/4"],
    [{ BUILDKITE_PARALLEL_JOB: "1", BUILDKITE_PARALLEL_JOB_COUNT: "2" }, "2/2"],
    [{ SYSTEM_JOBPOSITIONINPHASE: "2", SYSTEM_TOTALJOBSINPHASE: "5" }, "2/5"],
    [
      {
        SLURM_ARRAY_TASK_ID: "7",
        SLURM_ARRAY_TASK_MIN: "5",
        SLURM_ARRAY_TASK_MAX: "8",
        SLURM_ARRAY_TASK_COUNT: "4",
      },
      "3/4",
    ],
    [
      {
        SLURM_ARRAY_TASK_ID: "4",
        SLURM_ARRAY_TASK_MIN: "0",
        SLURM_ARRAY_TASK_MAX: "6",
        SLURM_ARRAY_TASK_COUNT: "4",
        SLURM_ARRAY_TASK_STEP: "2",
      },
      "3/4",
    ],
  ];
  for (const [variables, expected] of rows) strictEqual(part(variables), expected);
  strictEqual(part({ JOB_COMPLETION_INDEX: "0" }, "auto/3"), "1/3");
  strictEqual(part({ CI_NODE_INDEX: "2", CI_NODE_TOTAL: "3" }, "auto/3"), "2/3");
});

Deno.test("all machines of a source get all parts, each once", () => {
  for (const { index, base, count, last } of SHARD_SOURCES as readonly typeof SHARD_SOURCES[4][]) {
    for (let total = 1; total <= 12; total++) {
      const first = typeof base === "number" ? base : 1;
      const parts = Array.from({ length: total }, (_, at) =>
        part({
          [index]: `${first + at}`,
          ...(count ? { [count]: `${total}` } : {}),
          ...(last ? { [base]: `${first}`, [last]: `${first + total - 1}` } : {}),
        }, count ? "auto" : `auto/${total}`));
      deepStrictEqual(parts, Array.from({ length: total }, (_, at) => `${at + 1}/${total}`));
    }
  }
});

Deno.test("--shard auto is an error where the variables name no part, with what they say", () => {
  const rows: readonly [Record<string, string>, string, RegExp][] = [
    [{}, "auto", /found no variable/],
    [{ CI_NODE_INDEX: "" }, "auto", /found no variable/],
    [{ CI_NODE_INDEX: "4", CI_NODE_TOTAL: "3" }, "auto", /no part .*CI_NODE_INDEX=4/],
    [{ CI_NODE_INDEX: "0", CI_NODE_TOTAL: "3" }, "auto", /no part/],
    [{ CI_NODE_INDEX: "2" }, "auto", /no part/],
    [{ CI_NODE_INDEX: "x", CI_NODE_TOTAL: "3" }, "auto", /no part/],
    [{ CIRCLE_NODE_INDEX: "3", CIRCLE_NODE_TOTAL: "3" }, "auto", /no part/],
    [{ JOB_COMPLETION_INDEX: "0" }, "auto", /does not say how many/],
    [{ JOB_COMPLETION_INDEX: "3" }, "auto/3", /no part/],
    [{ CI_NODE_INDEX: "1", CI_NODE_TOTAL: "3" }, "auto/4", /there are 3 machines/],
    [
      {
        SLURM_ARRAY_TASK_ID: "3",
        SLURM_ARRAY_TASK_MIN: "1",
        SLURM_ARRAY_TASK_MAX: "7",
        SLURM_ARRAY_TASK_COUNT: "3",
      },
      "auto",
      /have gaps/,
    ],
  ];
  for (const [variables, typed, problem] of rows) {
    throws(() => part(variables, typed), (error: unknown) => {
      match((error as UsageError).message, problem);
      return error instanceof UsageError;
    });
  }
});

Deno.test("a part that was typed is left as it is", () => {
  strictEqual(autoShard("2/3", reading({ CI_NODE_INDEX: "1", CI_NODE_TOTAL: "3" })), null);
  strictEqual(autoShard("automatic", reading({})), null);
});
