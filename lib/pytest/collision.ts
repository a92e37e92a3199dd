import { fileOf } from "./lastfailed.ts";
import { plural } from "../base/plural.ts";
import type { Profile } from "../project/rules_profile.ts";
import { errorLines } from "./decisive.ts";
import { type Failure, failureText } from "./failure.ts";

const IN_USE = "address already in use|EADDRINUSE|\\bErrno (?:98|48)\\b|OSError\\((?:98|48),";
/** Errors that only a collision raises: something else holds the registry address. */
const COLLISION = new RegExp(
  [
    IN_USE,
    "connection refused|ConnectionRefusedError|ECONNREFUSED",
    "Registry address\\(es\\) are occupied|registry socket\\(s\\) already bound",
  ].join("|"),
  "i",
);
/** Without a registry only this one says that another process holds an address. */
const ADDRESS_IN_USE = new RegExp(IN_USE, "i");
/** A line with which a server that is no Python, such as node or Go, says so. */
const BIND_FAILED = /\bEADDRINUSE\b|\b(?:bind|listen)\b.*\baddress already in use/i;
const TOO_SLOW = /TooSlowError/;

/** Files that have to fail alike before timing errors suggest one cause. */
const UNRELATED_FILES = 3;

/**
 * The failures that a held registry caused, not the tests; none if that is unlikely. Most failures
 * have to show it: address in use or connection refused, or `TooSlowError`. The latter alone
 * suffices only in several unrelated files and where most tests fail: slow machines are more
 * frequent.
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

/**
 * The evidence of {@linkcode collidedWith} as one sentence; null when there is none. In a plain
 * project most failures have to show an address in use.
 */
export function collisionText(
  failures: readonly Failure[],
  tests: number | null,
  profile: Profile,
): string | null {
  if (profile === "plain") return addressInUse(failures);
  const alike = collidedWith(failures, tests);
  if (alike.length === 0) return null;
  const collided = alike.filter(isCollision).length;
  const slow = alike.length - collided;
  const errors = [
    ...(collided > 0 ? [`address in use or connection refused in ${collided}`] : []),
    ...(slow > 0 ? [`TooSlowError in ${slow}`] : []),
  ].join(", ");
  const files = plural(filesOf(alike).size, "file");
  return `${errors} of ${plural(failures.length, "failure")}, in ${files}`;
}

function addressInUse(failures: readonly Failure[]): string | null {
  const alike = failures.filter((failure) =>
    ADDRESS_IN_USE.test(errorsOf(failure)) || childSaysInUse(failure)
  );
  if (alike.length * 2 <= failures.length) return null;
  const files = plural(filesOf(alike).size, "file");
  return `address in use in ${alike.length} of ${plural(failures.length, "failure")}, in ${files}`;
}

/** Whether a process that the test started ended because its address was in use. */
function childSaysInUse({ output = "" }: Failure): boolean {
  return ADDRESS_IN_USE.test(errorLines(output).join("\n")) ||
    output.split("\n").some((line) => BIND_FAILED.test(line));
}

function isCollision(failure: Failure): boolean {
  return COLLISION.test(errorsOf(failure)) || childSaysInUse(failure);
}

/** What a failure says, without the source lines of its traceback. */
function errorsOf(failure: Failure): string {
  return [failureText(failure), ...errorLines(failure.traceback)].join("\n");
}

function filesOf(failures: readonly Failure[]): ReadonlySet<string> {
  return new Set(failures.map((failure) => fileOf(failure.id)));
}

/** A port after which an address ends: `:8080`, `', 8080)`, `Port 5000 is in use`. */
const PORT = /(?<!\.py)(?:[:,] ?|\bport[ =:]+)(\d{2,5})\b/gi;
/** A time of day, as it stands before a line of a log. */
const TIME_OF_DAY = /\b\d{1,2}:[0-5]\d:[0-5]\d([.,]\d+)?\b/g;
/** A source line that binds a literal port. */
const BINDS = /\b(?:bind|listen|\w*serve\w*)\(.*?[,(:=] ?(\d{2,5})\b/gi;

/** The ports that failures name as in use, in order. */
export interface PortsInUse {
  /** By what an error says. */
  readonly said: readonly number[];
  /** By the source line of a traceback: another line may have failed. */
  readonly inSource: readonly number[];
}

/** The ports that failures for an address in use name. */
export function portsInUse(failures: readonly Failure[]): PortsInUse {
  const said = new Set<number>();
  const inSource = new Set<number>();
  const add = (ports: Set<number>, line: string, pattern: RegExp) => {
    for (const [, port] of line.matchAll(pattern)) {
      if (Number(port) <= MOST_PORT) ports.add(Number(port));
    }
  };
  for (const failure of failures) {
    const { message, traceback, output = "" } = failure;
    if (!ADDRESS_IN_USE.test(errorsOf(failure)) && !childSaysInUse(failure)) continue;
    const lines = [message, traceback, output].join("\n").split("\n");
    for (const line of lines) {
      if (ADDRESS_IN_USE.test(line) || /\bport \d+ is (?:already )?in use/i.test(line)) {
        add(said, line.replace(TIME_OF_DAY, ""), PORT);
      } else add(inSource, line, BINDS);
    }
  }
  return { said: [...said], inSource: [...inSource].filter((port) => !said.has(port)) };
}

const MOST_PORT = 65_535;
