import { notFound, pluginHints } from "../../lib/run/next_command.ts";
import { assertEquals } from "../assert.ts";

const OFFERED = ["a.py::test_bad", "a.py::test_parse[10x20-size0]", "a.py::test_parse[1x1-size1]"];

Deno.test("the nearest ids to one without parameters have none, each once", () => {
  assertEquals(notFound(["a.py::test_pars"], OFFERED), [
    { id: "a.py::test_pars", nearest: ["a.py::test_parse", "a.py::test_bad"] },
  ]);
});

Deno.test("the nearest ids to one with parameters have theirs", () => {
  const [{ nearest } = { nearest: [] }] = notFound(["a.py::test_parse[1x1-size2]"], OFFERED);
  assertEquals(nearest[0], "a.py::test_parse[1x1-size1]");
  assertEquals(notFound(["a.py::test_parse", "a.py::test_bad"], OFFERED), []);
});

Deno.test("an option that needs a plugin is named, with what does without it", async () => {
  const hints = (...words: string[]) =>
    pluginHints(
      ["python", "-m", "pytest", ...words],
      (name) => Promise.resolve(`pip install ${name}`),
    );
  assertEquals(await hints("-n4", "--cov=x", "-x"), [
    "pytest has -n only with pytest-xdist (pip install pytest-xdist); or without it: " +
    "tractest run --jobs auto",
    "pytest has --cov only with pytest-cov (pip install pytest-cov)",
  ]);
  assertEquals(await hints("-x", "tests/-n"), []);
});
