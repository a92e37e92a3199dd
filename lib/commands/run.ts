import { UsageError } from "../errors.ts";
import type { Context } from "./context.ts";

/** Not built yet. */
export function run(_context: Context): Promise<number> {
  throw new UsageError('"run" is not built yet');
}
