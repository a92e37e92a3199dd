import { occupies, parseRegistryAddress } from "../leaks/registry.ts";
import type { OpenFile } from "../system/programs/proc_files.ts";
import type { TcpConnection, UnixConnection } from "../system/programs/ss.ts";
import type { RegistryConnection } from "./scene.ts";

/** Open files by pid. */
export type Files = ReadonlyMap<number, readonly OpenFile[]>;

/** Which process holds which socket, by its inode. */
export type Sockets = ReadonlyMap<number, readonly { readonly pid: number; readonly fd: number }[]>;

/** A connection to the registry with the sockets of its other side, not yet their holders. */
export type Connection = Omit<RegistryConnection, "holders"> & {
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

/** Connections of these processes to the registry, by TCP and by Unix sockets. */
export function connectionsOf(
  registries: readonly string[],
  pids: readonly number[],
  sockets: Sockets,
  tcp: readonly TcpConnection[],
  unix: readonly UnixConnection[],
): Connection[] {
  const all = [
    ...registries.flatMap((address) => tcpConnections(address, tcp)),
    ...unixConnections(unix),
  ];
  return all.flatMap(({ client, ...facts }) =>
    (sockets.get(client) ?? []).filter(({ pid }) => pids.includes(pid))
      .map(({ pid, fd }) => ({ ...facts, pid, fd }))
  );
}

/** A connection by the inode of the client's socket. */
type ByClient = Omit<Connection, "pid" | "fd"> & { readonly client: number };

function tcpConnections(address: string, tcp: readonly TcpConnection[]): ByClient[] {
  const registry = parseRegistryAddress(address);
  const isRegistry = (text: string) => {
    const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? [];
    return port !== undefined && occupies({ host: host!, port: Number(port) }, registry);
  };
  const listeners = tcp.filter(({ state, local }) => state === "LISTEN" && isRegistry(local))
    .map(({ inode }) => inode);
  const clients = tcp.filter(({ state, peer }) =>
    ["ESTAB", "SYN-SENT"].includes(state) && isRegistry(peer)
  );
  return clients.map(({ inode: client, state, local, peer }) => {
    const other = tcp.find((row) => row.local === peer && row.peer === local);
    const facts = { client, address: peer, unread: other?.unread ?? 0, inodes: listeners };
    if (state === "SYN-SENT") return { ...facts, state: "connecting" };
    // Until it is accepted the other side is no file of any process.
    if (other?.inode === 0) return { ...facts, state: "unaccepted" };
    return { ...facts, state: "accepted", inodes: other ? [other.inode] : listeners };
  });
}

function unixConnections(unix: readonly UnixConnection[]): ByClient[] {
  const servers = unix.filter(({ name }) => /(^|\/)registry@[^/]*\.sock$/.test(name));
  return servers.flatMap((server): ByClient[] => {
    const isListener = server.state === "LISTEN";
    const clients = unix.filter(({ inode }) =>
      isListener ? server.waiting.includes(inode) : inode === server.peer
    );
    return clients.map(({ inode: client }) => ({
      client,
      address: server.name,
      state: isListener ? "unaccepted" : "accepted",
      unread: isListener ? 0 : server.unread,
      inodes: [server.inode],
    }));
  });
}

/** Whether two connections are the same, in the same state. */
export function isSame(one: Connection, other: Connection): boolean {
  return one.pid === other.pid && one.fd === other.fd && one.address === other.address &&
    one.state === other.state && one.unread === other.unread;
}
