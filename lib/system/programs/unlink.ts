import type { Host } from "../host.ts";
import { missingTool } from "./probe.ts";

/**
 * Removes one name in a directory that Deno itself may not write to. Returns null when it is gone,
 * else why it is not.
 */
export async function unlinkPath(host: Host, path: string, why: string): Promise<string | null> {
  const { outcome, code, stderr } = await host.programs.run("unlink", [path], { why });
  if (outcome === "missing") return missingTool("unlink");
  if (outcome === "timed-out") return '"unlink" timed out';
  return code === 0 ? null : new TextDecoder().decode(stderr).split("\n")[0]!;
}
