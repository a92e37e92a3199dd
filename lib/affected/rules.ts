import { fileOf } from "../pytest/lastfailed.ts";
import { TargetOrder } from "../project/target_order.ts";
import type { Affected, AffectedTarget, Change, RecentFailures } from "./affected_targets.ts";
import { ChangedFile, type Surroundings } from "./rules_change.ts";
import { TargetList } from "./rules_suite.ts";

/**
 * The tests to run first for a set of changes: changed tests, what the change map lists, what
 * imports a change, and what all tests share. It orders and excludes nothing: the others run after.
 */
export function affectedBy(changes: readonly Change[], surroundings: Surroundings): Affected {
  const list = new TargetList();
  for (const change of changes) new ChangedFile(change, surroundings, list).addTargets();
  return list.affected(surroundings.tree);
}

/**
 * Adds tests that failed before as the last of the nearer targets, unless their files are targets.
 *
 * @param lastFailed ids of the tests that failed in the last run, relative to the root; their
 *   files exist
 * @param recent the same for the runs before, as far as they are known
 */
export function withFailures(
  affected: Affected,
  lastFailed: readonly string[],
  recent: readonly RecentFailures[],
): Affected {
  const reasons = new Map(lastFailed.map((test) => [test, "it failed last time"]));
  const often = recent.filter((one) => one.failed > 0).sort((one, other) =>
    other.failed / other.runs - one.failed / one.runs
  );
  for (const { test, runs, failed } of often) {
    const last = runs === 1 ? "its last run" : `its last ${runs} runs`;
    if (!reasons.has(test)) {
      reasons.set(test, `it failed in ${failed === runs ? last : `${failed} of ${last}`}`);
    }
  }
  const wide = affected.targets.findIndex(({ relation }) =>
    relation === "loaded" || relation === "directory" || relation === "all"
  );
  const at = wide < 0 ? affected.targets.length : wide;
  const order = new TargetOrder(affected.targets.slice(0, at).map(({ target }) => target));
  const failed = [...reasons].map(([test, because]): AffectedTarget => ({
    target: test,
    relation: "failed",
    causes: [{ file: fileOf(test), because }],
  })).filter(({ target }) => order.placeOf(target) === Infinity);
  return {
    ...affected,
    targets: [...affected.targets.slice(0, at), ...failed, ...affected.targets.slice(at)],
  };
}
