import { removeDirectory } from "../../lib/background/run_directory.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { assertEquals } from "../assert.ts";

Deno.test("removing a run's directory removes its links, but not their targets", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/run/step-1/queue-0/cache/v`, { recursive: true });
    await Deno.mkdir(`${directory}/elsewhere`);
    await Deno.writeTextFile(`${directory}/elsewhere/kept`, "");
    await Deno.writeTextFile(`${directory}/run/step-1/queue-0/cache/v/ids`, "");
    await Deno.symlink(`${directory}/elsewhere`, `${directory}/run/step-1/link`);
    await Deno.symlink(`${directory}/nowhere`, `${directory}/run/broken`);
    await removeDirectory(new RealHost(), `${directory}/run`);
    assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name), ["elsewhere"]);
    assertEquals([...Deno.readDirSync(`${directory}/elsewhere`)].map((entry) => entry.name), [
      "kept",
    ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
