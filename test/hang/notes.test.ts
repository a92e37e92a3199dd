import { findNotes } from "../../lib/hang/notes.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { assertEquals } from "../assert.ts";

Deno.test("notes on hangs are found by their text in any conftest.py, or are absent", async () => {
  const root = await Deno.makeTempDir({ prefix: "tractest-notes-" });
  try {
    await Deno.mkdir(`${root}/tests/discovery/deep`, { recursive: true });
    await Deno.mkdir(`${root}/tests/ipc`);
    await Deno.mkdir(`${root}/ai/conc-anal`, { recursive: true });
    await Deno.writeTextFile(
      `${root}/tests/conftest.py`,
      "# one\n    # XXX: too much logging will lock up the subproc (smh)\n",
    );
    await Deno.writeTextFile(`${root}/tests/ipc/conftest.py`, "# nothing\n");
    await Deno.writeTextFile(
      `${root}/tests/ipc/other.py`,
      "# can lock up on the _io.BufferedReader and hang..\n",
    );
    const deep = "# too much logging will lock up the subproc\n" +
      "# can lock up on the _io.BufferedReader and hang..\n";
    await Deno.writeTextFile(`${root}/tests/discovery/deep/conftest.py`, deep);
    await Deno.writeTextFile(
      `${root}/ai/conc-anal/subint_forkserver_test_cancellation_leak_issue.md`,
      "# what it was\n",
    );
    assertEquals((await findNotes(new RealHost(), root)).map((note) => note.place), [
      "tests/conftest.py:2, tests/discovery/deep/conftest.py:1",
      "tests/discovery/deep/conftest.py:2",
      "ai/conc-anal/subint_forkserver_test_cancellation_leak_issue.md",
      null,
    ]);
    await Deno.remove(`${root}/tests`, { recursive: true });
    assertEquals((await findNotes(new RealHost(), root))[0]!.place, null);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
