import type { Host } from "../host.ts";

/**
 * Shows a notification on macOS; false if that did not work. The texts are arguments, never part of
 * the script.
 */
export async function osascriptNotify(host: Host, title: string, body: string): Promise<boolean> {
  const script = [
    "on run argv",
    "display notification (item 1 of argv) with title (item 2 of argv)",
    "end run",
  ];
  const { outcome, code } = await host.programs.run("osascript", [
    ...script.flatMap((line) => ["-e", line]),
    "--",
    body,
    title,
  ], {
    why: "announce the end of the run",
  });
  return outcome === "exited" && code === 0;
}
