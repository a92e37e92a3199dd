import type { Host } from "../host.ts";
import { missingTool } from "./probe.ts";

/** Removes one name in a directory that Deno refuses to write to; returns the reason of failure. */
export async function unlinkPath(host: Host, path: string, why: string): Promise<string | null> {
  const { outcome, code, stderr } = await host.programs.run("unlink", [path], { why });
  if (outcome === "missing") return missingTool("unlink");
  if (outcome === "timed-out") return '"unlink" timed out';
  return code === 0 ? null : new TextDecoder().decode(stderr).split("\n")[0]!;
}
