import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function doctor(_context: Context): Promise<number> {
  throw new UsageError('"doctor" is not built yet');
}
