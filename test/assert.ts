import nodeAssert, { AssertionError } from "node:assert/strict";

/** Throws unless `condition` holds. */
export function assert(condition: unknown, message = "expected a truthy value"): asserts condition {
  nodeAssert.ok(condition, message);
}

/** Throws, with a diff, unless both are the same, compared deeply. */
export function assertEquals(actual: unknown, expected: unknown, message = ""): void {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    // A message of its own would replace the diff.
    if (message !== "" && error instanceof AssertionError) {
      error.message = `${message}\n${error.message}`;
    }
    throw error;
  }
}

/** Throws unless `text` contains `part`. */
export function assertIncludes(text: string, part: string): void {
  nodeAssert.ok(text.includes(part), `expected ${JSON.stringify(part)} in:\n${text}`);
}

/** The error that `action` throws; fails if it throws none, or one of another class. */
export function assertThrows<E extends Error>(
  action: () => unknown,
  type: abstract new (...args: never[]) => E,
): E {
  let thrown: unknown;
  nodeAssert.throws(action, (error) => {
    thrown = error;
    return error instanceof type;
  });
  return thrown as E;
}

/** The error that `action` rejects with; fails if it resolves, or rejects with another class. */
export async function assertRejects<E extends Error>(
  action: () => Promise<unknown>,
  type: abstract new (...args: never[]) => E,
): Promise<E> {
  let thrown: unknown;
  await nodeAssert.rejects(action, (error) => {
    thrown = error;
    return error instanceof type;
  });
  return thrown as E;
}
