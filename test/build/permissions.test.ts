import { permissionFlags } from "../../lib/core/command_line/permission_flags.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { head, selfContained, withDirectory } from "./built.ts";

Deno.test("the self-contained binary starts with the union of the permission table, --no-prompt and no other permission", async () => {
  const script = await head(await selfContained(), 16_384);
  const start = /^ *exec .*$/m.exec(script)?.[0] ?? "";
  const flags = start.split(" ").filter((word) => /^-(-allow|-deny|-ignore|-no-prompt|-permission|A$|[RWNESIP]$)/.test(word));
  assertEquals(flags, [...permissionFlags(), "--no-prompt"]);
  for (const flag of ["-A", "--allow-all", "--allow-run", "--allow-env", "--allow-sys", "--allow-ffi", "--allow-import"]) {
    assert(!start.split(" ").includes(flag), `${flag} is granted`);
  }
  for (const flag of ["--no-config", "--no-remote", "--no-npm"]) assertIncludes(start, ` ${flag} `);
});

// The runtime that `deno compile` wants may be out of reach. Given the full `deno` in its place it makes a file that does not
// run as it should, but the graph, the flags and the permissions in that file are the real ones.
Deno.test("deno compile accepts the whole graph and the flags, and what it makes carries exactly the permissions of the table", async () => {
  await withDirectory(async (directory) => {
    const output = `${directory}/compiled`;
    const flags = [...permissionFlags(), "--no-prompt"];
    const isOffline = import.meta.resolve("@std/cli").includes("/scripts/offline/");
    const graph = isOffline ? ["--import-map=scripts/offline/import_map.json", "--lock=scripts/offline/deno.lock", "--frozen"] : ["--no-lock"];
    const command = new Deno.Command(Deno.execPath(), {
      args: ["compile", "--quiet", "--no-check", ...graph, ...flags, `--output=${output}`, "main.ts"],
      env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1" },
    });
    const compiled = await command.output();
    assertEquals([compiled.code, new TextDecoder().decode(compiled.stderr)], [0, ""]);
    assertEquals(await compiledPermissions(output), tablePermissions());
  });
});

/** The permissions in a file that `deno compile` made, without those that are empty or Deno's default. */
async function compiledPermissions(path: string): Promise<Record<string, unknown>> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
  const start = text.lastIndexOf('"permissions":{') + '"permissions":'.length;
  const end = text.indexOf("}", start) + 1;
  const all = JSON.parse(text.slice(start, end)) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== null && name !== "allow_import"));
}

/** The same from the flags. In Deno's words an empty list is all of a kind. */
function tablePermissions(): Record<string, unknown> {
  const granted: Record<string, unknown> = { prompt: false };
  for (const flag of permissionFlags()) {
    const [name = "", list] = flag.split("=");
    granted[name.slice(2).replace("-", "_")] = list?.split(",") ?? [];
  }
  return granted;
}
