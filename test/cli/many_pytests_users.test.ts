import { assertEquals } from "../assert.ts";
import { USERS, UsersSuite } from "./isolated_users.ts";

/** Each binds the registry's port, and fails over one transport. */
const TESTS = {
  "conftest.py": 'def pytest_addoption(parser): parser.addoption("--tpt-proto", default="tcp")\n',
  "test_a.py": `
import os, socket
def test_sets(): os.environ["LEFT"] = "1"
def test_binds(request):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 1616))
        listener.listen()
def test_transport(request): assert request.config.getoption("--tpt-proto") == "tcp"
def test_victim(): assert "LEFT" not in os.environ
`,
};

for (const user of USERS) {
  Deno.test(
    `as ${user.name}: copies and cells run in parallel, and a polluter is found in ` +
      "isolation",
    async () => {
      await using suite = await UsersSuite.of(user, TESTS);
      const run = async (...words: string[]) => {
        const { code, stdout, stderr } = await suite.tractest([
          ...words,
          "--no-preflight",
          "--json",
        ]);
        if (!stdout.startsWith("{")) throw new Error(stdout + stderr);
        return { code, document: JSON.parse(stdout) };
      };
      const stress = await run("stress", "test_a.py::test_binds", "--copies", "2", "--rounds", "1");
      assertEquals(
        [stress.code, stress.document.tests[0].trials, stress.document.tests[0].failures],
        [0, 2, 0],
      );
      const matrix = await run(
        "run",
        "--matrix",
        "tpt-proto=tcp,uds",
        "--jobs",
        "2",
        "-k",
        "not victim",
      );
      assertEquals([
        matrix.code,
        matrix.document.differences.map(({ explanation }: { explanation: string }) => explanation),
      ], [1, [
        "fails only with tpt-proto=uds",
      ]]);
      const bisect = await run("bisect", "test_a.py::test_victim", "--isolate");
      assertEquals([bisect.code, bisect.document.isolated, bisect.document.culprits], [0, true, [
        "tests/test_a.py::test_sets",
      ]]);
    },
  );
}
