import type { IsolationMethod } from "./rules.ts";
import {
  type Carrier,
  NETWORK_SETTINGS,
  NETWORK_STEPS,
  type NetworkPart,
  type NetworkStepRow,
} from "./network_settings.ts";
import { type OwnInterface, ownInterface } from "./rules_own_interface.ts";

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
  /** With their words filled in. */
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
  addresses4: "/proc/net/fib_trie",
  addresses6: "/proc/net/if_inet6",
  status: "/proc/self/status",
} as const;

/** `/proc/sys/net/…` */
export function settingFile(path: string): string {
  return `/proc/sys/net/${path}`;
}

const STEPS: readonly NetworkStepRow[] = NETWORK_STEPS;

/**
 * A network that a test can't distinguish from the one outside, as far as it goes: each kind of
 * address, route and setting is there that is there outside.
 */
export function networkInside(
  outside: OutsideNetwork,
  method: IsolationMethod,
  carrier: Carrier,
): NetworkPlan {
  const parts = partsOf(outside);
  const own = ownInterface({
    routes: fieldsOf(outside, NETWORK_FILES.routes),
    addresses4: fieldsOf(outside, NETWORK_FILES.addresses4),
    addresses6: fieldsOf(outside, NETWORK_FILES.addresses6),
    named: (outside.etc.hosts ?? "").split(/\s+/),
  });
  const words = wordsOf(own, carrier);
  const steps = STEPS.filter(({ needs, on = carrier }) => parts.has(needs) && on === carrier);
  return {
    steps: steps.map((step) => ({ ...step, line: filled(step.line, words) })),
    settings: settingsInside(outside, method),
    etc: etcInside(outside, parts.has("ipv4") ? words.host4 : null),
  };
}

type Words = Readonly<Record<string, string>> & { readonly host4: string };

function wordsOf(own: OwnInterface, carrier: Carrier): Words {
  const [host4, host6] = [own.ipv4, own.ipv6].map((address) => address.replace(/\/.*/, ""));
  return {
    name: own.name,
    ipv4: own.ipv4,
    ipv6: own.ipv6,
    linkLocal6: own.linkLocal6,
    host4: host4!,
    host6: host6!,
    via4: own.gateway4 === null ? "" : `via ${own.gateway4} onlink`,
    device: carrier === "interface" ? own.name : "lo",
  };
}

function filled(line: string, words: Words): string {
  return line.replace(/\{(\w+)\}/g, (_, word) => words[word]!).replaceAll("  ", " ");
}

/** Loopback alone, where nothing is known about the network outside. */
export const LOOPBACK_ALONE: NetworkPlan = {
  steps: STEPS.filter((step) => step.needs === "loopback"),
  settings: new Map(),
  etc: new Map(),
};

const ZERO6 = "0".repeat(32);
const LOOPBACK6 = `${"0".repeat(31)}1`;

/** The lines of a file, in fields. */
function fieldsOf({ lines }: OutsideNetwork, file: string): string[][] {
  return (lines.get(file) ?? []).map((line) => line.trim().split(/\s+/));
}

function partsOf(outside: OutsideNetwork): Set<NetworkPart> {
  const fields = (file: string) => fieldsOf(outside, file);
  const parts = new Set<NetworkPart>(["loopback"]);
  // Iface Destination Gateway Flags RefCnt Use Metric Mask …, in hexadecimal, low byte first.
  const routes = fields(NETWORK_FILES.routes).filter(([name]) => name !== "Iface");
  const hasDefault = routes.some((row) => row[1] === "00000000" && row[7] === "00000000");
  if (routes.length > 0) parts.add("ipv4");
  if (hasDefault) parts.add("default4");
  if (routes.some((row) => row[1] === "000000E0")) parts.add("multicast4");
  const addresses6 = fields(NETWORK_FILES.addresses6);
  const addresses = addresses6.map(([address = ""]) => address)
    .filter((address) => address !== LOOPBACK6);
  const isLinkLocal = (address: string) => address.startsWith("fe80");
  if (addresses.some(isLinkLocal)) parts.add("linkLocal6");
  if (!addresses.every(isLinkLocal)) parts.add("ipv6");
  if (addresses.length > 0) parts.add("any6");
  if (parts.has("ipv4") || parts.has("any6")) {
    parts.add("interface");
    if (addresses6.length > 0) parts.add("kernel6");
  }
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

function etcInside(
  { lines, etc }: OutsideNetwork,
  ownAddress: string | null,
): Map<EtcName, string> {
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
      name === "localhost" ? "127.0.0.1" : ownAddress ?? "127.0.1.1";
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

/**
 * The files from which the first process inside makes the network, by their names.
 *
 * @param directory where they are; the files of the plan are in `etc` below it
 */
export function networkScript(
  { steps, settings, etc }: NetworkPlan,
  directory: string,
): Readonly<Record<"ip" | "ip6" | "settings" | "mounts", string>> {
  const lines = (wanted: readonly NetworkStepRow[]) =>
    wanted.map(({ line }) => `${line}\n`).join("");
  const [ip, ip6] = byFamily(steps);
  return {
    ip: lines(ip),
    ip6: lines(ip6),
    settings: [...settings].map(([path, value]) => `${path} ${value}\n`).join(""),
    mounts: [
      ...INTERFACES_IN_SYS,
      ...[...etc.keys()].map((name) => bindMount(`${directory}/etc/${name}`, `/etc/${name}`)),
    ].map((line) => `${line}\n`).join(""),
  };
}

/** A line of a file as `/etc/fstab`. */
function bindMount(source: string, target: string): string {
  const word = (path: string) =>
    path.replace(/[\s\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `${word(source)} ${word(target)} none bind 0 0`;
}

const SYS_VIRTUAL = "/sys/devices/virtual/net";
const SYS_CLASS = "/sys/class/net";

/**
 * `/sys` shows the interfaces of the network in which it was mounted. The rest of it stays. The
 * last mount hides the first.
 */
const INTERFACES_IN_SYS: readonly string[] = [
  `sysfs ${SYS_VIRTUAL} sysfs nosuid,nodev,noexec 0 0`,
  bindMount(SYS_VIRTUAL + SYS_CLASS.slice("/sys".length), SYS_CLASS),
  bindMount(SYS_VIRTUAL + SYS_VIRTUAL.slice("/sys".length), SYS_VIRTUAL),
];

/** The steps of `ip` and those of `ip -6`. */
function byFamily(steps: readonly NetworkStepRow[]): [NetworkStepRow[], NetworkStepRow[]] {
  return [steps.filter((step) => !step.isFor6), steps.filter((step) => step.isFor6)];
}

/** What the first process writes before it mounts files; `mount` may explain its failures. */
const MOUNTING = "tractest: mounts";

/** What the first process wrote while it made the network. */
interface NetworkReport {
  /** The steps that the system refused, with its reasons. */
  readonly refused: ReadonlyMap<NetworkStepRow, string>;
  /** What is not inside as planned for another reason, a sentence each. */
  readonly others: readonly string[];
  /** The first line that is no part of these. */
  readonly complaint: string;
}

function networkReport(plan: NetworkPlan, said: string): NetworkReport {
  // A shell names its script and line first.
  const withoutScript = (line: string) => line.trim().replace(/^\S*isolate\.sh: \d+: /, "");
  const [ip, ip6] = byFamily(plan.steps);
  const refused = new Map<NetworkStepRow, string>();
  const others: string[] = [];
  const unmounted = new Map<string, string>();
  let [first, reason, isMounting] = ["", "", false];
  for (const line of said.split("\n").filter((line) => line.trim() !== "")) {
    isMounting ||= line === MOUNTING;
    const [, setting] = /^tractest: setting (.*)$/.exec(line) ?? [];
    const [, target] = /^mount: .*?(\/etc\/(?:hosts|nsswitch\.conf|resolv\.conf)|\/sys)\b/
      .exec(line) ?? [];
    const [, six, number] = /^Command failed .*\/ip(6?):(\d+)$/.exec(line) ?? [];
    const step = (six === "6" ? ip6 : ip)[Number(number) - 1];
    if (setting !== undefined) others.push(`net.${setting.replaceAll("/", ".")} can't be set`);
    else if (target !== undefined) unmounted.set(target, unmounted.get(target) ?? line.trim());
    else if (step !== undefined) refused.set(step, reason);
    const isKnown = setting !== undefined || target !== undefined || step !== undefined;
    reason = isKnown || isMounting ? "" : withoutScript(line);
    first ||= reason;
  }
  for (const [target, reason] of unmounted) {
    const what = target === "/sys" ? `${SYS_CLASS} shows the interfaces` : `${target} is the one`;
    others.push(`${what} outside${because(reason)}`);
  }
  return { refused, others, complaint: first };
}

function because(reason: string): string {
  return reason === "" ? "" : ` (${reason})`;
}

/**
 * Why there is no interface inside, although it was planned; null if there is one. Loopback then
 * carries the network.
 *
 * @param said what the first process wrote while it made the network
 */
export function interfaceRefusal(plan: NetworkPlan, said: string): string | null {
  const wanted = plan.steps.filter(({ needs }) => needs === "interface");
  const { refused, complaint } = networkReport(plan, said);
  const reason = wanted.map((step) => refused.get(step)).find((reason) => reason !== undefined);
  if (reason !== undefined) return reason;
  // `ip` ends at a word that it does not know.
  return wanted.length > 0 && refused.size === 0 && complaint !== "" ? complaint : null;
}

/**
 * What is not inside as planned, a sentence each.
 *
 * @param said what the first process wrote while it made the network
 */
export function networkDifferences(plan: NetworkPlan, said: string): string[] {
  const { refused, others, complaint } = networkReport(plan, said);
  const lost = [...refused].map(([{ gives }, reason]) => `no ${gives}${because(reason)}`);
  if (lost.length + others.length > 0 || complaint === "") return [...lost, ...others];
  return [`loopback alone (${complaint})`];
}

/** The sentence for a network that loopback carries alone. */
export function withoutInterface(reason: string): string {
  return `no interface but lo${because(reason)}`;
}
