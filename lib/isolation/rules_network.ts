import type { IsolationMethod } from "./rules.ts";
import {
  NETWORK_SETTINGS,
  NETWORK_STEPS,
  type NetworkPart,
  type NetworkStepRow,
  OWN_ADDRESS,
} from "./network_settings.ts";

/** The network outside, by what the kernel and the files below `/etc` say of it. */
export interface OutsideNetwork {
  /** Lines of files below `/proc`, by their paths; those that are missing have none. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  /** The text of each file below `/etc`, by its name; null if it is missing. */
  readonly etc: Readonly<Record<EtcName, string | null>>;
}

/** The files below `/etc` that decide which names have an address. */
export type EtcName = "hosts" | "nsswitch.conf" | "resolv.conf";

/** The network inside. */
export interface NetworkPlan {
  readonly steps: readonly NetworkStepRow[];
  /** Values by their paths below `/proc/sys/net`. */
  readonly settings: ReadonlyMap<string, string>;
  /** Files that take the place of those below `/etc`, by their names. */
  readonly etc: ReadonlyMap<EtcName, string>;
}

/** Files below `/proc` that show the network outside. */
export const NETWORK_FILES = {
  hostname: "/proc/sys/kernel/hostname",
  routes: "/proc/net/route",
  routes6: "/proc/net/ipv6_route",
  addresses6: "/proc/net/if_inet6",
  status: "/proc/self/status",
} as const;

/** `/proc/sys/net/…` */
export function settingFile(path: string): string {
  return `/proc/sys/net/${path}`;
}

/**
 * A network that a test can't distinguish from the one outside, as far as it goes: each kind of
 * address, route and setting is there that is there outside.
 */
export function networkInside(outside: OutsideNetwork, method: IsolationMethod): NetworkPlan {
  const parts = partsOf(outside);
  return {
    steps: NETWORK_STEPS.filter((step) => parts.has(step.needs)),
    settings: settingsInside(outside, method),
    etc: etcInside(outside, parts.has("ipv4")),
  };
}

/** Loopback alone, where nothing is known about the network outside. */
export const LOOPBACK_ALONE: NetworkPlan = {
  steps: NETWORK_STEPS.filter((step) => step.needs === "loopback"),
  settings: new Map(),
  etc: new Map(),
};

const ZERO6 = "0".repeat(32);
const LOOPBACK6 = `${"0".repeat(31)}1`;

function partsOf({ lines }: OutsideNetwork): Set<NetworkPart> {
  const fields = (file: string) => (lines.get(file) ?? []).map((line) => line.trim().split(/\s+/));
  const parts = new Set<NetworkPart>(["loopback"]);
  // Iface Destination Gateway Flags RefCnt Use Metric Mask …, in hexadecimal, low byte first.
  const routes = fields(NETWORK_FILES.routes).filter(([name]) => name !== "Iface");
  const hasDefault = routes.some((row) => row[1] === "00000000" && row[7] === "00000000");
  if (routes.length > 0) parts.add("ipv4");
  if (hasDefault) parts.add("default4");
  if (hasDefault || routes.some((row) => row[1] === "000000E0")) parts.add("multicast4");
  const addresses = fields(NETWORK_FILES.addresses6).map(([address = ""]) => address)
    .filter((address) => address !== LOOPBACK6);
  const isLinkLocal = (address: string) => address.startsWith("fe80");
  if (addresses.some(isLinkLocal)) parts.add("linkLocal6");
  if (!addresses.every(isLinkLocal)) parts.add("ipv6");
  if (addresses.length > 0) parts.add("multicast6");
  // Destination, its length, source, its length, next hop, metric: the kernel's own last route,
  // which rejects, has the greatest.
  const isDefault = (row: readonly string[]) =>
    row[0] === ZERO6 && row[1] === "00" && row[5] !== "ffffffff";
  if (addresses.length > 0 && fields(NETWORK_FILES.routes6).some(isDefault)) parts.add("default6");
  return parts;
}

function settingsInside(
  { lines }: OutsideNetwork,
  method: IsolationMethod,
): Map<string, string> {
  const settings = new Map<string, string>();
  for (const { path } of NETWORK_SETTINGS) {
    const [value] = lines.get(settingFile(path)) ?? [];
    if (value !== undefined) settings.set(path, value);
  }
  const ping = settings.get(PING);
  if (method === "root" || ping === undefined) return settings;
  // Of all groups only the user's own is there in its user namespace.
  settings.delete(PING);
  const [low = 1, high = 0] = ping.trim().split(/\s+/).map(Number);
  const groups = groupsOf(lines.get(NETWORK_FILES.status) ?? []);
  const [own] = groups;
  if (own !== undefined && groups.some((group) => low <= group && group <= high)) {
    settings.set(PING, `${own}\t${own}`);
  }
  return settings;
}

const PING = "ipv4/ping_group_range";

/** The effective group of a process and its others, from `/proc/PID/status`. */
function groupsOf(status: readonly string[]): number[] {
  const numbers = (key: string) =>
    (status.find((line) => line.startsWith(key)) ?? "").slice(key.length).trim().split(/\s+/)
      .filter((word) => word !== "").map(Number);
  return [...numbers("Gid:").slice(1, 2), ...numbers("Groups:")];
}

function etcInside({ lines, etc }: OutsideNetwork, hasIpv4: boolean): Map<EtcName, string> {
  const inside = new Map<EtcName, string>();
  // Nothing can be mounted where nothing is.
  if (etc["resolv.conf"] !== null) inside.set("resolv.conf", NO_RESOLVER);
  const sources = etc["nsswitch.conf"];
  if (sources !== null) {
    const own = withoutNetworkSources(sources);
    if (own !== sources) inside.set("nsswitch.conf", own);
  }
  const [hostname = ""] = lines.get(NETWORK_FILES.hostname) ?? [];
  if (etc.hosts !== null && !/^hosts:.*\bmyhostname\b/m.test(sources ?? "")) {
    const missing = ["localhost", ...hostname === "" ? [] : [hostname]].filter((name) =>
      !isInHosts(etc.hosts!, name)
    );
    const address = (name: string) =>
      name === "localhost" ? "127.0.0.1" : hasIpv4 ? OWN_ADDRESS : "127.0.1.1";
    const more = missing.map((name) => `${address(name)} ${name}\n`).join("");
    if (more !== "") inside.set("hosts", `${endLine(etc.hosts)}${more}`);
  }
  return inside;
}

/** For what reads this file itself; it is refused at once. */
const NO_RESOLVER = "# Inside of an isolation there is no name server.\n" +
  "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

/** Sources of names that ask somebody else, with whom no test inside can talk. */
const NETWORK_SOURCES = /^(?:dns|resolve|mdns\w*|wins|nis|nisplus|ldap)$/;

/**
 * The text of `nsswitch.conf` with hosts found on this machine only, so that an unknown name is
 * unknown at once. `resolve` also knows the names of this machine, as `myhostname` does.
 */
function withoutNetworkSources(text: string): string {
  const line = /^hosts:.*$/m;
  if (!line.test(text)) return `${endLine(text)}hosts: files\n`;
  return text.replace(line, (before) => {
    const said = before.replace(/#.*/, "").slice("hosts:".length);
    const words: readonly string[] = said.match(/\[[^\]]*\]|\S+/g) ?? [];
    const kept: string[] = [];
    let isKept = false;
    for (const word of words) {
      if (!word.startsWith("[")) isKept = !NETWORK_SOURCES.test(word);
      if (isKept) kept.push(word);
      else if (word === "resolve" && !words.includes("myhostname")) kept.push("myhostname");
    }
    if (kept.length === words.length) return before;
    if (!kept.includes("files")) kept.unshift("files");
    return `hosts: ${kept.join(" ")}`;
  });
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function isInHosts(hosts: string, name: string): boolean {
  const words = hosts.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
  return words.some(([, ...names]) => names.includes(name));
}

/** The files from which the first process inside makes the network, by their names. */
export function networkScript({ steps, settings }: NetworkPlan): { ip: string; settings: string } {
  return {
    ip: steps.map(({ line }) => `${line}\n`).join(""),
    settings: [...settings].map(([path, value]) => `${path} ${value}\n`).join(""),
  };
}

/**
 * What is not inside as planned, a sentence each.
 *
 * @param said what the first process wrote while it made the network
 */
export function networkDifferences({ steps }: NetworkPlan, said: string): string[] {
  const differences: string[] = [];
  // A shell names its script and line first.
  const withoutScript = (line: string) => line.trim().replace(/^\S*isolate\.sh: \d+: /, "");
  let [first, reason] = ["", ""];
  for (const line of said.split("\n").filter((line) => line.trim() !== "")) {
    const [, kind, name] = /^tractest: (setting|file) (.*)$/.exec(line) ?? [];
    const step = steps[Number(/^Command failed .*:(\d+)$/.exec(line)?.[1]) - 1];
    const because = reason === "" ? "" : ` (${reason})`;
    if (kind === "setting") differences.push(`net.${name!.replaceAll("/", ".")} can't be set`);
    else if (kind === "file") differences.push(`/etc/${name} is the one outside${because}`);
    else if (step !== undefined) differences.push(`no ${step.gives}${because}`);
    reason = kind === undefined && step === undefined ? withoutScript(line) : "";
    first ||= reason;
  }
  if (differences.length > 0 || first === "") return differences;
  return [`loopback alone (${first})`];
}
