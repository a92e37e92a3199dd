import { join } from "@std/path";
import { type User, UsersSuite } from "./isolated_users.ts";
import { sampleSuite } from "./suites.ts";

/** How the sample is grown. */
export interface Grown {
  readonly files: number;
  readonly testsPerFile: number;
}

/**
 * 300 tests; about half a minute of sleeping, and every file has some whose actors bind the
 * registry's port.
 */
export const GROWN: Grown = { files: 20, testsPerFile: 15 };

/** Seconds that a test sleeps: many short ones, few long ones, the same in every run. */
function sleepOf(file: number, index: number): number {
  const turn = (file * 31 + index * 17) % 23;
  return turn === 0 ? 0.8 : turn < 5 ? 0.2 : 0.02 + turn / 400;
}

/**
 * Tests as they are in an actor suite: most wait for something, some open a registrar at the fixed
 * port, some share a fixture of their module that holds another fixed port, a few are skipped,
 * expected to fail, or fail.
 */
function testFile(file: number, count: number): string {
  const tests = Array.from({ length: count }, (_, index) => {
    const sleep = sleepOf(file, index).toFixed(3);
    if (index === 0) {
      return `def test_registrar(run, root_options):\n    registrar(run, root_options, ${sleep})\n`;
    }
    if (index <= 3) {
      const body = `assert door.getsockname()[1] == ${PORT}; time.sleep(${sleep})`;
      return `def test_door_${index}(door):\n    ${body}\n`;
    }
    if (index === 4) {
      const body = `with socket.create_server(("127.0.0.1", 1616)): time.sleep(${sleep})`;
      return `def test_port():\n    ${body}\n`;
    }
    if (index === 5 && file % 4 === 0) {
      return `@pytest.mark.skip(reason="grown")\ndef test_skipped(): pass\n`;
    }
    if (index === 6 && file % 4 === 1) {
      return `@pytest.mark.xfail\ndef test_expected(): time.sleep(${sleep}); assert False\n`;
    }
    if (index === 7 && file % 8 === 2) {
      return `def test_fails(): time.sleep(${sleep}); assert ${file} == 0\n`;
    }
    return `def test_waits_${index}(): time.sleep(${sleep})\n`;
  });
  return `${HEAD}\n\n${tests.join("\n\n")}`;
}

const PORT = 1717;
const HEAD = `
import socket, time
import pytest, tractor, trio

def registrar(run, root_options, seconds):
    async def main():
        async with tractor.open_root_actor(**root_options):
            await trio.sleep(seconds)
    run(main)

@pytest.fixture(scope="module")
def door():
    with socket.create_server(("127.0.0.1", ${PORT})) as server:
        yield server
`;

/** The sample with these tests below `tests/grown`, and without its own, for a user. */
export async function grownSample(
  user: User,
  { files, testsPerFile }: Grown = GROWN,
): Promise<UsersSuite> {
  const { path, root } = await sampleSuite(user.as.length > 0 ? "/usr/bin/python3" : undefined);
  const suite = new UsersSuite(path, user);
  for await (const { name } of Deno.readDir(join(root, "tests"))) {
    if (name !== "conftest.py") await Deno.remove(join(root, "tests", name), { recursive: true });
  }
  await suite.write(
    Object.fromEntries(
      Array.from(
        { length: files },
        (_, file) => [`tests/grown/test_grown_${file}.py`, testFile(file, testsPerFile)],
      ),
    ),
  );
  await suite.give();
  return suite;
}
