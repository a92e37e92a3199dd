import { join } from "@std/path";
import type { FoundNote } from "./recipe.ts";
import type { Host } from "../system/host.ts";
import { CONFTESTS, HANG_NOTES, type HangNoteRow } from "./known_notes.ts";

/** Finds, by their text, the places in the checkout that document such hangs. */
export async function findNotes(host: Host, root: string): Promise<FoundNote[]> {
  const conftests = await conftestsOf(host, root);
  return await Promise.all(
    (HANG_NOTES as readonly HangNoteRow[]).map(async ({ what, files, text }) => {
      const paths = files.flatMap((file) => file === CONFTESTS ? conftests : [file]);
      const places = (await Promise.all(paths.map((path) => placeIn(host, root, path, text))))
        .filter((place) => place !== null);
      return { what, place: places.length === 0 ? null : places.join(", ") };
    }),
  );
}

/** Directories that hold no tests of the project. */
const SKIPPED = [".git", ".venv", "node_modules", "__pycache__"];

async function conftestsOf(host: Host, root: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of host.files.walk(join(root, "tests"), ["py"], SKIPPED)) {
    if (path.endsWith("/conftest.py")) found.push(path.slice(root.length + 1));
  }
  return found.sort();
}

/** `tests/conftest.py:12`; null without the file, or the text in it. */
async function placeIn(
  host: Host,
  root: string,
  file: string,
  text: string | null,
): Promise<string | null> {
  const content = await host.files.readText(join(root, file)).catch(() => null);
  if (content === null) return null;
  if (text === null) return file;
  const line = content.split("\n").findIndex((line) => line.includes(text));
  return line < 0 ? null : `${file}:${line + 1}`;
}
