import { join, normalize } from "@std/path";
import { fileOf, plainId } from "./lastfailed.ts";
import { RED } from "./results.ts";
import type { RunModel } from "./run_model.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";

/**
 * Writes pytest's `lastfailed` from the results of all sessions, so that `pytest --lf` works after
 * a run of several pytests, or of one that was ended early. Like pytest, it removes tests that
 * passed, adds those that failed, and keeps the rest.
 *
 * @param cache pytest's cache directory; null: it keeps none
 */
export async function writeLastFailed(
  host: Host,
  cache: string | null,
  results: Pick<RunModel, "finished" | "collectionErrors" | "place">,
): Promise<void> {
  const isEmpty = results.finished.length === 0 && results.collectionErrors.length === 0;
  if (cache === null || isEmpty) return;
  const file = join(cache, "v", "cache", "lastfailed");
  try {
    const ids = new Set(readIds(await host.files.readText(file)).map(plainId));
    for (const test of results.finished) {
      const id = inRootdir(test.id, results.place);
      RED.has(test.outcome) ? ids.add(id) : ids.delete(id);
    }
    for (const { id } of results.collectionErrors) ids.add(inRootdir(id, results.place));
    // Without failures, only pytest itself creates its cache.
    if (await host.files.stat(cache) === null && ids.size === 0) return;
    await host.files.makeDirectory(join(cache, "v", "cache"));
    const record = Object.fromEntries([...ids].map((id) => [id, true]));
    await host.files.writeFile(file, JSON.stringify(record, null, 2), 0o644);
  } catch (error) {
    // Like pytest, continue without a cache that can't be written.
    if (!(error instanceof TractestError)) throw error;
  }
}

/** A test id relative to pytest's rootdir, as pytest keeps it. */
function inRootdir(id: string, place: string): string {
  if (place === "") return id;
  const file = fileOf(id);
  return normalize(join(place, file)) + id.slice(file.length);
}

function readIds(text: string | null): string[] {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.keys(value) : [];
  } catch {
    return [];
  }
}
