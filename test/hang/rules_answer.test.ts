import { judgeHang } from "../../lib/hang/rules.ts";
import type { SeenConnection, SeenProcess } from "../../lib/hang/scene.ts";
import { assertEquals } from "../assert.ts";
import { CALL, child, process, pytest, scene, thread } from "./scenes.ts";

const CONNECTION: SeenConnection = {
  address: "127.0.0.1:80",
  isRegistry: false,
  pid: 8,
  fd: 5,
  state: "accepted",
  unread: 0,
  holders: [7],
};
const reads = [thread(8, CALL.recvfrom, [5, 0, 9])];
const connects = [thread(8, CALL.connect, [5, 0, 9])];
const loops = [thread(8, CALL.epoll_wait, [3, 0, 9, 2 ** 64])];
const paused = child({ title: "server", threads: [thread(7, CALL.pause, [])] });

/** Whether a pytest that is in these calls waits for an answer. */
function isDue(
  client: SeenProcess,
  server: SeenProcess,
  more: Partial<SeenConnection> = {},
  others: readonly SeenProcess[] = [],
): boolean {
  const connections = [{ ...CONNECTION, ...more }];
  const { verdict } = judgeHang(scene([client, server, ...others], { connections }));
  return verdict === "waiting-for-answer";
}

Deno.test("a server of the tree that has a request and sleeps owes an answer", () => {
  assertEquals(isDue(pytest(reads), paused), true);
  assertEquals(isDue(pytest(reads), paused, { fd: 6 }), false, "another descriptor");
  assertEquals(isDue(pytest(reads), { ...paused, inTree: false }), false, "a stranger may be slow");
  const runs = { ...paused, threads: [thread(7, CALL.pause, [], { ran: true })] };
  assertEquals(isDue(pytest(reads), runs), false);
  const naps = { ...paused, threads: [thread(7, CALL.clock_nanosleep, [0, 0, 0])] };
  assertEquals(isDue(pytest(reads), { ...naps, asleepSeconds: 0.5 }), false);
  assertEquals(isDue(pytest(reads), { ...naps, asleepSeconds: 60 }), true);
  const awake = [thread(8, CALL.recvfrom, [5, 0, 9], { ran: true })];
  assertEquals(isDue(pytest(awake), paused), false);
});

Deno.test("an event loop is proven to wait only for what is not read or not accepted", () => {
  const loop = pytest(loops, { watched: [5] });
  assertEquals(isDue(loop, paused), false, "it may be idle");
  assertEquals(isDue(loop, paused, { unread: 9 }), true);
  assertEquals(isDue(loop, paused, { state: "unaccepted" }), true);
  assertEquals(isDue(pytest(loops, { watched: [6] }), paused, { unread: 9 }), false);
});

Deno.test("a connect waits for what listens there, or for nothing at all", () => {
  const connecting = { state: "connecting" } as const;
  assertEquals(isDue(pytest(connects), paused, connecting), true);
  const nothing = { ...connecting, holders: [] };
  assertEquals(isDue(pytest(connects, { asleepSeconds: 0.3 }), paused, nothing), false, "slow");
  assertEquals(isDue(pytest(connects, { asleepSeconds: 9 }), paused, nothing), true);
  const hidden = { state: "unaccepted", holders: [] } as const;
  assertEquals(isDue(pytest(reads), paused, hidden), false, "whose it is can't be seen");
});

Deno.test("a connection counts where pytest waits at it, or for its process", () => {
  const waits = pytest([thread(8, CALL.wait4, [9, 0, 0])]);
  const client = process(9, { ppid: 8, threads: [thread(9, CALL.recvfrom, [5, 0, 9])] });
  assertEquals(isDue(waits, paused, { pid: 9 }, [client]), true);
  const locked = pytest([thread(8, CALL.futex, [0, 0, 0, 0])]);
  assertEquals(isDue(locked, paused, { pid: 9 }, [client]), false, "an idle worker");
  const worker = (more: Partial<SeenConnection>) =>
    isDue(pytest([...locked.threads, thread(10, CALL.recvfrom, [5, 0, 9])]), paused, more);
  assertEquals(worker({}), false, "an idle thread");
  assertEquals(worker({ state: "unaccepted" }), true);
  assertEquals(isDue(pytest(reads), paused, { isRegistry: true }), false);
});
