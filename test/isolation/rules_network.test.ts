import {
  interfaceRefusal,
  LOOPBACK_ALONE,
  NETWORK_FILES,
  networkDifferences,
  networkInside,
  networkScript,
  type OutsideNetwork,
  settingFile,
} from "../../lib/isolation/rules_network.ts";
import { assertEquals } from "../assert.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
const DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";
const CONNECTED = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
const LOOPBACK6 = "00000000000000000000000000000001 01 80 10 80       lo";
const LINK_LOCAL6 = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0";
const UNIQUE6 = "fd000000000000000000000000000002 04 40 00 82     eth0";
const ZERO6 = "0".repeat(32);
const REJECTS6 = `${ZERO6} 00 ${ZERO6} 00 ${ZERO6} ffffffff 00000001 00000000 00200200       lo`;
const DEFAULT6 = `${ZERO6} 00 ${ZERO6} 00 ${ZERO6} 00000400 00000001 00000000 00000003     eth0`;

function outside(
  lines: Partial<Record<keyof typeof NETWORK_FILES, readonly string[]>>,
  { settings = {}, etc = {} }: {
    readonly settings?: Readonly<Record<string, string>>;
    readonly etc?: Partial<OutsideNetwork["etc"]>;
  } = {},
): OutsideNetwork {
  const files = Object.entries(lines).map(([name, text]) =>
    [NETWORK_FILES[name as keyof typeof NETWORK_FILES], text!] as const
  );
  const values = Object.entries(settings).map(([path, value]) =>
    [settingFile(path), [value]] as const
  );
  return {
    lines: new Map<string, readonly string[]>([...files, ...values]),
    etc: { hosts: null, "nsswitch.conf": null, "resolv.conf": null, ...etc },
  };
}

Deno.test("each kind of address and route is inside if it is outside", () => {
  const cases: readonly [Parameters<typeof outside>[0], readonly string[]][] = [
    [{}, ["loopback"]],
    [{ routes: [HEAD], addresses6: [LOOPBACK6], routes6: [REJECTS6] }, ["loopback"]],
    [{ routes: [HEAD, CONNECTED] }, ["loopback", "interface", "ipv4"]],
    [
      { routes: [HEAD, CONNECTED], addresses6: [LOOPBACK6] },
      ["loopback", "interface", "kernel6", "ipv4"],
    ],
    [
      { routes: [HEAD, DEFAULT, CONNECTED] },
      ["loopback", "interface", "ipv4", "default4"],
    ],
    [
      { routes: [HEAD, CONNECTED, CONNECTED.replace("000200C0", "000000E0")] },
      ["loopback", "interface", "ipv4", "multicast4"],
    ],
    [
      { routes: [HEAD], addresses6: [LOOPBACK6, LINK_LOCAL6], routes6: [REJECTS6] },
      ["loopback", "interface", "kernel6", "linkLocal6", "any6"],
    ],
    [
      { addresses6: [LINK_LOCAL6, UNIQUE6, LOOPBACK6], routes6: [DEFAULT6, REJECTS6] },
      ["loopback", "interface", "kernel6", "ipv6", "linkLocal6", "default6", "any6"],
    ],
    [
      { addresses6: [UNIQUE6, LOOPBACK6], routes6: [DEFAULT6] },
      ["loopback", "interface", "kernel6", "ipv6", "default6", "any6"],
    ],
  ];
  for (const [lines, expected] of cases) {
    const parts = (carrier: "interface" | "loopback") =>
      new Set(networkInside(outside(lines), "root", carrier).steps.map(({ needs }) => needs));
    assertEquals([...parts("interface")], expected, JSON.stringify(lines));
    const others = expected.filter((part) => part !== "interface" && part !== "kernel6");
    assertEquals([...parts("loopback")].sort(), others.sort(), JSON.stringify(lines));
  }
  const { mounts, ...script } = networkScript(LOOPBACK_ALONE, "/run");
  assertEquals(script, { ip: "link set lo up\n", ip6: "", settings: "" });
  assertEquals(mounts.includes("/etc/"), false);
});

Deno.test("kernel settings are those outside; a plain user pings if its groups may", () => {
  const status = ["Gid:\t1000\t1000\t1000\t1000", "Groups:\t27 44 "];
  const inside = (range: string, method: "root" | "user") =>
    networkInside(
      outside({ status }, {
        settings: { "ipv4/ping_group_range": range, "core/somaxconn": "128" },
      }),
      method,
      "interface",
    ).settings;
  assertEquals(Object.fromEntries(inside("0\t2147483647", "root")), {
    "ipv4/ping_group_range": "0\t2147483647",
    "core/somaxconn": "128",
  });
  const ranges = ["1\t0", "0\t2147483647", "44\t44", "45\t999", "1000\t1000"].map((range) =>
    inside(range, "user").get("ipv4/ping_group_range")
  );
  const own = "1000\t1000";
  assertEquals(ranges, [undefined, own, own, undefined, own]);
});

Deno.test("an unknown name is unknown at once, whatever the sources of names are", () => {
  const cases: readonly [string, string | undefined][] = [
    ["hosts: files\n", undefined],
    ["hosts:\tfiles myhostname # dns\n", undefined],
    ["hosts:          files dns\n", "hosts: files\n"],
    ["hosts: files mdns4_minimal [NOTFOUND=return] dns\n", "hosts: files\n"],
    [
      "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n",
      "hosts: mymachines files myhostname\n",
    ],
    ["hosts: resolve [!UNAVAIL=return] dns\n", "hosts: files myhostname\n"],
    ["hosts: files [SUCCESS=merge] dns [!UNAVAIL=return] wins", "hosts: files [SUCCESS=merge]"],
    ["hosts: dns\n", "hosts: files\n"],
    ["passwd: files\n", "passwd: files\nhosts: files\n"],
    [
      "passwd: dns\nhosts: dns files\nnetworks: dns\n",
      "passwd: dns\nhosts: files\nnetworks: dns\n",
    ],
  ];
  for (const [text, expected] of cases) {
    const { etc } = networkInside(
      outside({}, { etc: { "nsswitch.conf": text } }),
      "root",
      "interface",
    );
    assertEquals(etc.get("nsswitch.conf"), expected, text);
  }
  const files = (
    etc: Partial<OutsideNetwork["etc"]>,
  ) => [...networkInside(outside({}, { etc }), "root", "interface").etc.keys()];
  const { mounts } = networkScript(
    networkInside(outside({}, { etc: { "resolv.conf": "" } }), "root", "interface"),
    "/home/a b#\\/run",
  );
  const [line] = mounts.split("\n").filter((line) => line.includes("/etc/"));
  assertEquals(
    line,
    "/home/a\\040b\\043\\134/run/etc/resolv.conf /etc/resolv.conf none bind 0 0",
  );
  assertEquals(files({}), [], "nothing can be mounted where nothing is");
  assertEquals(files({ "resolv.conf": "" }), ["resolv.conf"]);
});

Deno.test("the hostname has an address, by what stands in /etc/hosts or by myhostname", () => {
  const inside = (hosts: string | null, sources = "", routes: readonly string[] = []) =>
    networkInside(
      outside({ hostname: ["box"], routes }, { etc: { hosts, "nsswitch.conf": sources } }),
      "root",
      "interface",
    ).etc.get("hosts");
  const local = "127.0.0.1 localhost\n";
  assertEquals(inside(`${local}127.0.1.1 box.example box # box\n`), undefined);
  assertEquals(inside(local), `${local}127.0.1.1 box\n`);
  assertEquals(inside(local, "", [HEAD, DEFAULT]), `${local}10.99.0.1 box\n`);
  assertEquals(
    inside(`${local}# 127.0.0.1 box\n::1 boxes`),
    `${local}# 127.0.0.1 box\n::1 boxes\n127.0.1.1 box\n`,
  );
  assertEquals(inside(""), "127.0.0.1 localhost\n127.0.1.1 box\n");
  assertEquals(inside(local, "hosts: files myhostname\n"), undefined);
  assertEquals(inside(null), undefined);
});

Deno.test("what the system refused is said with its reason, and no more", () => {
  const plan = networkInside(
    outside({ routes: [HEAD, DEFAULT], addresses6: [LINK_LOCAL6] }),
    "root",
    "interface",
  );
  const said = "RTNETLINK answers: File exists\nCommand failed /run/network/ip:5\n" +
    "tractest: setting ipv4/tcp_congestion_control\n" +
    "RTNETLINK answers: Operation not supported\nCommand failed /run/network/ip6:1\n" +
    "tractest: mounts\n" +
    "mount: /etc/resolv.conf: permission denied.\n" +
    "mount: /sys/devices/virtual/net: permission denied.\n" +
    "mount: /sys/class/net: special device /sys/devices/virtual/net/class/net does not exist.\n";
  assertEquals(networkDifferences(plan, said), [
    "no IPv4 address but 127.0.0.1 (RTNETLINK answers: File exists)",
    "no refusal of TCP to foreign IPv6 addresses: it waits for its time limit " +
    "(RTNETLINK answers: Operation not supported)",
    "net.ipv4.tcp_congestion_control can't be set",
    "/etc/resolv.conf is the one outside (mount: /etc/resolv.conf: permission denied.)",
    "/sys/class/net shows the interfaces outside " +
    "(mount: /sys/devices/virtual/net: permission denied.)",
  ]);
  assertEquals(networkDifferences(plan, ""), []);
  // An `ip` without batches.
  assertEquals(
    networkDifferences(plan, "ip: unrecognized option: force\n"),
    ["loopback alone (ip: unrecognized option: force)"],
  );
  assertEquals(
    networkDifferences(
      plan,
      "/cache/isolate.sh: 75: ip: not found\n/cache/isolate.sh: 69: ifconfig: not found\n",
    ),
    ["loopback alone (ip: not found)"],
  );
});

Deno.test("loopback carries the network where the system refuses an interface", () => {
  const known = outside({ routes: [HEAD, DEFAULT], addresses6: [UNIQUE6], routes6: [DEFAULT6] });
  const plan = networkInside(known, "root", "interface");
  const failed = (line: number) => `Command failed /run/network/ip:${line}\n`;
  const missing = `Cannot find device "eth0"\n`;
  const cases: readonly [string, string | null][] = [
    ["", null],
    [
      `Error: Unknown device type.\n${failed(2)}${missing}${failed(4)}`,
      "Error: Unknown device type.",
    ],
    [
      `RTNETLINK answers: Operation not permitted\n${failed(4)}`,
      "RTNETLINK answers: Operation not permitted",
    ],
    [
      'Error: argument "/proc/self/fd/8" is wrong: Invalid "netns" value\n',
      'Error: argument "/proc/self/fd/8" is wrong: Invalid "netns" value',
    ],
    [`RTNETLINK answers: File exists\n${failed(5)}`, null],
    [`RTNETLINK answers: Operation not supported\n${failed(3)}`, null],
    [
      "tractest: mounts\nmount: /sys/devices/virtual/net: must be superuser to use mount.\n" +
      "       dmesg(1) may have more information after failed mount system call.\n",
      null,
    ],
    ["tractest: setting core/somaxconn\n", null],
  ];
  for (const [said, expected] of cases) assertEquals(interfaceRefusal(plan, said), expected, said);
  const onLoopback = networkInside(known, "root", "loopback");
  assertEquals(interfaceRefusal(onLoopback, `Error: anything.\n${failed(2)}`), null);
  const { ip, ip6 } = networkScript(onLoopback, "/run");
  assertEquals(/eth0|\{/.test(ip + ip6), false, ip + ip6);
});
