import {
  checkImports,
  circles,
  importsOf,
  impureRules,
  problemsOf,
} from "../../scripts/check_imports.ts";
import { assertEquals, assertIncludes } from "../assert.ts";

Deno.test("checkImports() finds nothing in this repository", async () => {
  assertEquals(await checkImports(), []);
});

const WRONG: readonly (readonly [string, string, string])[] = [
  ["main.ts", 'import "./lib/run/command.ts";', "main may not import from commands"],
  ["lib/base/a.ts", 'import { x } from "../system/host.ts";', "base may not import from system"],
  [
    "lib/base/a.ts",
    'import type { Host } from "../system/host.ts";',
    "base may not import from system",
  ],
  [
    "lib/base/a.ts",
    'export { x } from "../terminal/printer.ts";',
    "base may not import from terminal",
  ],
  [
    "lib/leaks/a.ts",
    'const x = await import("../run/command.ts");',
    "leaks may not import from commands",
  ],
  [
    "lib/leaks/a.ts",
    'import {\n  x,\n  y,\n} from "../hang/notes.ts";',
    "leaks may not import from hang",
  ],
  ["lib/run/a.ts", 'import { x } from "./command.ts";', "run may not import from commands"],
  [
    "lib/run/a.ts",
    'import { x } from "./command_request.ts";',
    "run may not import from commands",
  ],
  ["lib/hang/a.ts", 'import { x } from "../flaky/rules.ts";', "hang may not import from flaky"],
  ["lib/system/a.ts", 'import "../terminal/printer.ts";', "system may not import from terminal"],
  [
    "lib/system/programs/a.ts",
    'import { x } from "../../terminal/printer.ts";',
    "system may not import from terminal",
  ],
  ["lib/commands/a.ts", 'import { main } from "../cli.ts";', "commands may not import from cli"],
  ["lib/tables/a.ts", 'import { x } from "../errors.ts";', "tables may not import from errors"],
  ["lib/tables/a.ts", 'import { join } from "@std/path";', 'tables may not import "@std/path"'],
  ["lib/errors.ts", 'import { x } from "./base/a.ts";', "errors may not import from base"],
  ["lib/terminal/a.ts", 'import { x } from "../../scripts/build.ts";', "outside of lib/"],
  [
    "lib/commands/a.ts",
    'import { exists } from "@std/fs";',
    'only lib/system/ may import "@std/fs"',
  ],
  [
    "lib/commands/a.ts",
    'await import("@cliffy/prompt");',
    'only lib/terminal/prompt.ts may import "@cliffy/prompt"',
  ],
  ["lib/terminal/a.ts", 'import { x } from "npm:chalk";', "past the map in deno.json"],
  ["lib/commands/a.ts", "Deno.exit(1);", "`Deno.` stands only in"],
  ["lib/base/a.ts", "const { env } = globalThis.Deno\n  .permissions;", "`Deno.` stands only in"],
  ["lib/strange/a.ts", "", "is in no known room"],
];

Deno.test("problemsOf() names each import that goes the wrong way", () => {
  for (const [path, source, part] of WRONG) {
    const problems = problemsOf(path, source);
    assertEquals(problems.length, 1, `${path}: ${source}`);
    assertIncludes(problems[0]!, part);
  }
});

Deno.test("problemsOf() accepts imports that go the right way", () => {
  const right: [string, string][] = [
    [
      "main.ts",
      'import { main } from "./lib/cli.ts"; import { RealHost } from ' +
      '"./lib/system/real_host.ts"; Deno.exit(0);',
    ],
    ["lib/cli.ts", 'const run = await import("./run/command.ts");'],
    [
      "lib/hang/command.ts",
      'import { a } from "../run/exact.ts"; import { b } from "../run/command.ts"; import ' +
      '{ c } from "./rules.ts";',
    ],
    [
      "lib/terminal/a.ts",
      'import type { Host } from "../system/host.ts"; import { unicodeWidth } from "@std/cli";',
    ],
    [
      "lib/base/a.ts",
      'import { x } from "../tables/a.ts"; import { y } from "../errors.ts"; import { join ' +
      '} from "@std/path";',
    ],
    ["lib/system/real_host.ts", 'import { walk } from "@std/fs"; Deno.cwd();'],
    ["lib/terminal/prompt.ts", 'await import("@cliffy/prompt");'],
    ["lib/tables/a.ts", 'import type { Row } from "./b.ts";'],
    [
      "lib/base/a.ts",
      '// never Deno.env here\n/* import "../run/x.ts" */ const text = "Deno.env is for the host";',
    ],
  ];
  for (const [path, source] of right) {
    assertEquals(problemsOf(path, source), [], `${path}: ${source}`);
  }
});

Deno.test("importsOf() finds every import in code, and none in comments", () => {
  const source =
    `// import "a"\n/* import x from "b"; */\nimport x from "c"; import "d"; export * ` +
    `from "e"; const u = "http://x"; await import("f"); await import(\`g\`);`;
  assertEquals(importsOf(source).map(({ specifier }) => specifier).sort(), [
    "c",
    "d",
    "e",
    "f",
    "g",
  ]);
});

Deno.test("importsOf() knows which imports are erased before the program runs", () => {
  const source =
    'import type { A } from "a"; import { type B, type C } from "b"; import { type D, e ' +
    '} from "c"; export type { F } from "d";';
  assertEquals(importsOf(source).map(({ isType }) => isType), [true, true, false, true]);
});

Deno.test("impureRules() shows the chain of imports from a rules file to the system", () => {
  const sources = new Map([
    [
      "lib/leaks/rules.ts",
      'import { a } from "./a.ts"; import type { Host } from "../system/host.ts";',
    ],
    ["lib/leaks/rules_sockets.ts", 'import { b } from "./b.ts";'],
    ["lib/leaks/gather.ts", 'import { probe } from "../system/programs/probe.ts";'],
    ["lib/leaks/a.ts", 'import { b } from "../system/programs/ss.ts";'],
    ["lib/leaks/b.ts", 'import type { Read } from "../system/programs/ss.ts";'],
  ]);
  assertEquals(impureRules(sources), [
    "lib/leaks/rules.ts: decides, and reaches the system by lib/leaks/a.ts → " +
    "lib/system/programs/ss.ts",
  ]);
});

Deno.test("circles() shows files that import each other, by types too", () => {
  const sources = new Map([
    ["lib/a/top.ts", 'import { one } from "./one.ts";'],
    ["lib/a/one.ts", 'import { two } from "./two.ts"; import { low } from "./low.ts";'],
    ["lib/a/two.ts", 'import type { One } from "./one.ts"; import { low } from "./low.ts";'],
    ["lib/a/low.ts", ""],
  ]);
  assertEquals(circles(sources), ["a circle: lib/a/one.ts → lib/a/two.ts → lib/a/one.ts"]);
});
