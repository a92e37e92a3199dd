import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** The kernel's name and release (`Linux 6.1.0`); null if unknown. */
export async function kernel(host: Host): Promise<string | null> {
  const { text } = await probe(host, "uname", ["-sr"], { why: "the kernel's release" });
  return text?.trim() ?? null;
}

/** The name of this machine; null if unknown. */
export async function nodeName(host: Host): Promise<string | null> {
  const { text } = await probe(host, "uname", ["-n"], { why: "the name of this machine" });
  return text?.trim() || null;
}
