import { occupies, parseRegistryAddress } from "../leaks/registry.ts";
import type { OpenFile } from "../system/programs/proc_files.ts";
import type { TcpConnection, UnixConnection } from "../system/programs/ss.ts";
import type { SeenConnection } from "./scene.ts";

/** Open files by pid. */
export type Files = ReadonlyMap<number, readonly OpenFile[]>;

/** Which process holds which socket, by its inode. */
export type Sockets = ReadonlyMap<number, readonly { readonly pid: number; readonly fd: number }[]>;

/** A connection with the sockets of its other side, not yet their holders. */
export type Connection = Omit<SeenConnection, "holders"> & {
  readonly inodes: readonly number[];
};

/** The sockets among open files. */
export function socketsOf(files: Files): Sockets {
  const users = [...files].flatMap(([pid, open]) =>
    open.flatMap(({ fd, target }) => {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? 0);
      return inode === 0 ? [] : [{ inode, pid, fd }];
    })
  );
  return Map.groupBy(users, ({ inode }) => inode);
}

/** The processes that hold sockets. */
export function holdersOf(inodes: readonly number[], sockets: Sockets): number[] {
  return [...new Set(inodes.flatMap((inode) => sockets.get(inode) ?? []).map(({ pid }) => pid))];
}

/** Connections of these processes, by TCP and by Unix sockets. */
export function connectionsOf(
  registries: readonly string[],
  pids: readonly number[],
  sockets: Sockets,
  tcp: readonly TcpConnection[],
  unix: readonly UnixConnection[],
): Connection[] {
  const heldBy = (inode: number) =>
    (sockets.get(inode) ?? []).filter(({ pid }) => pids.includes(pid));
  const all = [
    ...tcpConnections(registries, tcp.filter(({ inode }) => heldBy(inode).length > 0), tcp),
    ...unixConnections(unix.filter(({ inode }) => heldBy(inode).length > 0), unix),
  ];
  return all.flatMap(({ own, ...facts }) =>
    heldBy(own).map(({ pid, fd }) => ({ ...facts, pid, fd }))
  );
}

/** A connection by the inode of the socket at this end. */
type ByOwnEnd = Omit<Connection, "pid" | "fd"> & { readonly own: number };

function tcpConnections(
  registries: readonly string[],
  own: readonly TcpConnection[],
  all: readonly TcpConnection[],
): ByOwnEnd[] {
  const parsed = registries.map(parseRegistryAddress);
  const isRegistry = (text: string) =>
    parsed.some((registry) => occupies(splitAddress(text), registry));
  const byEnds = new Map(all.map((row) => [`${row.local} ${row.peer}`, row]));
  const listening = all.filter(({ state }) => state === "LISTEN");
  return own.filter(({ state }) => ["ESTAB", "SYN-SENT"].includes(state)).map((row) => {
    const { inode, state, local, peer } = row;
    const other = byEnds.get(`${peer} ${local}`);
    const isOfRegistry = isRegistry(peer);
    const listeners = listening.filter((one) =>
      isOfRegistry ? isRegistry(one.local) : mayAnswer(one, row)
    ).map(({ inode }) => inode);
    const unread = other?.unread ?? 0;
    const facts = { own: inode, address: peer, isRegistry: isOfRegistry, unread };
    if (state === "SYN-SENT") return { ...facts, state: "connecting", inodes: listeners };
    // Until it is accepted the other side is no file of any process.
    if (other?.inode === 0) return { ...facts, state: "unaccepted", inodes: listeners };
    // Without a registry's other side what listens there may have accepted it.
    const inodes = other ? [other.inode] : isOfRegistry ? listeners : [];
    return { ...facts, state: "accepted", inodes };
  });
}

function splitAddress(text: string): { readonly host: string; readonly port: number } {
  const [, host = "", port = ""] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? [];
  return { host, port: Number(port) };
}

/** Whether a listener may be the one that a client of the same network has called. */
function mayAnswer(listener: TcpConnection, { local, peer }: TcpConnection): boolean {
  const [at, called, own] = [listener.local, peer, local].map(splitAddress);
  if (at!.port !== called!.port) return false;
  // From one address of this machine to another the kernel picks the same one, or loopback.
  const isHere = called!.host === own!.host || /^(127\.|::1$)/.test(called!.host);
  return at!.host === called!.host || (isHere && ["*", "0.0.0.0", "::"].includes(at!.host));
}

function unixConnections(
  own: readonly UnixConnection[],
  all: readonly UnixConnection[],
): ByOwnEnd[] {
  const byInode = new Map(all.map((row) => [row.inode, row]));
  const listeners = new Map(
    all.flatMap((row) => row.waiting.map((client) => [client, row] as const)),
  );
  return own.filter(({ state }) => state !== "LISTEN").flatMap((row): ByOwnEnd[] => {
    const listener = listeners.get(row.inode);
    const other = listener ?? byInode.get(row.peer);
    if (other === undefined) return [];
    const named = [other.name, row.name].find((name) => name !== "*");
    return [{
      own: row.inode,
      address: named ?? "the other end of a pair of Unix sockets",
      isRegistry: /(^|\/)registry@[^/]*\.sock$/.test(other.name),
      state: listener ? "unaccepted" : "accepted",
      unread: listener ? 0 : other.unread,
      inodes: [other.inode],
    }];
  });
}

/** Whether two connections are the same, in the same state. */
export function isSame(one: Connection, other: Connection): boolean {
  return one.pid === other.pid && one.fd === other.fd && one.address === other.address &&
    one.state === other.state && one.unread === other.unread;
}
