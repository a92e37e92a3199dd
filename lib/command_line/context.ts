import type { CommandLine } from "./parsed_line.ts";
import type { Host } from "../system/host.ts";
import type { PermissionRowName } from "../tables/permissions.ts";
import type { Printer } from "../terminal/printer.ts";
import type { VerbDescription } from "./verb_description.ts";

/** Everything that a command gets; `Options` are those that it asks for. */
export interface Context<Options = unknown> {
  readonly host: Host;
  readonly printer: Printer;
  readonly line: CommandLine<Options>;
  /** The row of the permission table that this program has dropped its permissions to. */
  readonly row: PermissionRowName;
  /** The names of all commands, in the order of help. */
  readonly commands?: readonly string[];
  /** All verbs, where the command needs them; else none. */
  readonly verbs?: readonly VerbDescription[];
}
