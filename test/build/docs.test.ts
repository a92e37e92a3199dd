import { dirname, join } from "@std/path";
import { assertEquals } from "../assert.ts";
import { documentationPages } from "./documentation.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(join(ROOT, path)).then(() => true, () => false);
}

Deno.test("every link of the documentation leads to a file and a heading that exist", async () => {
  const broken: string[] = [];
  for (const page of await documentationPages()) {
    const text = await Deno.readTextFile(join(ROOT, page));
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path = "", anchor] = link!.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!await exists(target)) broken.push(`${page}: ${link}`);
      else if (anchor !== undefined) {
        const anchors = anchorsOf(await Deno.readTextFile(join(ROOT, target)));
        if (!anchors.has(anchor)) broken.push(`${page}: ${link}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("every file of the project that the documentation names exists", async () => {
  const missing: string[] = [];
  for (const page of await documentationPages()) {
    if (page === "CHANGELOG.md") continue;
    const text = await Deno.readTextFile(join(ROOT, page));
    for (const [, path] of text.matchAll(/`((?:lib|test|scripts|docs)\/[\w./-]*\w)`/g)) {
      if (!await exists(path!)) missing.push(`${page}: ${path}`);
    }
  }
  assertEquals(missing, []);
});
