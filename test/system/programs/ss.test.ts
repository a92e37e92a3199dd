import fc from "fast-check";
import {
  listensOf,
  parseHeldSockets,
  parseTcpListeners,
  parseUnixSockets,
} from "../../../lib/system/programs/ss.ts";
import { assert, assertEquals } from "../../assert.ts";

const capture = await Deno.readTextFile(
  new URL("../../fixtures/captures/ss-tlnpH-orphans.txt", import.meta.url),
);

Deno.test("listeners and the pids behind them are read from a real list", () => {
  assertEquals(parseTcpListeners(capture), {
    rows: [
      { host: "127.0.0.1", port: 40459, pids: [14917] },
      { host: "127.0.0.1", port: 38331, pids: [14911] },
      { host: "127.0.0.1", port: 35235, pids: [14915] },
    ],
    rejected: 0,
  });
});

Deno.test("wildcards, IPv6, scopes and the short form without processes are read", () => {
  const text = "LISTEN 0      128            *:1617       *:*\n" +
    "LISTEN 0 128 [::1]:1616 [::]:*\n" +
    "LISTEN 0 128 [fe80::1]%eth0:80 [::]:*\n" +
    "LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:*\n";
  assertEquals(parseTcpListeners(text).rows.map((row) => `${row.host} ${row.port}`), [
    "* 1617",
    "::1 1616",
    "fe80::1 80",
    "127.0.0.53 53",
  ]);
});

Deno.test("fault 24: a pid that holds a listener twice is one holder", () => {
  const text = 'LISTEN 0 128 127.0.0.1:1616 0.0.0.0:* users:(("python",pid=7,fd=5),' +
    '("python",pid=7,fd=6),("python",pid=8,fd=5))\n';
  assertEquals(parseTcpListeners(text).rows[0]?.pids, [7, 8]);
});

Deno.test("a name that resembles the list of users does not hide its process", () => {
  for (const name of ['a",pid=1,fd=2),', 'x)",pid=1,(', '("', "", "a b,c"]) {
    const text = `LISTEN 0 128 127.0.0.1:1616 0.0.0.0:* users:(("${name}",pid=7,fd=5))\n`;
    assertEquals(parseTcpListeners(text).rows[0]?.pids, [7], name);
  }
});

Deno.test("fault 32: a row with an injected newline and a truncated one are rejected", () => {
  const broken = 'LISTEN 0 128 127.0.0.1:1616 0.0.0.0:* users:(("evil\nLISTEN",pid=7,fd=5))\n';
  assertEquals(parseTcpListeners(broken), { rows: [], rejected: 2 });
  assertEquals(parseTcpListeners(capture.slice(0, -20)).rejected, 1);
  assertEquals(parseTcpListeners(capture.trimEnd()).rejected, 1);
  assertEquals(parseTcpListeners(""), { rows: [], rejected: 0 });
});

Deno.test("Unix sockets are read with their names, spaces too, and the inode of the file", () => {
  const text =
    "u_str LISTEN 0      128     /tmp/a b.sock 44836 * 0 <-> ino:2163798 dev:0/65024 peers:\n" +
    "u_str ESTAB 0 0 * 5 * 6 <-> peers:\n" +
    "u_dgr UNCONN 0 0 @abstract 7 * 0\n" +
    "u_str LISTEN 0 128 relative.sock 9 * 0 <-> ino:12 dev:0/65024 peers:\n";
  assertEquals(parseUnixSockets(text), {
    rows: [{ name: "/tmp/a b.sock", inode: 2163798 }, { name: "@abstract", inode: null }, {
      name: "relative.sock",
      inode: 12,
    }],
    rejected: 0,
  });
});

Deno.test("fault 32: a Unix socket with a newline in its name is rejected and counted", () => {
  assertEquals(
    parseUnixSockets("u_str UNCONN 0      0      /tmp/nl\nx.sock 44837 * 0 <-> ino:1 dev:0/1\n"),
    { rows: [], rejected: 2 },
  );
});

Deno.test("arbitrary text never breaks the parsers, and no line of it is lost silently", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const lines = text.split("\n").length - (text.endsWith("\n") || text === "" ? 1 : 0);
    const tcp = parseTcpListeners(text);
    assertEquals(tcp.rows.length + tcp.rejected, lines);
    const unix = parseUnixSockets(text);
    assert(unix.rows.length + unix.rejected <= lines);
  }));
});

Deno.test("a list that is cut short anywhere is never read as complete", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: capture.length - 1 }), (length) => {
    const { rows, rejected } = parseTcpListeners(capture.slice(0, length));
    assert(rejected > 0 || capture[length - 1] === "\n");
    assert(rows.every((row) => capture.includes(`:${row.port} `)));
  }));
});

Deno.test("what a process listens on is read for TCP, UDP and Unix sockets, with odd names", () => {
  const text =
    'u_str LISTEN 0 128   /tmp/a b.sock 13224402       * 0 users:(("python3",pid=7,fd=6))\n' +
    'u_dgr UNCONN 0 0     /tmp/d.sock 13224994       * 0 users:(("python3",pid=8,fd=7))\n' +
    'u_str LISTEN 0 128            @abs 13224995       * 0 users:(("python3",pid=7,fd=8))\n' +
    'u_dgr UNCONN 0 0                 * 13224996       * 0 users:(("python3",pid=7,fd=9))\n' +
    'udp   UNCONN 0 0   127.0.0.1:53    0.0.0.0:* users:(("python3",pid=7,fd=4))\n' +
    'tcp   LISTEN 0 128 [::ffff:10.0.0.1]:80   *:* users:(("a",pid=7,fd=3),("b",pid=8,fd=3))\n' +
    "tcp   LISTEN 0 128         0.0.0.0:2024     0.0.0.0:*\n" +
    "nonsense\n";
  const { rows, rejected } = parseHeldSockets(text);
  assertEquals(rejected, 1);
  assertEquals(listensOf(7, rows), {
    ports: [53, 80],
    listens: ["tcp 10.0.0.1:80", "udp 127.0.0.1:53", "unix /tmp/a b.sock", "unix @abs"],
  });
  assertEquals(listensOf(8, rows), {
    ports: [80],
    listens: ["tcp 10.0.0.1:80", "unix /tmp/d.sock"],
  });
  assertEquals(listensOf(9, rows), { ports: [], listens: [] });
});
