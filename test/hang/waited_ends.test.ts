import {
  endlessPollCalls,
  endsWaitedAt,
  peersOf,
  polledBy,
  unixEndsOf,
} from "../../lib/hang/waited_ends.ts";
import type { UnixConnection } from "../../lib/system/programs/ss.ts";
import { assertEquals } from "../assert.ts";
import { CALL, thread } from "./scenes.ts";

const socket = (fd: number, inode: number) => ({
  fd,
  reads: true,
  writes: true,
  target: `socket:[${inode}]`,
});
const row = (inode: number, peer: number, more: Partial<UnixConnection> = {}): UnixConnection => ({
  state: "ESTAB",
  unread: 0,
  name: "*",
  inode,
  peer,
  waiting: [],
  ...more,
});
const ENDLESS = 2 ** 32 - 1;

Deno.test("the ends of a Unix connection count only where both have a holder", () => {
  const peers = peersOf([
    row(1, 2),
    row(2, 1),
    row(3, 0),
    row(0, 3),
    row(4, 5),
    row(5, 4, { name: "/run/a.sock" }),
    row(6, 7, { state: "UNCONN" }),
    row(8, 9),
  ]);
  assertEquals([...peers], [
    ["socket:[1]", { target: "socket:[2]", isPair: true }],
    ["socket:[2]", { target: "socket:[1]", isPair: true }],
    ["socket:[4]", { target: "socket:[5]", isPair: false }],
    ["socket:[5]", { target: "socket:[4]", isPair: false }],
  ]);
  const files = new Map([[7, [socket(3, 1), socket(4, 4)]], [8, [socket(3, 2), socket(9, 1)]]]);
  assertEquals(
    [...unixEndsOf(["socket:[1]", "socket:[3]", "socket:[4]"], peers, files)],
    // The other end of the last one is in no process that can be read.
    [["socket:[1]", { isPair: true, holders: [7, 8] }]],
  );
});

Deno.test("an epoll set is known only where its files are still those of the process", () => {
  const files = new Map([[7, [socket(3, 300), {
    ...socket(5, 0),
    target: "anon_inode:[eventpoll]",
  }]]]);
  const threads = new Map([[7, [thread(7, CALL.epoll_wait, [5, 0, 9, ENDLESS])]]]);
  const polled = (
    watches: readonly { readonly fd: number; readonly inode: number | null }[],
  ) => [...polledBy(threads, 0, new Map(), {
    special: [{ pid: 7, fd: 5, watches, of: null }],
    files,
  })];
  assertEquals(polled([{ fd: 3, inode: 300 }]), [[7, [3]]]);
  for (const [fd, inode] of [[3, 301], [3, null]] as const) {
    assertEquals(polled([{ fd, inode }]), []);
  }
});

Deno.test("only calls of poll without a time limit are read from memory", () => {
  const at = (...args: readonly number[]) =>
    endlessPollCalls(new Map([[7, [thread(7, CALL.poll, args)]]]), 0);
  assertEquals(at(4096, 2, ENDLESS), [{ pid: 7, tid: 7, address: 4096, count: 2 }]);
  assertEquals(at(4096, 2, 86_400_000).length, 1);
  assertEquals(at(4096, 2, 86_399_999), []);
  assertEquals(at(4096, 2, 0), []);
});

Deno.test("both ends of a socket that a thread reads or polls are waited at", () => {
  const peers = peersOf([row(1, 2), row(2, 1), row(4, 5), row(5, 4)]);
  const files = [socket(3, 1), socket(6, 4), socket(7, 9)];
  const reads = [thread(7, CALL.read, [3, 0, 1]), thread(8, CALL.poll, [0, 2, ENDLESS])];
  assertEquals(
    endsWaitedAt(files, reads, 0, { polled: new Map([[8, [6, 7]]]), peers }),
    ["socket:[1]", "socket:[2]", "socket:[4]", "socket:[5]"],
  );
});
