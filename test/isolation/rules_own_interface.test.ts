import {
  type NetworkTables,
  OWN_DEFAULTS,
  type OwnInterface,
  ownInterface,
} from "../../lib/isolation/rules_own_interface.ts";
import { assertEquals } from "../assert.ts";

const fields = (text: string) => text.trim().split("\n").map((line) => line.trim().split(/\s+/));

/** A route as `/proc/net/route` has it. */
function route(name: string, to: string, gateway: string, length: number, metric = 0): string {
  const hex = (bytes: readonly number[]) =>
    bytes.toReversed().map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
  const bytes = (address: string) => address.split(".").map(Number);
  const mask = [0, 1, 2, 3].map((i) => 256 - 2 ** (8 - Math.min(8, Math.max(0, length - 8 * i))));
  const words = [name, hex(bytes(to)), hex(bytes(gateway)), 3, 0, 0, metric, hex(mask)];
  return `${words.join("\t")}\t0\t0\t0`;
}

function tables(
  { routes = [], local = [], addresses6 = "", hosts = "" }: {
    readonly routes?: readonly string[];
    readonly local?: readonly string[];
    readonly addresses6?: string;
    readonly hosts?: string;
  },
): NetworkTables {
  const trie = local.map((address) => `|-- ${address}\n/32 host LOCAL`).join("\n");
  return {
    routes: fields(["Iface Destination Gateway", ...routes].join("\n")),
    addresses4: fields(`Main:\n+-- 0.0.0.0/0 3 0 5\n|-- 127.0.0.1\n/32 host LOCAL\n${trie}`),
    addresses6: fields(addresses6),
    named: hosts.split(/\s+/),
  };
}

const NONE = "0.0.0.0";

Deno.test("the interface inside is that of the default route, with its addresses", () => {
  const home = [
    route("wlan0", NONE, "192.168.1.1", 0, 600),
    route("wlan0", "192.168.1.0", NONE, 24),
  ];
  const docker = route("docker0", "172.17.0.0", NONE, 16);
  const cases: readonly [string, Parameters<typeof tables>[0], Partial<OwnInterface>][] = [
    ["nothing", {}, {}],
    ["a home", { routes: home, local: ["192.168.1.7"] }, {
      name: "wlan0",
      ipv4: "192.168.1.7/24",
      gateway4: "192.168.1.1",
    }],
    ["others have addresses", { routes: [docker, ...home], local: ["172.17.0.1", "192.168.1.7"] }, {
      name: "wlan0",
      ipv4: "192.168.1.7/24",
      gateway4: "192.168.1.1",
    }],
    ["the least metric", {
      routes: [
        ...home,
        route("eno1", NONE, "10.0.7.254", 0, 100),
        route("eno1", "10.0.0.0", NONE, 21),
      ],
      local: ["10.0.1.2", "192.168.1.7"],
    }, { name: "eno1", ipv4: "10.0.1.2/21", gateway4: "10.0.7.254" }],
    ["a cloud's address without a network", {
      routes: [route("ens4", NONE, "10.128.0.1", 0), route("ens4", "10.128.0.1", NONE, 32), docker],
      local: ["10.128.0.2", "172.17.0.1"],
    }, { name: "ens4", ipv4: "10.128.0.2/32", gateway4: "10.128.0.1" }],
    ["a tunnel without a gateway", {
      routes: [route("wg0", NONE, NONE, 0)],
      local: ["10.66.0.5"],
    }, { name: "wg0", ipv4: "10.66.0.5/32", gateway4: null }],
    ["the address that has a name", {
      routes: home,
      local: ["192.168.1.6", "192.168.1.7"],
      hosts: "127.0.0.1 localhost\n192.168.1.7 box\n",
    }, { name: "wlan0", ipv4: "192.168.1.7/24", gateway4: "192.168.1.1" }],
    ["no default route", { routes: [docker], local: ["172.17.0.1"] }, {
      name: "docker0",
      ipv4: "172.17.0.1/16",
    }],
    ["a default route and no address", { routes: home }, { name: "wlan0" }],
    ["names that `ip` would read otherwise", {
      routes: [route("a;b", NONE, NONE, 0), route("lo", NONE, NONE, 0), "eth1 zz zz"],
    }, {}],
  ];
  for (const [what, given, expected] of cases) {
    assertEquals(ownInterface(tables(given)), { ...OWN_DEFAULTS, ...expected }, what);
  }
});

Deno.test("of IPv6 addresses the one that lasts is inside", () => {
  const row = (address: string, scope: string, flags: string, name = "eth0") =>
    `${address.replaceAll(":", "").padEnd(32, "0")} 02 40 ${scope} ${flags} ${name}`;
  const given = (...rows: readonly string[]) =>
    ownInterface(tables({ addresses6: rows.join("\n"), routes: [route("eth0", NONE, NONE, 0)] }));
  const [a, b] = ["2001:0db8:0001", "2001:0db8:0002"];
  const full = (start: string) => `${start}:0000:0000:0000:0000:0000/64`;
  const cases: readonly [readonly string[], string][] = [
    [[row(a, "00", "80")], full(a)],
    [[row(a, "00", "01"), row(b, "00", "80")], full(b)],
    [[row(a, "00", "20"), row(b, "00", "c0")], full(a)],
    [[row(a, "00", "80", "docker0"), row(b, "00", "01")], full(b)],
    [[row(a, "00", "88")], OWN_DEFAULTS.ipv6],
    [[row("fe80:0001", "20", "80")], OWN_DEFAULTS.ipv6],
  ];
  for (const [rows, expected] of cases) {
    assertEquals(given(...rows).ipv6, expected, rows.join("\n"));
  }
  const { linkLocal6 } = given(row(a, "00", "80"), row("fe80:0001", "20", "80"));
  assertEquals(linkLocal6, "fe80:0001:0000:0000:0000:0000:0000:0000/64");
  assertEquals(
    ownInterface(tables({ addresses6: row(a, "00", "80", "eth3") })).name,
    "eth3",
    "a machine with IPv6 alone",
  );
});
