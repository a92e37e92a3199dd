import type { TcpConnection, UnixConnection } from "../system/programs/ss.ts";
import type { Sockets } from "./connections.ts";
import type { Listener } from "./scene.ts";

/** The sockets at which processes of a tree wait for connections. */
export function listenersOf(
  pids: readonly number[],
  sockets: Sockets,
  tcp: readonly TcpConnection[],
  unix: readonly UnixConnection[],
): Listener[] {
  // TIME-WAIT is what is left of a connection that both sides have closed.
  const isOpen = ({ state }: TcpConnection) => !["LISTEN", "TIME-WAIT"].includes(state);
  const portOf = (address: string) => address.slice(address.lastIndexOf(":") + 1);
  const all = [
    ...tcp.filter(({ state }) => state === "LISTEN").map(({ inode, local, unread }) => ({
      inode,
      address: local,
      waiting: unread,
      clients: tcp.filter((row) => isOpen(row) && portOf(row.local) === portOf(local))
        .length,
    })),
    ...unix.filter(({ state }) => state === "LISTEN").map(({ inode, name, unread }) => ({
      inode,
      address: name,
      waiting: unread,
      clients: unix.filter((row) => row.state !== "LISTEN" && row.name === name).length,
    })),
  ];
  return all.flatMap(({ inode, ...facts }) =>
    (sockets.get(inode) ?? []).filter(({ pid }) => pids.includes(pid))
      .map(({ pid, fd }) => ({ pid, fd, ...facts }))
  );
}
