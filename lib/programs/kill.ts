import type { Host, Signal } from "../host/host.ts";
import { missingTool } from "./probe.ts";

/** What became of a signal: `gone` when there is no such process any more, else why it was not sent. */
export type Signalled = "sent" | "gone" | { readonly refused: string };

/** Sends a signal to one process. The caller has made sure, just now, that it is the one that is meant. */
export async function sendSignal(host: Host, pid: number, signal: Signal): Promise<Signalled> {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new RangeError(`Cannot signal pid ${pid}`);
  const { outcome, code, stderr } = await host.run("kill", ["-s", signal.slice(3), String(pid)], { why: `${signal} to a verified process` });
  if (outcome === "missing") return { refused: missingTool("kill") };
  if (outcome === "timed-out") return { refused: '"kill" timed out' };
  if (code === 0) return "sent";
  const [said = ""] = new TextDecoder().decode(stderr).split("\n");
  if (said.includes("No such process")) return "gone";
  return { refused: said.includes("not permitted") ? "the system does not permit to signal it" : `"kill" failed: ${said}` };
}
