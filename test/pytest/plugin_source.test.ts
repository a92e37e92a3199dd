import { PLUGIN_FILES } from "../../lib/pytest/plugin_source.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const PACKAGE = new URL("../../lib/pytest/plugin/tractest_events/", import.meta.url);

/** Prints the names at the top level of a module that are defined more than once. */
const REPEATED = `
import ast, collections, sys
names = collections.Counter()
for node in ast.parse(sys.stdin.read()).body:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        names[node.name] += 1
    for target in getattr(node, "targets", ()):
        names.update(each.id for each in ast.walk(target) if isinstance(each, ast.Name))
print(*(name for name, times in names.items() if times > 1))
`;

async function python(script: string, input: string): Promise<string> {
  const child = new Deno.Command("python3", {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout } = await child.output();
  assert(success);
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("the plugin's module has every part of the package, and no import of one", () => {
  const module = PLUGIN_FILES["tractest_events.py"]!;
  const files = [...Deno.readDirSync(PACKAGE)].filter(({ isFile }) => isFile);
  assert(files.length > 5);
  for (const { name } of files) if (name !== "__init__.py") assertIncludes(module, `# ${name}\n`);
  assert(!/^\s*from \./m.test(module));
});

Deno.test("no name is defined in two parts of the plugin's package", async () => {
  assertEquals(await python(REPEATED, PLUGIN_FILES["tractest_events.py"]!), "");
});
