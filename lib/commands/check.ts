import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function check(_context: Context): Promise<number> {
  throw new UsageError('"check" is not built yet');
}
