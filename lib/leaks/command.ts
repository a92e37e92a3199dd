import type { CommandLine } from "../command_line/parsed_line.ts";
import type { Terminal } from "../system/host.ts";
import type { PermissionRowName } from "../tables/permissions.ts";
import type { Verb } from "../command_line/verb.ts";
import { ZOMBIES_OPTIONS, type ZombiesOptions } from "./zombies_options.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { startFirstScan } from "./first_scan.ts";

/**
 * `tractest zombies`: leaked processes, who holds the registry, stale sockets; with `--kill` ends
 * and removes what is proven to be leaked.
 */
export async function zombies(context: Context<ZombiesOptions>): Promise<ExitCode> {
  // The programs of the first scan run while the rest of this one is loaded.
  const first = context.host.platform === "linux" ? startFirstScan(context.host) : null;
  const { runZombies } = await import("./command_zombies.ts");
  return await runZombies(context, first);
}

/** At a terminal it offers to clean up, and dropped permissions can't be regained. */
function rowOf({ options }: CommandLine<ZombiesOptions>, terminal: Terminal): PermissionRowName {
  const mayOffer = terminal.stdinIsTerminal && terminal.stdout.isTerminal && !options.hook &&
    !options.json;
  const kills = options.kill || mayOffer;
  if (options.shm) return kills ? "zombies --shm --kill" : "zombies --shm";
  return kills ? "zombies --kill" : "zombies";
}

/** `tractest zombies`, described. */
export const VERB: Verb<typeof ZOMBIES_OPTIONS> = {
  name: "zombies",
  group: "clean-up",
  summary: "processes and sockets that tests left behind; who holds tractor's registry",
  usage: "tractest zombies [OPTIONS]",
  options: ZOMBIES_OPTIONS,
  examples: [
    ["tractest zombies", "list, change nothing"],
    [
      "tractest zombies --kill",
      "SIGINT, wait, SIGKILL the rest, remove stale sockets, verify",
    ],
    ["tractest zombies --kill --hook", "the same from a git hook"],
  ],
  exits: [0, 69, 81, 82],
  row: rowOf,
  run: zombies,
};
