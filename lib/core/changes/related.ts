import type { Affected, AffectedTarget, Cause } from "./affected.ts";
import { isWithin } from "../project/targets.ts";

/**
 * The changed file that is the likeliest cause of a failing test, and why; null when no change is known to bear on it. The nearest
 * relation wins: the test file itself, then the change map, then fixtures, then what all tests share.
 *
 * @param id a test id relative to the root
 * @param affected what the current changes ask for, from `affectedBy()`
 */
export function relatedChange(id: string, affected: Affected): Cause | null {
  const file = id.split("::", 1)[0]!;
  const bearsOn = ({ target, files }: AffectedTarget) => files?.includes(file) ?? isWithin(file, target.replace(/\/$/, ""));
  return affected.targets.find(bearsOn)?.causes[0] ?? null;
}
