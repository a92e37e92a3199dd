import { shellCommand } from "../base/escape.ts";
import { plainId } from "../pytest/lastfailed.ts";
import { nearest } from "../base/nearest.ts";

/** What {@linkcode nextCommand} needs to know of a run that failed. */
export interface FailedRun {
  /** Whether pytest got to record what failed: a session that was killed has not. */
  readonly recorded: boolean;
  readonly failedIds: readonly string[];
  /** Options of ours that have to stay the same for the failure to be the same. */
  readonly keep: readonly string[];
}

/** Ids that are worth typing; more are left to `--lf`. */
const TYPED_IDS = 3;

/** The command that runs the failures again; null when nothing is known to have failed. */
export function nextCommand({ recorded, failedIds, keep }: FailedRun): string | null {
  // A conftest.py is nothing to run.
  const ids = [...new Set(failedIds)].filter((id) => !/(^|\/)conftest\.py$/.test(id));
  if (ids.length === 0) return null;
  if (recorded) return shellCommand(["tractest", "run", "--lf", ...keep]);
  return ids.length <= TYPED_IDS ? shellCommand(["tractest", "run", ...keep, ...ids]) : null;
}

/** A test that was asked for by an id that nothing has, and the ids most like it. */
export interface NotFound {
  readonly id: string;
  readonly nearest: readonly string[];
}

/** Ids that are named for one that is not there, at most. */
const NEAREST = 3;

/**
 * Which ids of a command are those of no test, and what is most like them.
 *
 * @param offered ids of tests and classes that pytest found where it looked for them
 */
export function notFound(argv: readonly string[], offered: readonly string[]): NotFound[] {
  if (offered.length === 0) return [];
  const fits = (id: string) => {
    const plain = plainId(id);
    return offered.some((other) =>
      other === plain || other.startsWith(`${plain}::`) || other.startsWith(`${plain}[`)
    );
  };
  return argv.filter((word) => /^[^-].*::/s.test(word) && !fits(word)).map((id) => ({
    id,
    nearest: nearest(id, offered).slice(0, NEAREST),
  }));
}
