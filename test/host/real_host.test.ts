import { RealHost } from "../../lib/host/real_host.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("writes of one file at once are each whole, whichever is the last, and leave nothing beside it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const host = new RealHost();
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => host.writeFile(`${directory}/file`, text)));
    assert(texts.includes(await Deno.readTextFile(`${directory}/file`)));
    assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name), ["file"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
