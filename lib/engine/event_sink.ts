import { isAbsolute, resolve } from "@std/path";
import type { Host } from "../host/host.ts";
import type { EventSink } from "./event_log.ts";

/** Where `--events` sends the lines: a file, which is begun anew, a pipe or device, or standard output for `-`; null when it was not given. */
export async function eventsSink(host: Host, to: string | undefined): Promise<EventSink | null> {
  if (to === undefined) return null;
  if (to === "-") return (lines) => host.stdout.write(lines.map((text) => `${text}\n`).join(""));
  const path = isAbsolute(to) ? to : resolve(host.cwd, to);
  const status = await host.stat(path);
  // A pipe or a device is written to as it is.
  if (status === null || status.kind === "file") await host.writeFile(path, "");
  return (lines) => host.appendFile(path, lines.map((text) => `${text}\n`).join(""));
}
