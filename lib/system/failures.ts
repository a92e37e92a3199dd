import { TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";

/**
 * Runs an action on a path; null if nothing is at the path.
 *
 * @throws {TractestError} for any other failure, naming the action and the path
 */
export async function orNull<T>(
  verb: string,
  path: string,
  action: () => T | Promise<T>,
): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (isNothingThere(error)) return null;
    throw systemFailure(verb, path, error);
  }
}

/**
 * Runs an action on a path.
 *
 * @throws {TractestError} that names the action and the path
 */
export async function orThrow<T>(
  verb: string,
  path: string,
  action: () => T | Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw systemFailure(verb, path, error);
  }
}

/** Whether an error means that nothing is at a path. */
export function isNothingThere(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** The error of a failed action on a path. */
export function systemFailure(verb: string, path: string, error: unknown): TractestError {
  return new TractestError("file", `Cannot ${verb} "${path}": ${reason(error)}`, EXIT.preflight);
}

/**
 * The cause of an error, without what Deno adds: the error's number and the call with its path,
 * as in `Is a directory (os error 21): readfile '/tmp'`.
 */
export function reason(error: unknown): string {
  // Deno's own message suggests --allow-all.
  if (error instanceof Deno.errors.NotCapable) return "tractest has no permission for it";
  return error instanceof Error
    ? error.message.replace(/ \(os error \d+\)(: \w+ '.*')?$/s, "")
    : String(error);
}
