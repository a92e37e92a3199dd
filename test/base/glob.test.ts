import fc from "fast-check";
import { globExpression } from "../../lib/base/glob.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("globExpression() reads stars, question marks and classes as a shell does", () => {
  const cases: [string, string[], string[]][] = [
    ["*.py", ["a.py", ".py"], ["a/b.py", "a.pyc", "axpy"]],
    ["test_?.py", ["test_a.py"], ["test_.py", "test_ab.py", "test_/.py"]],
    ["tests/**/test_*.py", ["tests/test_a.py", "tests/x/test_a.py", "tests/x/y/test_a.py"], [
      "test_a.py",
      "tests/x/a.py",
    ]],
    ["**/test_a", ["test_a", "x/test_a"], ["xtest_a", "test_a/x"]],
    ["tests/**", ["tests/a", "tests/a/b.py"], ["tests", "test/a"]],
    ["a**b", ["ab", "axb"], ["a/b"]],
    ["t[ab]?", ["tax", "tbx"], ["tcx", "t[ab]x"]],
    ["t[!a-c]", ["td"], ["ta", "t/", "tdd"]],
    ["t[^]*", ["t^x"], ["tx"]],
    ["a+(b)|{c}$^.\\*", ["a+(b)|{c}$^.\\x"], ["ab"]],
    ["[*", ["[", "[a"], ["a"]],
  ];
  for (const [glob, yes, no] of cases) {
    const expression = globExpression(glob)!;
    for (const path of yes) {
      assert(expression.test(path), `${glob} should match ${path} (${expression})`);
    }
    for (const path of no) {
      assert(!expression.test(path), `${glob} should not match ${path} (${expression})`);
    }
  }
  assertEquals(globExpression("[z-a]*"), null);
});

Deno.test("globExpression() matches text without special characters literally", () => {
  const plain = fc.string({ unit: "binary" }).filter((text) => !/[*?]|\[[^\]/]+\]/.test(text));
  fc.assert(fc.property(plain, fc.string(), (text, other) => {
    assert(globExpression(text)!.test(text), JSON.stringify(text));
    assertEquals(globExpression(text)!.test(other), other === text);
  }));
});
