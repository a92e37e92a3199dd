import { flakyVerdict } from "../core/results/flaky.ts";
import { relatedChange } from "../core/changes/related.ts";
import { type FailedReport, failureText } from "../core/results/verdict.ts";
import { TractestError } from "../errors.ts";
import type { JudgedFailure } from "../ui/verdict.ts";
import { testRecords } from "../history/history.ts";
import { affectedIn } from "../project/affected.ts";
import { changesSince } from "../project/changes.ts";
import type { Context } from "../context.ts";
import type { Project } from "../project/project.ts";

/**
 * What is known about each failure: whether it is flaky, by the list and by what earlier runs recorded, and which changed file may be its
 * cause. Outside of git nothing counts as changed.
 */
export async function judgeFailures({ host, line }: Context, project: Project, failures: readonly FailedReport[]): Promise<JudgedFailure[]> {
  const [affected, records] = await Promise.all([affectedOrNull(), testRecords(host, project, failures.map((failure) => failure.id))]);
  return failures.map((failure) => {
    const related = affected === null ? null : relatedChange(failure.id, affected);
    // Without git nobody knows what was touched, so only the list itself can say that a failure is known.
    const verdict = flakyVerdict(failure.id, failureText(failure), project.configuration.knownFlaky, related);
    const counts = verdict !== null && !(affected === null && verdict.kind === "timing");
    return {
      ...failure,
      known: counts ? verdict.reason : null,
      isListed: counts && verdict.kind === "known",
      related,
      record: records.get(failure.id) ?? null,
    };
  });

  async function affectedOrNull() {
    try {
      const { changes } = await changesSince(host, project, { kind: "branch", base: line.value("base") });
      return await affectedIn(host, project, changes);
    } catch (error) {
      if (error instanceof TractestError) return null;
      throw error;
    }
  }
}
