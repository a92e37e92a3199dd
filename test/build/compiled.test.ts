/**
 * What only a binary made by `deno compile` can show. `scripts/test` runs this file on that kind
 * alone.
 */

import { VERSION } from "../../lib/tables/release.ts";
import { assert, assertEquals } from "../assert.ts";
import { TRACTEST } from "../cli/tractest.ts";
import { compiledPermissions, run, tablePermissions, withDirectory } from "./built.ts";

Deno.test(
  "a binary from deno compile answers `version` as the compiled kind, and unpacks " +
    "nothing",
  async () => {
    await withDirectory(async (home) => {
      const { code, stdout, stderr } = await run(TRACTEST, ["version"], { HOME: home });
      assertEquals([code, stderr], [0, ""]);
      assert(
        new RegExp(`^tractest ${VERSION} \\(compiled, deno \\d+\\.\\d+\\.\\d+\\)\n$`).test(stdout),
        stdout,
      );
      assertEquals([...Deno.readDirSync(home)], []);
    });
  },
);

Deno.test("a binary from deno compile has exactly the permissions of the table", async () => {
  assertEquals(await compiledPermissions(TRACTEST), tablePermissions());
});
