import { parsePollList } from "../../../lib/system/programs/poll_lists.ts";
import { parseSemaphores } from "../../../lib/system/programs/proc_maps.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("semaphores that no other process can open are found among what a process maps", () => {
  const text = `55f6cffd4000-55f6cffd5000 r--p 00000000 08:01 14860      /usr/bin/python3.11
7f43a5039000-7f43a503a000 rw-s 00000000 00:1b 14860   /dev/shm/sem.t5vN01 (deleted)
7f43a503a000-7f43a503b000 rw-s 00000000 00:1b 14861                      /dev/shm/sem.mp-t5vn01x9
7f43a503b000-7f43a503c000 rw-s 00000000 00:01 14862                      /dev/shm/psm_1
7f43a503d000-7f43a503e000 rw-s 00000000 00:1b 14863                      /dev/shm/sem.ready
7f43a503c000-7f43a503d000 rw-p 00000000 00:00 0
`;
  assertEquals(parseSemaphores(text), [
    { from: 0x7f43a5039000, to: 0x7f43a503a000, key: "00:1b 14860" },
    { from: 0x7f43a503a000, to: 0x7f43a503b000, key: "00:1b 14861" },
  ]);
  assertEquals(parseSemaphores(""), []);
});

Deno.test("a list of polled files is read as it is in memory, and only whole", () => {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  [7, -1, 300].forEach((fd, index) => view.setInt32(index * 8, fd, true));
  view.setInt16(4, 1, true);
  assertEquals(parsePollList(bytes, 3), [7, 300]);
  assertEquals(parsePollList(bytes.subarray(0, 20), 3), null);
  assertEquals(parsePollList(bytes, 2), null);
  assertEquals(parsePollList(new Uint8Array(), 0), []);
});
