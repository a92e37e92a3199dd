/** Throws unless `condition` holds. */
export function assert(condition: unknown, message = "expected a truthy value"): asserts condition {
  if (!condition) throw new Error(message);
}

/** Throws unless both are the same, compared deeply. */
export function assertEquals(actual: unknown, expected: unknown, message = ""): void {
  if (same(actual, expected)) return;
  const show = (value: unknown) =>
    Deno.inspect(value, { depth: 10, iterableLimit: 1000, strAbbreviateSize: 10_000 });
  throw new Error(
    `${message ? `${message}\n` : ""}actual:   ${show(actual)}\nexpected: ${show(expected)}`,
  );
}

/** Throws unless `text` contains `part`. */
export function assertIncludes(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`expected ${JSON.stringify(part)} in:\n${text}`);
}

/** The error that `action` throws; throws if it throws none, or one of another class. */
export function assertThrows<E extends Error>(
  action: () => unknown,
  type: abstract new (...args: never[]) => E,
): E {
  try {
    action();
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error(`expected a ${type.name} to be thrown`);
}

/**
 * The error that `action` rejects with; throws if it resolves, or rejects with one of another
 * class.
 */
export async function assertRejects<E extends Error>(
  action: () => Promise<unknown>,
  type: abstract new (...args: never[]) => E,
): Promise<E> {
  try {
    await action();
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error(`expected a ${type.name} to be rejected with`);
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map && b instanceof Map) return same([...a], [...b]);
  if (a instanceof Set && b instanceof Set) return same([...a], [...b]);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) =>
    key in b && same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  );
}
