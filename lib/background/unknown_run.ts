/** The fields of `run --json` that are not known of a run that has not started. */
export const UNKNOWN_RUN = {
  command: null,
  env: null,
  seconds: null,
  counts: null,
  failures: [],
  leaks: null,
  preflight: null,
} as const;
