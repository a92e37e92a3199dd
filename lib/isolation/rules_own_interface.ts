/** The interface inside, besides loopback. */
export interface OwnInterface {
  readonly name: string;
  /** An address with the length of its network, as `192.0.2.2/24`. */
  readonly ipv4: string;
  /** Where the default route goes; null if it needs no gateway. */
  readonly gateway4: string | null;
  readonly ipv6: string;
  readonly linkLocal6: string;
}

/** What it has of which the interface outside has nothing. */
export const OWN_DEFAULTS: OwnInterface = {
  name: "eth0",
  ipv4: "10.99.0.1/24",
  gateway4: "10.99.0.254",
  ipv6: "fd99::1/64",
  linkLocal6: "fe80::1/64",
};

/** The kernel's tables, in fields. */
export interface NetworkTables {
  /** `/proc/net/route`. */
  readonly routes: readonly (readonly string[])[];
  /** `/proc/net/fib_trie`. */
  readonly addresses4: readonly (readonly string[])[];
  /** `/proc/net/if_inet6`. */
  readonly addresses6: readonly (readonly string[])[];
  /** The words of `/etc/hosts`. */
  readonly named: readonly string[];
}

/**
 * The interface of the default route outside, which is the one inside too: `/etc/hosts` and the
 * environment may name its addresses, and a test may bind them.
 */
export function ownInterface(tables: NetworkTables): OwnInterface {
  const routes = tables.routes.map(routeOf).filter((route) => route !== null);
  const [best = routes.find((route) => route.isConnected)] = routes
    .filter((route) => route.mask === 0).sort((a, b) => a.metric - b.metric);
  const name = best?.name ?? tables.addresses6.map((row) => row[5]).find(isInterface) ??
    OWN_DEFAULTS.name;
  const ipv4 = ipv4Of(name, routes, tables);
  const isFull = ipv4 !== null && best?.mask === 0;
  return {
    name,
    ipv4: ipv4 ?? OWN_DEFAULTS.ipv4,
    gateway4: isFull ? best.gateway === 0 ? null : dotted(best.gateway) : OWN_DEFAULTS.gateway4,
    ...ipv6Of(name, tables),
  };
}

interface Route {
  readonly name: string;
  readonly destination: number;
  readonly gateway: number;
  readonly mask: number;
  readonly metric: number;
  /** Whether it is that of an interface's own network. */
  readonly isConnected: boolean;
}

/** Iface Destination Gateway Flags RefCnt Use Metric Mask …; numbers have their low byte first. */
function routeOf(row: readonly string[]): Route | null {
  const [name = "", destination, gateway, , , , metric, mask] = row;
  const numbers = [destination, gateway, mask].map((hex) => swapped(parseInt(hex ?? "", 16)));
  if (!isInterface(name) || numbers.some(Number.isNaN)) return null;
  const [to, through, over] = numbers as [number, number, number];
  const isConnected = through === 0 && over !== 0 && over !== 0xffffffff;
  return {
    name,
    destination: to,
    gateway: through,
    mask: over,
    metric: Number(metric),
    isConnected,
  };
}

/** Whether an interface can have this name inside. */
function isInterface(name: string | undefined): name is string {
  return name !== undefined && name !== "lo" && /^[a-zA-Z0-9][\w.-]{0,14}$/.test(name);
}

function swapped(value: number): number {
  return Number.isNaN(value)
    ? value
    : [24, 16, 8, 0].reduce((sum, shift, i) => sum + ((value >>> shift) & 255) * 2 ** (8 * i), 0);
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/**
 * Its address; null if it has none. The kernel's table has no interfaces: it is one in a network of
 * this interface, or in that of no other. One that has a name in `/etc/hosts` comes first.
 */
function ipv4Of(
  name: string,
  routes: readonly Route[],
  { addresses4, named }: NetworkTables,
): string | null {
  const local = addresses4.flatMap((row, i) =>
    row[0] === "|--" && addresses4[i + 1]?.join(" ") === "/32 host LOCAL" ? [row[1] ?? ""] : []
  ).filter((address) => /^\d+(?:\.\d+){3}$/.test(address) && !address.startsWith("127."));
  const found = [...new Set(local)].map((address) => ({
    address,
    networks: routes.filter(({ isConnected, destination, mask }) =>
      isConnected && (numberOf(address) & mask) >>> 0 === destination
    ),
  }));
  const own = found.filter(({ networks }) => networks.some((route) => route.name === name));
  const candidates = own.length > 0 ? own : found.filter(({ networks }) => networks.length === 0);
  const best = candidates.find(({ address }) => named.includes(address)) ?? candidates[0];
  if (best === undefined) return null;
  const masks = best.networks.filter((route) => route.name === name).map(({ mask }) => mask);
  const length = masks.length === 0 ? 32 : Math.max(...masks).toString(2).replace(/0+$/, "").length;
  return `${best.address}/${length}`;
}

const UNUSABLE = 0x08 | 0x40;
const SHORT_LIVED = 0x01 | 0x20;

/** Address, index, length, scope and flags in hexadecimal, and the interface. */
function ipv6Of(
  name: string,
  { addresses6 }: NetworkTables,
): Pick<OwnInterface, "ipv6" | "linkLocal6"> {
  const rows = addresses6.filter((row) =>
    row[5] === name && /^[\da-f]{32}$/.test(row[0]!) && (parseInt(row[4]!, 16) & UNUSABLE) === 0
  );
  const address = (scope: string) => {
    const inScope = rows.filter((row) => row[3] === scope);
    const lasting = inScope.find((row) => (parseInt(row[4]!, 16) & SHORT_LIVED) === 0);
    const [hex, , length] = lasting ?? inScope[0] ?? [];
    return hex === undefined ? null : `${hex.match(/.{4}/g)!.join(":")}/${parseInt(length!, 16)}`;
  };
  return {
    ipv6: address("00") ?? OWN_DEFAULTS.ipv6,
    linkLocal6: address("20") ?? OWN_DEFAULTS.linkLocal6,
  };
}
