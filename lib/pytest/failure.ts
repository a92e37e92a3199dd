import { plural } from "../base/plural.ts";
import { decisiveLine, errorLines, isCarrier } from "./decisive.ts";

/** Why a test or a collection failed. */
export interface Failure {
  /** Of the test, or of the file or directory that could not be collected. */
  readonly id: string;
  readonly phase: "collection" | "setup" | "call" | "teardown";
  /** The error's own text, often several lines. */
  readonly message: string;
  /** `path:line` where it was raised; null when unknown. */
  readonly where: string | null;
  /** The end of the traceback in the chosen style. */
  readonly traceback: string;
  /** Classes of the error, of those that it groups and of those that caused it, outermost first. */
  readonly errors: readonly string[];
  /**
   * The end of the test's output, under pytest's headings; missing when there is none, or when
   * `--show-capture` hides it.
   */
  readonly output?: string;
  /**
   * The scope of the fixture that failed. In a teardown `function` where it is certainly the test's
   * own, another scope, or missing where unknown; elsewhere present only for a fixture of a wider
   * scope that was torn down then.
   */
  readonly scope?: string;
}

/** The failure that an event describes. What the event leaves out is empty. */
export function failureOf(
  event: { readonly id: string } & { readonly [Key in keyof Failure]?: Failure[Key] | null },
  phase: Failure["phase"],
): Failure {
  const { id, message, where, traceback, errors, output, scope } = event;
  return {
    id,
    phase,
    message: message ?? "",
    where: where ?? null,
    traceback: traceback ?? "",
    errors: errors ?? [],
    ...(output ? { output } : {}),
    ...(scope ? { scope } : {}),
  };
}

/**
 * Whether a failure is the test's own, not that of a fixture of a wider scope that other tests may
 * have set up. In a teardown the scope has to be known.
 */
export function isOwnFailure({ phase, scope }: Failure): boolean {
  return phase === "teardown" ? scope === "function" : scope === undefined || scope === "function";
}

/** The part of a failure that rows of known-flaky tests match: its message and error classes. */
export function failureText(failure: Pick<Failure, "message" | "errors">): string {
  return [failure.message, ...failure.errors].join("\n");
}

/**
 * The gist of a failure in a few lines: the first of its message, the decisive one if that is
 * another, and where it was raised.
 */
export function gist({ message, errors, traceback, where }: Failure, lines = 3): string[] {
  const text = message.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
  const inner = errors.slice(1).filter((name) => !isCarrier(name) && !message.includes(name));
  return [
    ...cut(text, lines, traceback),
    ...(inner.length > 0 ? [`from ${inner.slice(0, 4).join(", ")}`] : []),
    ...(where ? [`at ${where}`] : []),
  ];
}

/** The headline of an exception group: the errors in it stand in the traceback alone. */
const GROUP = /Group\b.*\(\d+ sub-exceptions?\)/;
/** Errors of a group that are shown, at most. */
const SHOWN_ERRORS = 3;

/** The first lines of a message, and the decisive one of the rest. */
function cut(message: readonly string[], lines: number, traceback: string): string[] {
  const shown = message.slice(0, lines);
  const rest = message.slice(lines);
  const grouped = GROUP.test(message[0] ?? "")
    ? errorLines(traceback).filter((line) => !GROUP.test(line)).slice(0, SHOWN_ERRORS)
    : [];
  const decisive = rest.length === 0 ? null : decisiveLine(message);
  const candidates = new Set(decisive === null ? grouped : [decisive, ...grouped]);
  const last = [...candidates].filter((line) => !shown.some((other) => other.includes(line)));
  const hidden = rest.length - (decisive !== null && last.includes(decisive) ? 1 : 0);
  return [
    ...shown,
    ...(hidden > 0 ? [`… ${plural(hidden, "more line")}`] : []),
    ...last,
  ];
}
