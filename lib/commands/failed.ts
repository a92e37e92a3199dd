import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function failed(_context: Context): Promise<number> {
  throw new UsageError('"failed" is not built yet');
}
