import { withoutAnsi } from "../base/escape.ts";
import type { Host } from "../system/host.ts";

/** Bytes at the end of a log that are read. */
const LOG_BYTES = 64 * 1024;

/** The end of a log, without colours. */
export async function readLogEnd(host: Host, path: string): Promise<string> {
  const size = (await host.files.stat(path))?.size ?? 0;
  const bytes = await host.files.readFrom(path, Math.max(0, size - LOG_BYTES), LOG_BYTES);
  return withoutAnsi(new TextDecoder().decode(bytes ?? undefined));
}
