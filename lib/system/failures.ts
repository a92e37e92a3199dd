import { TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";

/**
 * What an action on a path returns; null where nothing is at the path. Throws a TractestError for
 * any other failure.
 */
export async function orNull<T>(
  verb: string,
  path: string,
  action: () => T | Promise<T>,
): Promise<T | null> {
  return await orThrow(verb, path, async () => {
    try {
      return await action();
    } catch (error) {
      if (isNothingThere(error)) return null;
      throw error;
    }
  });
}

/**
 * What an action on a path returns. Throws a TractestError that names the action and the path where
 * it fails.
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

/** Whether an error says that nothing is at a path. */
export function isNothingThere(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** The error of an action that failed on a path. */
export function systemFailure(verb: string, path: string, error: unknown): TractestError {
  return new TractestError("file", `Cannot ${verb} "${path}": ${reason(error)}`, EXIT.preflight);
}

/**
 * What went wrong, in one sentence. Deno adds the number of the error, and its call with the path
 * again: `Is a directory (os error 21): readfile '/tmp'`.
 */
export function reason(error: unknown): string {
  // Deno would have people run it again with --allow-all.
  if (error instanceof Deno.errors.NotCapable) return "tractest has no permission for it";
  return error instanceof Error
    ? error.message.replace(/ \(os error \d+\)(: \w+ '.*')?$/s, "")
    : String(error);
}
