import { errorLines } from "./decisive.ts";
import { type Failure, failureText } from "./failure.ts";

/** Something else holds the registry address: nothing but a collision says so. */
const COLLISION = new RegExp(
  [
    "address already in use|EADDRINUSE|\\bErrno (?:98|48)\\b|OSError\\((?:98|48),|connection refused|ConnectionRefusedError|ECONNREFUSED",
    "Registry address\\(es\\) are occupied|registry socket\\(s\\) already bound",
  ].join("|"),
  "i",
);
const TOO_SLOW = /TooSlowError/;

/** Files that have to fail alike before timing errors look like one cause. */
const UNRELATED_FILES = 3;

/**
 * The failures by which not the tests but a held registry breaks the run; none when it does not
 * look like it. Most have to carry the signature: address in use or connection refused, or
 * `TooSlowError`. The latter alone says so only over several unrelated files, and where most tests
 * fail: a slow machine is more frequent.
 *
 * @param tests how many tests have ended; null where that is unknown
 */
export function collidedWith(
  failures: readonly Failure[],
  tests: number | null = null,
): readonly Failure[] {
  const collided = failures.filter(isCollision);
  const alike = failures.filter((failure) =>
    collided.includes(failure) || TOO_SLOW.test(failureText(failure))
  );
  if (alike.length * 2 <= failures.length) return [];
  if (collided.length > 0) return alike;
  const isMost = tests === null ? alike.length === failures.length : failures.length * 2 > tests;
  return filesOf(alike).size >= UNRELATED_FILES && isMost ? alike : [];
}

/** The evidence of {@linkcode collidedWith} as one sentence; null when there is none. */
export function registryCollision(
  failures: readonly Failure[],
  tests: number | null = null,
): string | null {
  const alike = collidedWith(failures, tests);
  if (alike.length === 0) return null;
  const collided = alike.filter(isCollision).length;
  const what = [
    ...(collided > 0 ? [`address in use or connection refused in ${collided}`] : []),
    ...(alike.length > collided ? [`TooSlowError in ${alike.length - collided}`] : []),
  ];
  const files = filesOf(alike).size;
  return `${what.join(", ")} of ${failures.length} failure${
    failures.length === 1 ? "" : "s"
  }, in ${files} file${files === 1 ? "" : "s"}`;
}

function isCollision(failure: Failure): boolean {
  return COLLISION.test(errorText(failure));
}

function filesOf(failures: readonly Failure[]): ReadonlySet<string> {
  return new Set(failures.map((failure) => failure.id.split("::", 1)[0]!));
}

/**
 * All that a failure says about its errors, those in its traceback included; not the source lines
 * there, which only talk about some.
 */
function errorText(failure: Failure): string {
  return [failureText(failure), ...errorLines(failure.traceback)].join("\n");
}
