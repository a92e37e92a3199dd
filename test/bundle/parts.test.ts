import { joinEnds, sectionsOf, sentencesOf } from "../../lib/bundle/parts.ts";
import { assertEquals } from "../assert.ts";

Deno.test("sectionsOf() takes what configures pytest and tractest, of broken files too", () => {
  const toml = [
    '[project]\nname = "x"',
    "[tool.tractest]\njobs = 2\nlist = [\n  [1],\n]",
    "[tool.tractest.profile.ci]\nretries = 1",
    "[tool.ruff]\nx = 1",
    "[[tool.tractest.overrides]]\ntests = 'a'",
    "[tool.pytest.ini_options]\naddopts = '-q'",
    "[tool.black]\ny = 2",
  ];
  assertEquals(sectionsOf(toml.join("\n\n")), [1, 2, 4, 5].map((at) => toml[at]).join("\n\n"));
  assertEquals(sectionsOf("[tox]\nx=1\n[pytest]\na=1\n"), "[pytest]\na=1");
  assertEquals(sectionsOf("[tool:pytest]\na=1\n[flake8]\nb=1\n"), "[tool:pytest]\na=1");
  assertEquals(sectionsOf("[tool.tractest\nnope = 1\n"), "[tool.tractest\nnope = 1");
  assertEquals(sectionsOf(""), "");
});

Deno.test("a cause that stops several commands is one sentence", () => {
  assertEquals(
    sentencesOf([["hang", "no project"], ["doctor", "no uv"], ["config", "no project"]]),
    ["hang, config: no project", "doctor: no uv"],
  );
});

Deno.test("joinEnds() cuts a long file at ends of lines, and says how much", () => {
  assertEquals(
    joinEnds("one\ntoken=ab", "cd\nlast\n", 7),
    "one\n… 7 bytes are left out here …\nlast\n",
  );
});
