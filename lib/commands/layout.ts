import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function layout(_context: Context): Promise<number> {
  throw new UsageError('"layout" is not built yet');
}
