import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function affected(_context: Context): Promise<number> {
  throw new UsageError('"affected" is not built yet');
}
