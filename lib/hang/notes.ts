import { join } from "@std/path";
import type { FoundNote } from "../core/hang/recipe.ts";
import type { Host } from "../host/host.ts";
import { HANG_NOTES, type HangNoteRow } from "../tables/hang_notes.ts";

/** Where the checkout knows something about such hangs, found by text; one that is absent is named too. */
export async function findNotes(host: Host, root: string): Promise<FoundNote[]> {
  return await Promise.all((HANG_NOTES as readonly HangNoteRow[]).map(async ({ what, files, text }) => {
    for (const file of files) {
      const content = await host.readText(join(root, file)).catch(() => null);
      if (content === null) continue;
      if (text === null) return { what, place: file };
      const line = content.split("\n").findIndex((line) => line.includes(text));
      if (line >= 0) return { what, place: `${file}:${line + 1}` };
    }
    return { what, place: null };
  }));
}
