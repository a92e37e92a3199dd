import type { AffectedTarget, MostOfSuite } from "./affected_targets.ts";

/** All reasons for a target in one line. */
export function becauseOf({ target, causes }: AffectedTarget): string {
  const reasons = Map.groupBy(causes, ({ because }) => because);
  return [...reasons].map(([because, all]) => {
    const files = all.filter(({ file }) => file !== target && !target.startsWith(`${file}::`))
      .map(({ file, chain }) => chain?.join(" → ") ?? file);
    return files.length === 0 ? because : `${someOf(files)}: ${because}`;
  }).join("; ");
}

/** `44 of 47 test files: tractor/log.py is imported by most of the suite; …` */
export function mostText({ testFiles, of, imported }: MostOfSuite): string {
  const are = imported.length === 1 ? "is" : "are";
  const why = imported.length === 0
    ? ""
    : `${someOf(imported)} ${are} imported by most of the suite; `;
  return `${testFiles} of ${of} test files: ${why}to run the whole suite: tractest run`;
}

function someOf(files: readonly string[]): string {
  return files.slice(0, 3).join(", ") + (files.length > 3 ? ` and ${files.length - 3} more` : "");
}
