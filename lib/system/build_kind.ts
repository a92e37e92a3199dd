import type { BuildKind } from "./host.ts";

/** What this program was built as, see `scripts/build`. */
export function buildKind(): BuildKind {
  if (Deno.build.standalone) return "compiled";
  if (!import.meta.url.includes("/bundle/")) return "source";
  return import.meta.url.includes("/launcher/") ? "launcher" : "self-contained";
}
