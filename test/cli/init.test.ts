import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

const TEXT = '[project]\r\nname = "x"\r\n\r\n[tool.pytest.ini_options]\r\ntestpaths = ["tests"]';

Deno.test("init appends to pyproject.toml and changes nothing else, once", async () => {
  await using suite = await pytestSuite({ "test_a.py": "PORT = 7070\ndef test_a(): pass\n" });
  await suite.write({ "pyproject.toml": TEXT, ".github/workflows/ci.yml": "on: push\n" });
  const path = join(suite.root, "pyproject.toml");
  const names = () => [...Deno.readDirSync(suite.root)].map((entry) => entry.name).sort();
  const before = names();
  await Deno.chmod(path, 0o640);

  const dry = await suite.tractest(["init", "--dry-run"]);
  assertEquals([dry.code, await Deno.readTextFile(path)], [0, TEXT]);
  assertIncludes(dry.stdout, "# Tests name fixed ports: 7070 (tests/test_a.py:1).");

  const { code, stdout } = await suite.tractest(["init"]);
  assertEquals([code, stdout], [0, `appended [tool.tractest] to ${path}\n`]);
  const after = await Deno.readTextFile(path);
  assertEquals(after, TEXT + dry.stdout);
  assert(!/[^\r]\n/.test(after));
  assertEquals([(await Deno.stat(path)).mode! & 0o777, names()], [0o640, before]);

  const { values } = JSON.parse((await suite.tractest(["config", "--json"])).stdout);
  const set = values.filter(({ from }: { from: string }) => from !== "default");
  assertEquals(set.map(({ key }: { key: string }) => key), ["profile"]);

  const again = await suite.tractest(["init"]);
  assertEquals(again.code, 80);
  assertIncludes(again.stderr, "has a [tool.tractest] already: it is left as it is");
  assertEquals(await Deno.readTextFile(path), after);
});

Deno.test("init makes pyproject.toml only with --yes, refuses what it can't add to", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await suite.write({ "pytest.ini": "[pytest]\n" });
  const path = join(suite.root, "pyproject.toml");
  await Deno.remove(path).catch(() => {});
  const refused = await suite.tractest(["init"]);
  assertEquals(refused.code, 80);
  assertIncludes(refused.stderr, `There is no ${path}`);
  assertIncludes(refused.stderr, "tractest init --yes");
  assertEquals((await suite.tractest(["init", "--yes"])).code, 0);
  assertIncludes(await Deno.readTextFile(path), "[tool.tractest]\n");

  await Deno.writeTextFile(path, "tool = { x = 1 }\n");
  const inline = await suite.tractest(["init"]);
  assertEquals(inline.code, 80);
  assertIncludes(inline.stderr, "can't take a table at its end");
  assertEquals(await Deno.readTextFile(path), "tool = { x = 1 }\n");
});
