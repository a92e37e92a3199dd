/** Options that exclude each other. */
export interface Contradiction {
  readonly options: readonly [string, string, ...string[]];
  /** What to do instead. */
  readonly instead: string;
}

/** All of them; each matters only to commands that take both options. */
export const CONTRADICTIONS = [
  {
    options: ["isolate", "no-isolate"],
    instead: "leave one of them out; --isolate=auto isolates where the system allows it",
  },
  { options: ["strict", "no-strict"], instead: "leave one of them out" },
  { options: ["notify", "no-notify"], instead: "leave one of them out" },
  { options: ["base", "staged", "uncommitted"], instead: "give one of them" },
  { options: ["pid", "parent"], instead: "--pid names one process, --parent all below one" },
  {
    options: ["no-preflight", "preflight-only"],
    instead: "leave one of them out: together they do nothing",
  },
  {
    options: ["no-preflight", "sync"],
    instead: "leave --no-preflight out: the checks before the run make the venv",
  },
  {
    options: ["uv-run", "sync"],
    instead: "leave --uv-run out: the run uses the venv that --sync made",
  },
  {
    options: ["uv-run", "python"],
    instead: "leave --uv-run out: it uses the Python that uv finds",
  },
  {
    options: ["durations-file", "durations-from"],
    instead: "leave --durations-from out: --durations-file reads its file too",
  },
  {
    options: ["durations-file", "matrix"],
    instead: "leave --durations-file out: each cell has durations of its own",
  },
  {
    options: ["matrix", "slow-after"],
    instead: "leave --slow-after out: each cell is reported when it is over",
  },
] as const satisfies readonly Contradiction[];
