import {
  listSocketsOf,
  parseTcpTable,
  parseUnixTable,
} from "../../../lib/system/programs/net_tables.ts";
import { parseNetworks } from "../../../lib/system/programs/networks.ts";
import {
  listensOf,
  listTcpConnections,
  listUnixConnections,
  type UnixConnection,
} from "../../../lib/system/programs/ss.ts";
import { RealHost } from "../../../lib/system/real_host.ts";
import { assert, assertEquals } from "../../assert.ts";
import { ISOLATED } from "../../cli/suites.ts";

/** The inodes of the sockets of this process. */
async function ownSockets(): Promise<ReadonlySet<number>> {
  const inodes = new Set<number>();
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    const target = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inode) inodes.add(Number(inode));
  }
  return inodes;
}

Deno.test("TCP sockets are read from /proc as ss shows them, for both families", async () => {
  using v4 = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using v6 = Deno.listen({ hostname: "::1", port: 0 });
  using all = Deno.listen({ hostname: "::", port: 0 });
  const clients = [
    await Deno.connect({ hostname: "127.0.0.1", port: v4.addr.port }),
    await Deno.connect({ hostname: "::1", port: v6.addr.port }),
    await Deno.connect({ hostname: "127.0.0.1", port: all.addr.port }),
  ];
  await clients[0]!.write(new TextEncoder().encode("hello"));
  const inodes = await ownSockets();
  const texts = ["tcp", "tcp6"].map((name) => Deno.readTextFileSync(`/proc/self/net/${name}`));
  const ends = new Set([v4, v6, all].map(({ addr }) => `:${addr.port}`));
  const isOurs = ({ inode, local }: { inode: number; local: string }) =>
    inodes.has(inode) || [...ends].some((end) => local.endsWith(end));
  const sorted = <Row>(rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).toSorted();
  // Of a listener's peer `ss` shows a wildcard.
  const plain = (rows: readonly { state: string; peer: string }[]) =>
    sorted(rows.map((row) => row.state === "LISTEN" ? { ...row, peer: "" } : row));
  const found = texts.flatMap(parseTcpTable).filter(isOurs);
  const { rows } = await listTcpConnections(new RealHost());
  assert(found.length >= 9, JSON.stringify(found));
  assert(found.some(({ unread, inode }) => unread === 5 && inode === 0), JSON.stringify(found));
  assertEquals(plain(found), plain(rows.filter(isOurs)));
  for (const client of clients) client.close();
});

Deno.test("Unix listeners are read from /proc with the connections not yet accepted", async () => {
  const path = await Deno.makeTempFile({ suffix: " a.sock" });
  await Deno.remove(path);
  const listener = Deno.listen({ transport: "unix", path });
  const client = await Deno.connect({ transport: "unix", path });
  const ours = parseUnixTable(await Deno.readTextFile("/proc/self/net/unix"))
    .filter(({ name }) => name === path);
  const { rows } = await listUnixConnections(new RealHost());
  const facts = ({ state, unread, name, inode }: UnixConnection) => [state, unread, name, inode];
  assertEquals(ours.map(facts), rows.filter(({ name }) => name === path).map(facts));
  assertEquals(ours.map(({ unread }) => unread), [1]);
  client.close();
  listener.close();
});

const SERVES = `
import socket, sys
tcp = socket.create_server(("127.0.0.1", 4321))
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 4322))
unix = socket.socket(socket.AF_UNIX)
unix.bind("\\0tractest-net-tables")
unix.listen()
print("ready", flush=True)
sys.stdin.read()
`;

Deno.test({
  name: "what a process of another network listens on is read",
  ignore: ISOLATED === null,
  fn: async () => {
    const child = new Deno.Command("unshare", {
      args: [
        ...["--map-root-user", "--net", "sh", "-c"],
        'ip link set lo up && exec python3 -c "$1"',
        "sh",
        SERVES,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const sockets = await listSocketsOf(new RealHost(), [child.pid, Deno.pid], "a test");
    assertEquals(listensOf(child.pid, sockets), {
      ports: [4321, 4322],
      listens: ["tcp 127.0.0.1:4321", "udp 127.0.0.1:4322", "unix @tractest-net-tables"],
    });
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  },
});

Deno.test("processes are grouped by network, and other text is refused", () => {
  const text = ["9", "net:[1]", "9", "net:[2]", "9", "9", "net:[1]", "9", "net:[2]", "9", ""];
  assertEquals(parseNetworks(text.join("\0"), [11, 12, 13, 14]), {
    own: [13],
    others: [[11, 14]],
    hidden: [12],
  });
  for (const cut of [1, 2, 5]) {
    assertEquals(parseNetworks(text.slice(0, -cut).join("\0"), [11, 12, 13, 14]), null);
  }
  assertEquals(parseNetworks("/etc/passwd\0", [11]), null);
});
