/** Where a person stands: the project, and what is known about it. */
export interface Overview {
  readonly root: string;
  readonly name: string | null;
  /** The venv that a run uses, relative to the root where it is inside; null without one. */
  readonly venv: { readonly path: string; readonly minor: string | null } | null;
  /** Runs that are under way, oldest first. */
  readonly running: readonly { readonly runId: string; readonly state: string }[];
  /** The last run that is over, in words; null without one. */
  readonly last:
    | { readonly runId: string; readonly exitCode: number | null; readonly state: string }
    | null;
  /** Leaked processes, stale sockets, held registries; null: unknown. */
  readonly leaks:
    | { readonly processes: number; readonly sockets: number; readonly held: number }
    | null;
}

/** A command to type next, and what it does. */
export type NextStep = readonly [command: string, does: string];

/** What to type next, the most urgent first. */
export function nextSteps({ venv, running, last, leaks }: Overview): NextStep[] {
  const isLeaking = leaks !== null && leaks.processes + leaks.sockets > 0;
  const failed = last !== null && last.exitCode !== 0;
  return [
    ...(isLeaking ? [["tractest zombies --kill", "end what was left behind"] as const] : []),
    ...(leaks !== null && leaks.held > 0 && !isLeaking && running.length === 0
      ? [["tractest zombies", "who holds the registry"] as const]
      : []),
    ...(venv === null ? [["tractest doctor", "what a run needs here"] as const] : []),
    ...(running.length > 0
      ? [
        ["tractest status", "how far it is"] as const,
        ["tractest logs -f", "follow its output"] as const,
      ]
      : []),
    ...(failed
      ? [
        ["tractest failed", "the tests that failed"] as const,
        ["tractest run --lf", "run them again"] as const,
      ]
      : []),
    ...(running.length === 0
      ? [
        ["tractest run", "run the tests"] as const,
        ["tractest affected --run", "run what your changes affect"] as const,
      ]
      : []),
    ["tractest help", "all commands"],
  ];
}
