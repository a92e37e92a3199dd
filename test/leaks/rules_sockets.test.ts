import type { FileFacts } from "../../lib/system/programs/stat.ts";
import { isBound, refuseDirectory, refuseFile } from "../../lib/leaks/rules_sockets.ts";
import { assertEquals } from "../assert.ts";

const socket: FileFacts = { kind: "socket", device: 1, inode: 77, uid: 1000, mode: 0o755 };
const directory: FileFacts = { kind: "directory", device: 1, inode: 2, uid: 1000, mode: 0o700 };

Deno.test("fault 26: the inode decides whether a socket is bound, not the name", () => {
  const bound = (rows: { name: string; inode: number | null }[], rejected = 0) =>
    isBound("/d/a.sock", socket, { rows, rejected, failure: null });
  assertEquals(bound([{ name: "/d/a.sock", inode: 77 }]), true);
  assertEquals(bound([{ name: "a.sock", inode: 77 }]), true, "bound by a relative name");
  assertEquals(
    bound([{ name: "/d/a.sock", inode: 78 }]),
    false,
    "the name was taken again; the old owner still listens",
  );
  assertEquals(
    bound([{ name: "/d/a.sock", inode: null }]),
    true,
    "without an inode the name has to do",
  );
  assertEquals(bound([]), false);
});

Deno.test("fault 32: an unreadable row, or no list, makes a socket unknown, never stale", () => {
  assertEquals(isBound("/d/a.sock", socket, { rows: [], rejected: 1, failure: null }), null);
  assertEquals(
    isBound("/d/a.sock", socket, { rows: [], rejected: 0, failure: '"ss" timed out' }),
    null,
  );
  assertEquals(
    isBound("/d/a.sock", socket, {
      rows: [{ name: "/d/a.sock", inode: 77 }],
      rejected: 1,
      failure: null,
    }),
    true,
  );
});

Deno.test("fault 28: a directory that is a link, someone else's, or open is refused", () => {
  assertEquals(refuseDirectory(directory, 1000, false), null);
  assertEquals(
    refuseDirectory({ ...directory, kind: "symlink" }, 1000, false),
    "is a symbolic link",
  );
  assertEquals(refuseDirectory({ ...directory, kind: "file" }, 1000, false), "is no directory");
  assertEquals(refuseDirectory(directory, 0, false), "belongs to uid 1000");
  assertEquals(
    refuseDirectory({ ...directory, mode: 0o777 }, 1000, false),
    "others may write there",
  );
  assertEquals(refuseDirectory({ ...directory, uid: 0, mode: 0o1777 }, 1000, true), null, "/tmp");
  assertEquals(
    refuseDirectory({ ...directory, uid: 0, mode: 0o777 }, 1000, true),
    "belongs to uid 0",
    "a /tmp that is not sticky",
  );
});

Deno.test("faults 27, 29: a file that is no socket of ours is refused, as root too", () => {
  assertEquals(refuseFile(socket, 1000), null);
  assertEquals(refuseFile(socket, 0), "belongs to uid 1000; not touched");
  assertEquals(refuseFile({ ...socket, kind: "symlink" }, 1000), "is a symlink, no socket");
});
