/** Options of which a command takes one at most. */
export interface Contradiction {
  readonly options: readonly [string, string, ...string[]];
  /** What to do instead. */
  readonly instead: string;
}

/**
 * Options that exclude each other, whatever their values; each pair matters only to commands that
 * take both.
 */
export const CONTRADICTIONS = [
  {
    options: ["isolate", "no-isolate"],
    instead: "leave one of them out; --isolate=auto isolates where that can be had",
  },
  { options: ["base", "staged", "uncommitted"], instead: "give one of them" },
  { options: ["pid", "parent"], instead: "--pid names one process, --parent all below one" },
  {
    options: ["no-preflight", "preflight-only"],
    instead: "leave one of them out: nothing would be left to do",
  },
  {
    options: ["no-preflight", "sync"],
    instead: "leave --no-preflight out: the venv is made by the checks before the run",
  },
  { options: ["uv-run", "sync"], instead: "leave --uv-run out: what --sync made is used as it is" },
  {
    options: ["uv-run", "python"],
    instead: "leave --uv-run out: it takes the Python that uv finds",
  },
  {
    options: ["matrix", "slow-after"],
    instead: "leave --slow-after out: the cells are told of when they are over",
  },
] as const satisfies readonly Contradiction[];
