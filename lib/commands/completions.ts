import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function completions(_context: Context): Promise<number> {
  throw new UsageError('"completions" is not built yet');
}
