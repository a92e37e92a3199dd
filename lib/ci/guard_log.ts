import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { providerOf } from "./providers.ts";
import { withoutCommands } from "./rules_log.ts";

/**
 * From now on nothing that the printer prints is a command of the CI service whose variables are
 * set. For commands that show what tests said, but do not structure the log as `run` does.
 */
export function guardLog(host: Host, printer: Printer): void {
  const provider = providerOf("auto", (name) => host.env(name));
  if (provider !== null) printer.guard = (text) => withoutCommands(provider, text);
}
