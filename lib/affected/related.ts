import { lastPart } from "../base/paths.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { Affected, AffectedTarget, Cause } from "./affected_targets.ts";
import { isWithin } from "../project/rules_targets.ts";
import type { Failure } from "../pytest/failure.ts";

/** A changed file that may have caused a failure. */
export interface RelatedChange extends Cause {
  /** The line that the failure came through, if it did. */
  readonly line?: number;
}

/** The changes to which a failure is related. */
export interface KnownChanges {
  /** The targets for the changes. */
  readonly affected: Affected;
  /** The changed files, relative to the root. */
  readonly changed: ReadonlySet<string>;
  /** The project's root, absolute. */
  readonly root: string;
}

/**
 * The changed file that most likely caused a failure, and why; null when none is known to affect
 * the test. A file that the failure came through is nearest, then the order of the targets counts.
 *
 * @param id a test id relative to the root
 */
export function relatedChange(
  id: string,
  said: Pick<Failure, "message" | "where" | "traceback">,
  known: KnownChanges,
): RelatedChange | null {
  const file = fileOf(id);
  const through = framesOf(`${said.where ?? ""}:\n${said.traceback}\n${said.message}`, known.root)
    .findLast((frame) => known.changed.has(frame.file));
  const isConftest = lastPart(file) === "conftest.py";
  const itself = `${isConftest ? "conftest.py" : "the test file"} itself changed`;
  if (through) {
    return { ...through, because: through.file === file ? itself : "the failure came through it" };
  }
  // A conftest.py that could not be imported, as for a syntax error, is in no frame.
  if (isConftest && known.changed.has(file)) return { file, because: itself };
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

/** `File "/repo/app/x.py", line 3, in f` anywhere, and pytest's `app/x.py:3: in f`. */
const FRAME = /File "([^"\n]+)", line (\d+)|^(?:E\s+)?[\s|]*([^\s:"'][^:\n"]*\.pyx?):(\d+):/gm;

/** The project's places in the tracebacks of a text, outermost first. */
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

/** Consecutive changed lines, from 1; with a `count` of 0 lines were removed after `first`. */
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

/** The line of a changed file to open: in the hunk nearest to the failure, else in the first. */
export function lineToSee(hunks: readonly Hunk[], line: number | null): number | null {
  const away = ({ first, count }: Hunk) =>
    line === null ? 0 : Math.max(first - line, line - (first + Math.max(0, count - 1)), 0);
  const [nearest] = hunks.toSorted((one, other) => away(one) - away(other));
  if (nearest === undefined) return line;
  return line !== null && away(nearest) === 0 ? line : Math.max(1, nearest.first);
}
