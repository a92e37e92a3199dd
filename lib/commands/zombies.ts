import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function zombies(_context: Context): Promise<number> {
  throw new UsageError('"zombies" is not built yet');
}
