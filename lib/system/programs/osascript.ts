import type { Host } from "../host.ts";

/** Shows a notification on macOS; false on failure. Texts are arguments, not part of the script. */
export async function osascriptNotify(host: Host, title: string, body: string): Promise<boolean> {
  const script = [
    "on run argv",
    "display notification (item 1 of argv) with title (item 2 of argv)",
    "end run",
  ];
  const words = [...script.flatMap((line) => ["-e", line]), "--", body, title];
  const why = "announce the end of the run";
  const { outcome, code } = await host.programs.run("osascript", words, { why });
  return outcome === "exited" && code === 0;
}
