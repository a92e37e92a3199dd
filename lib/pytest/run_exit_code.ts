import {
  ENDING_SIGNALS,
  type EndingSignal,
  EXIT,
  type ExitCode,
  PYTEST_EXIT,
} from "../tables/exit_codes.ts";

/** What cut a run short. */
export type Cut = "time-limit" | EndingSignal;

/** What reasons are about. */
export const REASON_KINDS = [
  "cut",
  /** Tests or collections failed. */
  "failures",
  /** A pytest ended with a code that no failure explains. */
  "session",
  "no-tests",
  /** Tests are without a result although nothing stopped the run. */
  "incomplete",
  /** `--strict`: a leak, a hang at the exit, a test that passed only when retried. */
  "not-clean",
  /** `--strict`: it is unknown whether there are leaks. */
  "unverified",
] as const;

/** What a reason is about. */
export type ReasonKind = typeof REASON_KINDS[number];

/**
 * How early a kind of reason decides the exit code: what cut the run, then pytest, then tests that
 * did not run, then `--strict`.
 */
const PRECEDENCE: Readonly<Record<ReasonKind, number>> = {
  cut: 0,
  failures: 1,
  session: 1,
  "no-tests": 1,
  incomplete: 2,
  "not-clean": 3,
  unverified: 4,
};

/** Kinds that the failures and the counts of a verdict show by themselves. */
const SHOWN: ReadonlySet<ReasonKind> = new Set(["failures", "no-tests"]);

/** Why a run does not end with 0. */
export interface Reason {
  readonly kind: ReasonKind;
  /** The exit code that it gives the run. */
  readonly code: ExitCode;
  /** The code that pytest gave; 0 where it gave none. */
  readonly pytest: number;
  /**
   * In one line; about a session what is to be read after its name. What others wrote is not
   * escaped.
   */
  readonly text: string;
  /** The session that it is about; null: the run. */
  readonly session: string | null;
  /** Which of several pytests that is: `worker 2`. */
  readonly label: string | null;
}

/**
 * The exit code of a run with its reasons, the most important first. Only reasons make a code, so
 * that none is without one: no reason is 0, and a reason never is.
 */
export class Verdict {
  private constructor(
    readonly reasons: readonly Reason[],
    /** How a run ended that did not end by itself and yet with 0. */
    private readonly remark: string | null,
  ) {}

  /** The verdict of some reasons, in any order. */
  static of(reasons: readonly Reason[], remark: string | null = null): Verdict {
    return new Verdict(reasons.toSorted(byImportance), remark);
  }

  /** The verdict with more reasons. */
  and(reasons: readonly Reason[]): Verdict {
    return Verdict.of([...this.reasons, ...reasons], this.remark);
  }

  /** The exit code of the run. */
  get code(): ExitCode {
    const [first] = this.reasons;
    return first === undefined ? EXIT.ok : first.code || EXIT.testsFailed;
  }

  /** The code of all pytests together as pytest gave it. */
  get pytestCode(): number {
    return this.reasons.find(({ pytest }) => pytest !== 0)?.pytest ?? 0;
  }

  /** The first session that ended with a code that no failure explains; null if none did. */
  get unexplained(): Reason | null {
    const isCut = this.reasons[0]?.kind === "cut";
    return isCut ? null : this.reasons.find(({ kind }) => kind === "session") ?? null;
  }

  /** How the run ended, in one line, apart from failures; null if by itself. */
  get ending(): string | null {
    const [first] = this.reasons;
    if (first?.kind === "cut") return first.text;
    const unseen = this.reasons.filter(({ kind }) => !SHOWN.has(kind));
    const alike = Map.groupBy(unseen, ({ text }) => text);
    return alike.size === 0 ? this.remark : [...alike.values().map(reasonText)].join("; ");
  }
}

/** Reasons of one text, in one line. */
export function reasonText(alike: readonly Reason[]): string {
  const [first] = alike;
  if (first!.session === null) return first!.text;
  const labels = alike.flatMap(({ label }) => label ?? []).sort();
  return `pytest ${labels.length > 0 ? `(${labels.join(", ")}) ` : ""}${first!.text}`;
}

/** What cut a run short, as a reason. */
export function cutReason(cut: Cut, text: string): Reason {
  const code = cut === "time-limit" ? EXIT.timeLimit : ENDING_SIGNALS[cut];
  return { kind: "cut", code, pytest: 0, text, session: null, label: null };
}

/** What decides {@linkcode strictReasons}. */
export interface Cleanness {
  /** Whether leaked processes, a held registry or sockets remain; null when unknown. */
  readonly leaked: boolean | null;
  /** What else was not clean, in words. */
  readonly blemishes: readonly string[];
}

/** Under `--strict`: the reasons why a run that passed is not clean. */
export function strictReasons({ leaked, blemishes }: Cleanness): Reason[] {
  const given = { pytest: 0, session: null, label: null };
  const remains = leaked === true ? ["leaked processes, sockets or a held registry remain"] : [];
  const all = blemishes.length > 0 ? blemishes : remains;
  if (all.length > 0) {
    const code = EXIT.leakedButPassed;
    const text = `the tests passed, but not cleanly (strict, exit code ${code}): `;
    return [{ kind: "not-clean", code, text: text + all.join(", "), ...given }];
  }
  const text = "the tests passed, but it is unknown whether anything is left behind " +
    `(strict, exit code ${EXIT.unverified})`;
  return leaked === null ? [{ kind: "unverified", code: EXIT.unverified, text, ...given }] : [];
}

function byImportance(one: Reason, other: Reason): number {
  return PRECEDENCE[one.kind] - PRECEDENCE[other.kind] || rankOf(other) - rankOf(one);
}

/**
 * How bad a code of pytest is, from the worst: a signal, an internal error, the command line, an
 * interruption, a plugin's own code, failed tests.
 */
function rankOf({ pytest, code }: Reason): number {
  const { interrupted, usage, internalError } = PYTEST_EXIT;
  const ranks = [EXIT.ok, 6, EXIT.testsFailed, null, interrupted, usage, internalError];
  if (pytest > 128) return ranks.length + (code === pytest ? 1 : 0);
  return ranks.includes(pytest) ? ranks.indexOf(pytest) : ranks.indexOf(null);
}
