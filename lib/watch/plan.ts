import type { AffectedTarget, Change } from "../affected/affected_targets.ts";
import { mostText } from "../affected/because_line.ts";
import { changesSince } from "../affected/changes.ts";
import { affectedIn } from "../affected/gather.ts";
import { withFailures } from "../affected/rules.ts";
import type { Context } from "../command_line/context.ts";
import type { RunWord } from "../command_line/run_words.ts";
import { findProject, type Project } from "../project/project.ts";
import { looksLikeTarget, type TestTree } from "../project/rules_targets.ts";
import { withoutContained } from "../project/target_order.ts";
import { targetsOf, testTree } from "../project/targets.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { Host } from "../system/host.ts";
import { failedTargets, failedTests } from "./gather.ts";
import { isScratch, targetsWithin } from "./rules.ts";
import { say } from "./show.ts";
import type { WatchOptions } from "./watch_options.ts";
import type { Plan, Wish } from "./wish.ts";

/**
 * Plans a run for a wish; changes that were not tested yet are part of each.
 *
 * @throws {TractestError} if the project can't be read, or git fails
 */
export async function planOf(
  context: Context<WatchOptions>,
  wish: Wish,
  pending: readonly Change[],
): Promise<Plan> {
  const { host, line } = context;
  if (wish.kind === "all") return { targets: null, words: [], reasons: [], notes: [] };
  const project = await findProject(host, line.options.profile, line.options.python);
  const limits = await limitsOf(context, project);
  if (wish.kind === "failed") return await planOfFailed(host, project, limits);
  const set = wish.kind === "affected"
    ? await changesSince(host, project, { kind: wish.changes })
    : null;
  const changes = set?.changes.filter(({ path }) => !isScratch(path)) ?? pending;
  const found = await affectedIn(host, project, changes);
  const { targets, unmapped, mostOfSuite } = found;
  const failed = targets.length > 0 ? await failedTargets(host, project) : [];
  const reasons = targets.length > 0 ? withFailures(found, failed, []).targets : [];
  const named = reasons.map(({ target }) => target);
  const kept = withoutContained(targetsWithin(named, limits));
  const most = mostOfSuite === null ? [] : [mostText(mostOfSuite)];
  const nothing = say.nothing(wish, changes, { unmapped, isLimited: named.length > 0 });
  const notes = [...set?.notes ?? [], ...kept.length > 0 ? most : [nothing]];
  // Then the reason is the same for nearly all, and no list of them helps.
  const shown = mostOfSuite === null ? within(reasons, limits) : [];
  return { targets: kept, words: [], reasons: shown, notes };
}

/** Only what failed: pytest chooses it, so that a test that was renamed since does no harm. */
async function planOfFailed(
  host: Host,
  project: Project,
  limits: readonly string[],
): Promise<Plan> {
  const failed = Map.groupBy(await failedTests(host, project), fileOf);
  const targets = targetsWithin([...failed.keys()], limits);
  const reasons = [...failed].map(([file, tests]): AffectedTarget => ({
    target: file,
    relation: "failed",
    causes: [{ file, because: say.failedLast(tests.length) }],
  }));
  const nothing = say.nothing({ kind: "failed" }, [], { unmapped: [], isLimited: failed.size > 0 });
  return {
    targets: withoutContained(targets),
    words: ["--lf", "--lfnf=none"],
    reasons: within(reasons, limits),
    notes: targets.length > 0 ? [] : [nothing],
  };
}

function within(reasons: readonly AffectedTarget[], limits: readonly string[]): AffectedTarget[] {
  return reasons.filter(({ target }) => targetsWithin([target], limits).length > 0);
}

/**
 * The typed targets; none: the whole suite.
 *
 * @throws {UsageError} if one names no test
 */
export async function limitsOf(
  { host, line }: Context<WatchOptions>,
  project: Project,
): Promise<readonly string[]> {
  const words = line.words ?? [];
  if (!words.some(({ kind }) => kind !== "pytest")) return [];
  const tree = await testTree(host, project);
  const targetWords = words.flatMap((item) => isTarget(item, tree) ? [item.word] : []);
  if (targetWords.length === 0) return [];
  const { targets, scope } = await targetsOf(host, project, targetWords);
  return scope === "full" ? [] : targets;
}

/** Whether a typed word names a target. */
export function isTarget(
  item: RunWord,
  tree: TestTree,
): item is Exclude<RunWord, { readonly kind: "pytest" }> {
  return item.kind === "target" ||
    (item.kind === "target-or-value" && looksLikeTarget(item.word, tree));
}
