import type { Host } from "../host.ts";
import { catFiles, splitFiles } from "./cat.ts";
import { listOpenFiles } from "./proc_files.ts";
import {
  type HeldSocket,
  listHeldSockets,
  listTcpConnections,
  listUnixConnections,
  listUnixConnectionsOf,
  type TcpConnection,
  type UnixConnection,
} from "./ss.ts";
import { type Networks, readNetworks } from "./networks.ts";

/** The TCP and Unix stream sockets of one network namespace. */
export interface NetworkSockets {
  readonly tcp: readonly TcpConnection[];
  readonly unix: readonly UnixConnection[];
}

/** Sockets by network namespace, and why some could not be read. */
export interface SocketsByNetwork {
  readonly networks: readonly NetworkSockets[];
  readonly failures: readonly string[];
}

/**
 * Lists the sockets of the network namespaces that processes are in: those of this program's by
 * `ss`, which sees no other; those of others from `/proc/PID/net`. There a Unix socket does not
 * show its other end, so that `ss` is started inside, if possible.
 */
export async function listSocketsByNetwork(
  host: Host,
  { own, others, hidden }: Networks,
): Promise<SocketsByNetwork> {
  const isOwn = own.length + hidden.length > 0;
  const [tcp, unix, tables, inside] = await Promise.all([
    isOwn ? listTcpConnections(host) : null,
    isOwn ? listUnixConnections(host) : null,
    readTables(host, others, ["tcp", "tcp6", "unix"]),
    Promise.all(others.map(([pid]) => listUnixConnectionsOf(host, pid!))),
  ]);
  const networks = tables.networks.map(({ index, texts: [tcp, tcp6, unix] }) => ({
    tcp: [...parseTcpTable(tcp!), ...parseTcpTable(tcp6!)],
    unix: inside[index] ?? parseUnixTable(unix!),
  }));
  return {
    networks: [...(tcp && unix ? [{ tcp: tcp.rows, unix: unix.rows }] : []), ...networks],
    failures: [tcp?.failure, unix?.failure, ...tables.failures].filter((one) => one != null),
  };
}

/**
 * Lists the sockets that processes listen on or have bound, also of those in other network
 * namespaces. For its own network `ss` reads every open file of the machine.
 */
export async function listSocketsOf(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<readonly HeldSocket[]> {
  if (pids.length === 0) return [];
  const networks = await readNetworks(host, pids);
  const isOwn = networks.own.length + networks.hidden.length > 0;
  const [own, elsewhere] = await Promise.all([
    isOwn ? listHeldSockets(host, why) : { rows: [] },
    networks.others.length > 0 ? heldElsewhere(host, networks.others, why) : [],
  ]);
  return [...own.rows, ...elsewhere];
}

async function heldElsewhere(
  host: Host,
  others: Networks["others"],
  why: string,
): Promise<HeldSocket[]> {
  const [tables, listing] = await Promise.all([
    readTables(host, others, ["tcp", "tcp6", "udp", "udp6", "unix"]),
    listOpenFiles(host, others.flat(), why),
  ]);
  const users = [...listing.rows].flatMap(([pid, { files }]) =>
    (files ?? []).map(({ target }) => ({ pid, target }))
  );
  const pidsOf = Map.groupBy(users, ({ target }) => target);
  const bound = tables.networks.flatMap(({ texts: [tcp, tcp6, udp, udp6, unix] }) => [
    ...[tcp!, tcp6!].flatMap(parseTcpTable).filter(({ state }) => state === "LISTEN")
      .map(({ local, inode }) => ({ kind: "tcp" as const, name: local, inode })),
    // One that has a peer is a client.
    ...[udp!, udp6!].flatMap(parseTcpTable).filter(({ peer }) => peer.endsWith(":0"))
      .map(({ local, inode }) => ({ kind: "udp" as const, name: local, inode })),
    ...parseUnixTable(unix!).filter(({ state }) => state === "LISTEN")
      .map(({ name, inode }) => ({ kind: "unix" as const, name, inode })),
  ]);
  return bound.map(({ kind, name, inode }) => ({
    kind,
    name,
    port: kind === "unix" ? null : Number(name.slice(name.lastIndexOf(":") + 1)),
    pids: [...new Set((pidsOf.get(`socket:[${inode}]`) ?? []).map(({ pid }) => pid))],
  }));
}

/** Tables of network namespaces, with the place of each in the request. */
interface Tables {
  readonly networks: readonly { readonly index: number; readonly texts: readonly string[] }[];
  readonly failures: readonly string[];
}

/** These tables of each network namespace, from the first of its processes. */
async function readTables(
  host: Host,
  others: Networks["others"],
  names: readonly string[],
): Promise<Tables> {
  if (others.length === 0) return { networks: [], failures: [] };
  const pids = others.map(([pid]) => pid!);
  const paths = pids.flatMap((pid) => names.map((name) => `/proc/${pid}/net/${name}`));
  const { text, failure } = await catFiles(host, paths, "sockets of other network namespaces");
  const parts = splitFiles(text ?? "", paths.length);
  if (parts === null) return { networks: [], failures: [failure ?? "sockets can't be read"] };
  const all = pids.map((pid, index) => ({
    pid,
    index,
    texts: parts.slice(index * names.length, (index + 1) * names.length),
  }));
  // Even an empty table has a heading; without IPv6 there is no table of it.
  return {
    networks: all.filter(({ texts }) => texts[0] !== ""),
    failures: all.filter(({ texts }) => texts[0] === "")
      .map(({ pid }) => `the sockets in the network namespace of pid ${pid} can't be read`),
  };
}

/** The states of TCP as `ss` names them, by their numbers in `include/net/tcp_states.h`. */
const STATES = [
  ...["UNKNOWN", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
  ...["UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV"],
] as const;

/** Parses `/proc/PID/net/tcp`, `tcp6`, `udp` and `udp6`. */
export function parseTcpTable(text: string): TcpConnection[] {
  return text.split("\n").flatMap((line) => {
    const [, local, peer, state, queues, , , , , inode] = line.trim().split(/ +/);
    const isAddress = (word = "") => /^([0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}$/.test(word);
    if (!isAddress(local) || !isAddress(peer) || !/^\d+$/.test(inode ?? "")) return [];
    return [{
      state: STATES[parseInt(state!, 16)] ?? "UNKNOWN",
      unread: parseInt(queues!.split(":")[1] ?? "", 16),
      local: addressOf(local!),
      peer: addressOf(peer!),
      inode: Number(inode),
    }];
  });
}

/** `0100007F:0050` as `127.0.0.1:80`: each 32 bits are in the byte order of the machine. */
function addressOf(text: string): string {
  const [address = "", port = ""] = text.split(":");
  const bytes = address.match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.toReversed())
    .map((byte) => parseInt(byte, 16));
  const last = bytes.slice(-4).join(".");
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 255 && bytes[11] === 255;
  return `${bytes.length === 4 || isMapped ? last : ipv6Of(bytes)}:${parseInt(port, 16)}`;
}

/** As `ss` shows it, which has `*` for all addresses of both families. */
function ipv6Of(bytes: readonly number[]): string {
  if (bytes.every((byte) => byte === 0)) return "*";
  const groups = bytes.flatMap((byte, index) =>
    index % 2 === 0 ? [(byte * 256 + bytes[index + 1]!).toString(16)] : []
  );
  return new URL(`http://[${groups.join(":")}]`).hostname;
}

/** The flag of a Unix socket that listens, from `include/linux/net.h`. */
const ACCEPTS = 0x10000;

/**
 * Parses the stream sockets of `/proc/PID/net/unix`. It shows no other ends; a connection that is
 * not accepted has the name of its listener and no inode.
 */
export function parseUnixTable(text: string): UnixConnection[] {
  const rows = Array.from(
    text.matchAll(/^\S+: \S+ \S+ ([0-9A-F]+) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/gm),
    ([, flags, type, state, inode, name]) => ({
      isStream: type === "0001",
      isListener: (parseInt(flags!, 16) & ACCEPTS) !== 0,
      isConnected: state === "03",
      inode: Number(inode),
      name: name ?? "*",
    }),
  ).filter(({ isStream }) => isStream);
  const waiting = (name: string) =>
    rows.filter((row) => row.name === name && row.inode === 0 && !row.isListener).length;
  return rows.filter(({ inode }) => inode !== 0).map((
    { isListener, isConnected, inode, name },
  ) => ({
    state: isListener ? "LISTEN" : isConnected ? "ESTAB" : "UNCONN",
    unread: isListener ? waiting(name) : 0,
    name,
    inode,
    peer: 0,
    waiting: [],
  }));
}
