import { join } from "@std/path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Every page of the documentation, relative to the repository's root. */
export async function documentationPages(directory = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(join(ROOT, directory))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory && (directory.startsWith("docs") || entry.name === "docs")) {
      found.push(...await documentationPages(path));
    } else if (entry.isFile && entry.name.endsWith(".md")) found.push(path);
  }
  return found.sort();
}

/** The text of a page. */
export function readPage(page: string): string {
  return Deno.readTextFileSync(join(ROOT, page));
}
