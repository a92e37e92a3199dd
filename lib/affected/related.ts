import type { Affected, AffectedTarget, Cause } from "./affected_targets.ts";
import { isWithin } from "../project/rules_targets.ts";
import type { Failure } from "../pytest/failure.ts";

/**
 * A changed file that may be the cause of a failure, and the line of it that the failure came
 * through, if it did.
 */
export interface RelatedChange extends Cause {
  readonly line?: number;
}

/** What {@linkcode relatedChange} knows of the changes. */
export interface KnownChanges {
  /** What the current changes ask for, from `affectedBy()`. */
  readonly affected: Affected;
  /** The changed files, relative to the root. */
  readonly changed: ReadonlySet<string>;
  /** The project's root, absolute. */
  readonly root: string;
}

/**
 * The changed file that is the likeliest cause of a failing test, and why; null when no change is
 * known to bear on it. What the failure came through is nearest, then the test file itself, then
 * the change map, then fixtures, then what all tests share.
 *
 * @param id a test id relative to the root
 */
export function relatedChange(
  id: string,
  said: Pick<Failure, "message" | "where" | "traceback">,
  known: KnownChanges,
): RelatedChange | null {
  const file = id.split("::", 1)[0]!;
  const through = framesOf(`${said.where ?? ""}:\n${said.traceback}\n${said.message}`, known.root)
    .findLast((frame) => known.changed.has(frame.file));
  if (through) {
    return {
      ...through,
      because: through.file === file
        ? "the test file itself changed"
        : "the failure came through it",
    };
  }
  const bearsOn = ({ target, files }: AffectedTarget) =>
    files?.includes(file) ?? isWithin(file, target.replace(/\/$/, ""));
  return known.affected.targets.find(bearsOn)?.causes[0] ?? null;
}

/** A place in a traceback. */
export interface Frame {
  /** Relative to the root. */
  readonly file: string;
  readonly line: number;
}

/** `  File "/repo/app/x.py", line 3, in f`, wherever it stands, and pytest's `app/x.py:3: in f`. */
const FRAME = /File "([^"\n]+)", line (\d+)|^(?:E\s+)?[\s|]*([^\s:"'][^:\n"]*\.pyx?):(\d+):/gm;

/** The project's own places in the tracebacks of a text, outermost first. */
export function framesOf(text: string, root: string): Frame[] {
  return [...text.matchAll(FRAME)].flatMap((match) => {
    const [, native, nativeLine, own, ownLine] = match;
    const path = native ?? own!;
    const file = path.startsWith(`${root}/`)
      ? path.slice(root.length + 1)
      : path.replace(/^\.\//, "");
    return file.startsWith("/") || file.startsWith("../")
      ? []
      : [{ file, line: Number(nativeLine ?? ownLine) }];
  });
}

/**
 * A run of lines that a change made what they are; from 1. None where lines were only taken away:
 * then it stands after `first`.
 */
export interface Hunk {
  readonly first: number;
  readonly count: number;
}

/** The hunks of a diff of one file without context. */
export function parseHunks(diff: string): Hunk[] {
  return [...diff.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm)].map((match) => ({
    first: Number(match[1]),
    count: Number(match[2] ?? 1),
  }));
}

/**
 * The line of a changed file to go to: that of the hunk which is nearest to where the failure came
 * through, else the first one.
 */
export function lineToSee(hunks: readonly Hunk[], line: number | null): number | null {
  const away = ({ first, count }: Hunk) =>
    line === null ? 0 : Math.max(first - line, line - (first + Math.max(0, count - 1)), 0);
  const [nearest] = hunks.toSorted((one, other) => away(one) - away(other));
  if (nearest === undefined) return line;
  return line !== null && away(nearest) === 0 ? line : Math.max(1, nearest.first);
}
