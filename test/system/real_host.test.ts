import { RealHost } from "../../lib/system/real_host.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("concurrent writes of a file are atomic and leave no temporary file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const host = new RealHost();
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => host.files.writeFile(`${directory}/file`, text)));
    assert(texts.includes(await Deno.readTextFile(`${directory}/file`)));
    assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name), ["file"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("appending creates a private file, and keeps the mode of an existing one", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [fresh, known] = [`${directory}/fresh`, `${directory}/known`];
    await Deno.writeTextFile(known, "one\n");
    await Deno.chmod(known, 0o666);
    const host = new RealHost();
    for (const path of [fresh, known]) await host.files.appendFile(path, "two\n");
    const modes = [fresh, known].map((path) => Deno.statSync(path).mode! & 0o777);
    assertEquals([modes, await Deno.readTextFile(known)], [[0o600, 0o666], "one\ntwo\n"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
