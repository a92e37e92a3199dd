import {
  fingerprint,
  matters,
  readRemembered,
  writeRemembered,
} from "../../lib/preflight/fingerprint.ts";
import { assert, assertEquals } from "../assert.ts";

const file = { path: "/r/a.py", size: 3, modifiedMs: 5, inode: 7 };
const remembered = {
  fingerprint: "f",
  pythonVersion: "3.13.0",
  files: ["/r/a.py", ""],
  byDirectoryOnly: false,
  collected: 3,
  imported: ["/v/trio.py"],
  importedMark: "m",
};

Deno.test("a fingerprint changes with each part of a file's mark and with each fact", async () => {
  const same = await fingerprint([file, { ...file, path: "/r/b.py" }], ["x"]);
  assertEquals(
    await fingerprint([{ ...file, path: "/r/b.py" }, file], ["x"]),
    same,
    "the order in which files are found does not matter",
  );
  for (const change of [{ path: "/r/c.py" }, { size: 4 }, { modifiedMs: 6 }, { inode: 8 }]) {
    assert(
      await fingerprint([{ ...file, ...change }, { ...file, path: "/r/b.py" }], ["x"]) !== same,
      JSON.stringify(change),
    );
  }
  assert(await fingerprint([file, { ...file, path: "/r/b.py" }], ["y"]) !== same);
  assert(await fingerprint([file], ["x"]) !== same);
});

Deno.test("a remembered result is read back; any other text is ignored", () => {
  const text = writeRemembered(remembered);
  assertEquals(readRemembered(text), remembered);
  assertEquals(
    readRemembered(writeRemembered({ ...remembered, collected: null }))?.collected,
    null,
  );
  const wrong = [
    null,
    "",
    "{",
    "[]",
    "null",
    "3",
    text.slice(0, -4),
    text.replace("memory/3", "memory/2"),
    text.replace('["/r/a.py",""]', "[1]"),
  ];
  for (const each of wrong) assertEquals(readRemembered(each), null, String(each));
});

Deno.test("the fingerprint includes variables that affect imports or collection", () => {
  for (const name of ["PYTHONPATH", "PYTEST_ADDOPTS", "TRACTOR_X", "LD_PRELOAD", "UV_PYTHON"]) {
    assert(matters(name), name);
  }
  for (const name of ["PATH", "PWD", "PYTEST_CURRENT_TEST"]) assert(!matters(name), name);
});
