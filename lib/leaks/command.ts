import type { ZombiesOptions } from "./look.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { startFirstLook } from "./first_look.ts";

/**
 * `tractest zombies`: leaked actors, who holds the registry, stale sockets; with `--kill` ends and
 * removes what is proven to be leaked.
 */
export async function zombies(context: Context<ZombiesOptions>): Promise<ExitCode> {
  // The programs of the first look run while the rest of this one is loaded.
  const first = context.host.platform === "linux" ? startFirstLook(context.host) : null;
  const { lookOn } = await import("./look.ts");
  return await lookOn(context, first);
}
