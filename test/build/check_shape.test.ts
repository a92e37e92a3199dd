import { repeatedNames, shapeProblems } from "../../scripts/check_shape.ts";
import { assertEquals } from "../assert.ts";

const body = (lines: number) => "    x();\n".repeat(lines);

Deno.test("shapeProblems() names long lines, and templates broken inside placeholders", () => {
  const source = `const a = "${"x".repeat(95)}";\nconst b = \`\${\n  a\n}\`;\n`;
  assertEquals(shapeProblems("lib/base/a.ts", source), [
    "lib/base/a.ts:1: 108 columns",
    "lib/base/a.ts:2: a template is broken inside ${",
  ]);
});

Deno.test("shapeProblems() names functions, methods and tests that are too long", () => {
  const source = [
    `export async function long(\n  a: string,\n): Promise<void> {\n${body(58)}}\n`,
    `export function fits(): void {\n${body(58)}}\n`,
    `class A {\n  #method(): void {\n${body(60)}  }\n  other(): void {\n${body(40)}  }\n}\n`,
    `const arrow = (a: string) => {\n${body(60)}};\n`,
    `Deno.test("a test", async () => {\n${body(60)}});\n`,
    `function calls() {\n  call(\n${body(20)}  );\n}\n`,
  ].join("\n");
  assertEquals(shapeProblems("a.ts", source).map((problem) => problem.replace(/^.*?: /, "")), [
    "long has 62 lines",
    "#method has 62 lines",
    "arrow has 62 lines",
    '"a test", async () => { has 62 lines',
  ]);
});

Deno.test("repeatedNames() allows only the words that every room uses", () => {
  const paths = ["lib/a/rules.ts", "lib/b/rules.ts", "lib/a/judge.ts", "lib/b/judge.ts"];
  assertEquals(repeatedNames(paths), [
    "judge.ts is there 2 times: lib/a/judge.ts, lib/b/judge.ts",
  ]);
});
