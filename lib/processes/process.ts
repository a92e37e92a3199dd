/**
 * What a process is known by: a pid is reused, a pid with its start is not (within one boot and one
 * pid namespace).
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly ppid: number;
  /** Real user id. */
  readonly uid: number;
  /**
   * Clock ticks from boot to its start; null when that could not be read, and then it is never
   * signalled.
   */
  readonly startTicks: number | null;
  /** State letter: R, S, D, T, t, Z, X, I. */
  readonly state: string;
  /** Its command line or the title that it gave itself, as one text; not escaped. */
  readonly title: string;
}

/** A row of the forest: who started whom. */
export interface ForestRow {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly state: string;
  readonly args: string;
}

/** Something that is left alone, and why. */
export interface Refusal {
  readonly pid?: number;
  readonly path?: string;
  readonly reason: string;
}
