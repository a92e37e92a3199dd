import { checkImports, importsOf, problemsOf } from "../../scripts/check_imports.ts";
import { assertEquals, assertIncludes } from "../assert.ts";

Deno.test("checkImports() finds nothing in this repository", async () => {
  assertEquals(await checkImports(), []);
});

Deno.test("problemsOf() names each import that goes the wrong way", () => {
  const wrong: [string, string, string][] = [
    ["main.ts", 'import "./lib/commands/run.ts";', "main may not import from commands"],
    ["lib/core/a.ts", 'import { x } from "../host/host.ts";', "core may not import from host"],
    ["lib/core/a.ts", 'import type { Host } from "../host/host.ts";', "core may not import from host"],
    ["lib/core/a.ts", 'export { x } from "../ui/printer.ts";', "core may not import from ui"],
    ["lib/core/a.ts", 'const x = await import("../commands/run.ts");', "core may not import from commands"],
    ["lib/core/a.ts", 'import {\n  x,\n  y,\n} from "../programs/ss.ts";', "core may not import from programs"],
    ["lib/host/a.ts", 'import "../ui/printer.ts";', "host may not import from ui"],
    ["lib/ui/a.ts", 'import { x } from "../programs/ss.ts";', "ui may not import from programs"],
    ["lib/programs/a.ts", 'import { x } from "../ui/printer.ts";', "programs may not import from ui"],
    ["lib/programs/a.ts", 'import { x } from "../commands/run.ts";', "programs may not import from commands"],
    ["lib/commands/a.ts", 'import { main } from "../cli.ts";', "commands may not import from cli"],
    ["lib/tables/a.ts", 'import { x } from "../errors.ts";', "tables may not import from errors"],
    ["lib/tables/a.ts", 'import { join } from "@std/path";', 'tables may not import "@std/path"'],
    ["lib/errors.ts", 'import { x } from "./core/a.ts";', "errors may not import from core"],
    ["lib/ui/a.ts", 'import { x } from "../../scripts/build.ts";', "outside of lib/"],
    ["lib/commands/a.ts", 'import { exists } from "@std/fs";', 'only lib/host/ may import "@std/fs"'],
    ["lib/commands/a.ts", 'await import("@cliffy/prompt");', 'only lib/ui/prompt.ts may import "@cliffy/prompt"'],
    ["lib/ui/a.ts", 'import { x } from "npm:chalk";', "past the map in deno.json"],
    ["lib/commands/a.ts", "Deno.exit(1);", "`Deno.` stands only in"],
    ["lib/core/a.ts", "const { env } = globalThis.Deno\n  .permissions;", "`Deno.` stands only in"],
    ["lib/strange/a.ts", "", "is in no known room"],
  ];
  for (const [path, source, part] of wrong) {
    const problems = problemsOf(path, source);
    assertEquals(problems.length, 1, `${path}: ${source}`);
    assertIncludes(problems[0]!, part);
  }
});

Deno.test("problemsOf() lets through what goes the right way", () => {
  const right: [string, string][] = [
    ["main.ts", 'import { main } from "./lib/cli.ts"; import { RealHost } from "./lib/host/real_host.ts"; Deno.exit(0);'],
    ["lib/cli.ts", 'const run = await import("./commands/run.ts");'],
    ["lib/commands/run.ts", 'import { a } from "../programs/ss.ts"; import { b } from "../ui/printer.ts"; import { c } from "./context.ts";'],
    ["lib/ui/a.ts", 'import type { Host } from "../host/host.ts"; import { unicodeWidth } from "@std/cli";'],
    ["lib/core/a.ts", 'import { x } from "../tables/a.ts"; import { y } from "../errors.ts"; import { join } from "@std/path";'],
    ["lib/host/real_host.ts", 'import { walk } from "@std/fs"; Deno.cwd();'],
    ["lib/ui/prompt.ts", 'await import("@cliffy/prompt");'],
    ["lib/tables/a.ts", 'import type { Row } from "./b.ts";'],
    ["lib/core/a.ts", '// never Deno.env here\n/* import "../ui/x.ts" */ const text = "Deno.env is for the host";'],
  ];
  for (const [path, source] of right) assertEquals(problemsOf(path, source), [], `${path}: ${source}`);
});

Deno.test("importsOf() sees no import in comments, and each in code", () => {
  const source =
    `// import "a"\n/* import x from "b"; */\nimport x from "c"; import "d"; export * from "e"; const u = "http://x"; await import("f"); await import(\`g\`);`;
  assertEquals(importsOf(source).sort(), ["c", "d", "e", "f", "g"]);
});
