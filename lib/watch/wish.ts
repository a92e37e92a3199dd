import type { AffectedTarget } from "../affected/affected_targets.ts";
import type { ChangeKind } from "../affected/changes.ts";

/** What is to run: the tests that the changes of files affect, or what a key asks for. */
export type Wish =
  | { readonly kind: "changes" }
  | { readonly kind: "all" }
  | { readonly kind: "failed" }
  | { readonly kind: "affected"; readonly changes: ChangeKind };

/** What a run will be. */
export interface Plan {
  /** Its targets, relative to the root; null: what was typed; empty: there is nothing to run. */
  readonly targets: readonly string[] | null;
  /** More words for the run. */
  readonly words: readonly string[];
  /** Why these targets. */
  readonly reasons: readonly AffectedTarget[];
  /** Sentences to show. */
  readonly notes: readonly string[];
}
