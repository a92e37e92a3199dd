import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function flaky(_context: Context): Promise<number> {
  throw new UsageError('"flaky" is not built yet');
}
