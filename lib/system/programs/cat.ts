import type { Host } from "../host.ts";
import { probe, type Probed } from "./probe.ts";
import { BOOT_ID } from "./proc.ts";

/** Reads files below /proc in one call, separated by the boot id, for {@linkcode splitFiles}. */
export function catFiles(host: Host, paths: readonly string[], why: string): Promise<Probed> {
  const separated = [BOOT_ID, ...paths.flatMap((path) => [path, BOOT_ID])];
  return probe(host, "cat", separated, { why, codes: [0, 1] });
}

/** The contents of the files, empty for one that can't be read; null for any other output. */
export function splitFiles(text: string, count: number): string[] | null {
  const separator = text.slice(0, 37);
  if (!/^[0-9a-f-]{36}\n$/.test(separator)) return null;
  const parts = text.slice(separator.length).split(separator);
  return parts.length === count + 1 ? parts.slice(0, -1) : null;
}
