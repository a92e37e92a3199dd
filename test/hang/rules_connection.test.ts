import { listenersOf } from "../../lib/hang/listeners.ts";
import { judgeHang } from "../../lib/hang/rules.ts";
import type { HangScene, Listener, SeenProcess } from "../../lib/hang/scene.ts";
import { assertEquals } from "../assert.ts";
import { CALL, child, pytest, scene, thread } from "./scenes.ts";

const LISTENER: Listener = { pid: 7, fd: 4, address: "127.0.0.1:80", waiting: 0, clients: 0 };
const accepts = (pid: number) => [thread(pid, CALL.accept4, [4, 0, 0])];
const waits = [thread(8, CALL.wait4, [7, 0, 0])];

/** The evidence of the verdict, where it is the one about connections. */
function found(
  processes: readonly SeenProcess[],
  listeners: readonly Listener[] = [LISTENER],
  more: Partial<HangScene> = {},
): readonly string[] | null {
  const { verdict, evidence } = judgeHang(scene(processes, { listeners, ...more }));
  return verdict === "waiting-for-connection" ? evidence : null;
}

Deno.test("pytest waits for a server to which nothing connects", () => {
  const server = child({ title: "server", threads: accepts(7) });
  assertEquals(found([pytest(waits), server]), [
    "pid 7 (server) waits for a connection to 127.0.0.1:80 (fd 4): there is none",
    "pid 8 (python -m pytest) waits for its child pid 7 in wait4 (by pid)",
  ]);
  const loop = [thread(7, CALL.epoll_wait, [3, 0, 9, 2 ** 64])];
  assertEquals(found([pytest(waits), child({ threads: loop, watched: [4] })])?.length, 2);
  assertEquals(found([pytest(waits), child({ threads: loop, watched: [5] })]), null);
  const itself = { ...LISTENER, pid: 8 };
  assertEquals(found([pytest(accepts(8))], [itself])?.length, 1);
});

Deno.test("an idle server for which nothing waits, or with a client, is not the cause", () => {
  const server = child({ threads: accepts(7) });
  assertEquals(found([pytest([thread(8, CALL.futex, [0, 0, 0, 0])]), server]), null);
  for (const more of [{ clients: 1 }, { waiting: 1 }]) {
    assertEquals(found([pytest(waits), server], [{ ...LISTENER, ...more }]), null);
    const other = { ...LISTENER, fd: 5, ...more };
    assertEquals(found([pytest(waits), server], [LISTENER, other]), null);
  }
  const busy = [thread(8, CALL.accept4, [4, 0, 0], { ran: true })];
  assertEquals(found([pytest(busy)], [{ ...LISTENER, pid: 8 }]), null);
  // A server in a thread of pytest is idle while its test does something else.
  const inThread = [thread(8, CALL.futex, [0, 0, 0, 0]), thread(9, CALL.accept4, [4, 0, 0])];
  assertEquals(found([pytest(inThread)], [{ ...LISTENER, pid: 8 }]), null);
  const over = { session: { exitStatus: 0, leftBy: new Map() } };
  assertEquals(found([pytest(waits), server], [LISTENER], over), null, "pytest has finished");
});

Deno.test("listeners have their connections, open or not yet accepted", () => {
  const tcp = (state: string, local: string, inode: number, unread = 0) => ({
    state,
    local,
    peer: "127.0.0.1:9",
    inode,
    unread,
  });
  const rows = [
    tcp("LISTEN", "0.0.0.0:80", 1, 2),
    tcp("ESTAB", "127.0.0.1:80", 2),
    tcp("TIME-WAIT", "127.0.0.1:80", 0),
    tcp("ESTAB", "127.0.0.1:8080", 3),
    tcp("LISTEN", "127.0.0.1:81", 4),
  ];
  const sockets = new Map([[1, [{ inode: 1, pid: 7, fd: 4 }]], [4, [{
    inode: 4,
    pid: 70,
    fd: 4,
  }]]]);
  assertEquals(listenersOf([7], sockets, rows, []), [
    { pid: 7, fd: 4, address: "0.0.0.0:80", waiting: 2, clients: 1 },
  ]);
});
