import type { RunOptions } from "./run_options.ts";
import type { Change } from "../affected/affected_targets.ts";
import {
  type KnownChanges,
  lineToSee,
  parseHunks,
  type RelatedChange,
  relatedChange,
} from "../affected/related.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { flakyVerdict, timingError } from "../flaky/rules.ts";
import type { Failure } from "../pytest/failure.ts";
import { TractestError } from "../errors.ts";
import type { JudgedFailure, NamedCause } from "./show_failures.ts";
import { testRecords } from "../history/project_history.ts";
import { Git } from "../system/programs/git.ts";
import { affectedIn, loadedBy } from "../affected/gather.ts";
import { changesSince } from "../affected/changes.ts";
import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";

/**
 * Reads what is changed, and what that affects; null outside of git. It takes several programs one
 * after the other, and may begin before the failures are known.
 */
export function knownChanges(
  context: Context<RunOptions>,
  project: Project,
): Promise<Changes | null> {
  return orNull(() => changesOf(context, project));
}

/**
 * Explains each failure: whether it is flaky by the list or the record of earlier runs, and which
 * changed file may have caused it. Outside of git nothing counts as changed.
 *
 * @param changes what {@linkcode knownChanges} found
 * @param held whether another process holds or held the registry: then no missed time limit
 *   counts as timing
 */
export async function judgeFailures(
  context: Context<RunOptions>,
  project: Project,
  failures: readonly Failure[],
  changes: Promise<Changes | null>,
  held: boolean | Promise<boolean>,
): Promise<JudgedFailure[]> {
  const [known, records, registryHeld] = await Promise.all([
    changes,
    testRecords(context.host, project, failures.map((failure) => failure.id)),
    held,
  ]);
  const related = failures.map((failure) => known && relatedChange(failure.id, failure, known));
  const isOpen = (failure: Failure, index: number) =>
    related[index] === null && timingError(failure) !== null;
  // Reading the imports is slow: only if a verdict depends on it.
  const loaded = known && failures.some(isOpen) ? await orNull(() => known.loaded()) : null;
  const lines = new Lines(context, project, known?.base ?? null);
  return await Promise.all(failures.map(async (failure, index) => {
    const cause = related[index] ?? null;
    const record = records.get(failure.id) ?? null;
    const evidence = {
      related: cause,
      loaded: loaded?.(fileOf(failure.id)) ?? null,
      record,
      registryHeld,
    };
    const verdict = flakyVerdict(failure.id, failure, project.configuration.knownFlaky, evidence);
    // Without known changes only the list itself can say that a failure is known.
    const counts = verdict !== null && (verdict.kind === "known" || loaded !== null);
    return {
      ...failure,
      known: counts ? verdict.reason : null,
      isListed: counts && verdict.kind === "known",
      related: cause && await lines.of(cause),
      record,
    };
  }));
}

/** What is changed in a project, and what that affects. */
export interface Changes extends KnownChanges {
  /** The commit that changes are relative to; null before the first one. */
  readonly base: string | null;
  /** Finds a changed file that a test file imports, directly or not. */
  readonly loaded: () => Promise<(testFile: string) => string | null>;
}

async function changesOf({ host, line }: Context<RunOptions>, project: Project): Promise<Changes> {
  const { changes, base } = await changesSince(host, project, {
    kind: "branch",
    base: line.options.base,
  });
  const affected = await affectedIn(host, project, changes);
  return {
    affected,
    changed: new Set(changes.map((change: Change) => change.path)),
    root: project.root,
    base: base?.commit ?? await new Git(host, project.root).commit("HEAD"),
    loaded: () => loadedBy(host, project, changes),
  };
}

async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

/** How many files are compared with git: if more may be the cause, none is likely. */
const MOST_FILES = 5;

/** Finds the changed lines nearest to failures. */
class Lines {
  readonly #diffs = new Map<string, Promise<string | null>>();

  constructor(
    private readonly context: Context<RunOptions>,
    private readonly project: Project,
    private readonly base: string | null,
  ) {}

  async of(cause: RelatedChange): Promise<NamedCause> {
    const diff = await this.#diff(cause.file);
    const line = diff === null
      ? cause.line ?? null
      : lineToSee(parseHunks(diff), cause.line ?? null);
    const see = diff === null || diff === ""
      ? null
      : ["git", "diff", this.base!.slice(0, 12), "--", cause.file];
    return { file: cause.file, because: cause.because, line, see };
  }

  #diff(file: string): Promise<string | null> {
    const { base, context: { host }, project } = this;
    if (base === null) return Promise.resolve(null);
    if (!this.#diffs.has(file)) {
      if (this.#diffs.size >= MOST_FILES) return Promise.resolve(null);
      this.#diffs.set(file, orNull(() => new Git(host, project.root).diffOf(base, file)));
    }
    return this.#diffs.get(file)!;
  }
}
