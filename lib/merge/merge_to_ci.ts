import type { CiLog } from "../ci/ci_log.ts";
import { failureOfSummary, testsOfSummary } from "../run/ci_report.ts";
import type { Merged } from "./rules.ts";
import { partWords, verdictText } from "./show.ts";

/**
 * Reports the merged run to the service that runs it: a summary of the job, and what keeps the run
 * from being complete. Each machine has shown its failures at their lines already.
 */
export async function reportMergeToCi(
  ci: CiLog,
  merged: Merged,
  ending: string | null,
): Promise<void> {
  const { parts, run, exitCode } = merged;
  if (ending !== null) ci.annotateRun("not one complete run of all machines", ending);
  await ci.summarize({
    title: verdictText(merged, ending),
    exitCode,
    cellName: "Shard",
    cells: parts.map((part) => {
      const { which, end, tests, file } = partWords(part);
      return [`${which} ${file}`, `${end}, ${tests}`];
    }),
    ...testsOfSummary(run),
    failures: run.failures.map((failure) => failureOfSummary(failure, [])),
  });
}
