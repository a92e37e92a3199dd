import { permissionFlags } from "../../lib/system/permission_flags.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import {
  compiledPermissions,
  head,
  selfContained,
  tablePermissions,
  withDirectory,
} from "./built.ts";

Deno.test(
  "the self-contained binary starts with exactly the union of the permission table and " +
    "--no-prompt",
  async () => {
    const script = await head(await selfContained(), 16_384);
    const start = /^ *exec .*$/m.exec(script)?.[0] ?? "";
    const flags = start.split(" ").filter((word) =>
      /^-(-allow|-deny|-ignore|-no-prompt|-permission|A$|[RWNESIP]$)/.test(word)
    );
    assertEquals(flags, [...permissionFlags(), "--no-prompt"]);
    for (
      const flag of [
        "-A",
        "--allow-all",
        "--allow-run",
        "--allow-env",
        "--allow-sys",
        "--allow-ffi",
        "--allow-import",
      ]
    ) {
      assert(!start.split(" ").includes(flag), `${flag} is granted`);
    }
    for (const flag of ["--no-config", "--no-remote", "--no-npm"]) {
      assertIncludes(start, ` ${flag} `);
    }
  },
);

// The runtime that `deno compile` wants may be out of reach. Given the full `deno` in its place it
// makes a file that does not run as it should, but the graph, the flags and the permissions in that
// file are the real ones.
Deno.test(
  "deno compile accepts the whole graph and the flags, and its binary has exactly the " +
    "permissions of the table",
  async () => {
    await withDirectory(async (directory) => {
      const output = `${directory}/compiled`;
      const flags = [...permissionFlags(), "--no-prompt"];
      const isOffline = import.meta.resolve("@std/cli").includes("/scripts/offline/");
      const graph = isOffline
        ? [
          "--import-map=scripts/offline/import_map.json",
          "--lock=scripts/offline/deno.lock",
          "--frozen",
        ]
        : ["--no-lock"];
      const command = new Deno.Command(Deno.execPath(), {
        args: [
          "compile",
          "--quiet",
          "--no-check",
          ...graph,
          ...flags,
          `--output=${output}`,
          "main.ts",
        ],
        env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1" },
      });
      const compiled = await command.output();
      assertEquals([compiled.code, new TextDecoder().decode(compiled.stderr)], [0, ""]);
      assertEquals(await compiledPermissions(output), tablePermissions());
    });
  },
);
