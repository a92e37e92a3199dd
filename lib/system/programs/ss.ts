import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

/** A listening TCP socket. */
export interface TcpListener {
  /** As `ss` shows it, without brackets and scope: `127.0.0.1`, `::1`, `*`. */
  readonly host: string;
  readonly port: number;
  /** Pids that hold it; empty if `ss` shows none or was called without `-p`. */
  readonly pids: readonly number[];
}

/** A Unix socket that is bound to a name. */
export interface UnixSocket {
  /** As it was bound, so it may be relative; an abstract one starts with `@`. */
  readonly name: string;
  /** Inode of the file; null if `ss` does not show it. */
  readonly inode: number | null;
}

/** Rows of `ss`, or why there are none. `rejected` counts rows that could not be read. */
export interface SocketList<Row> {
  readonly rows: readonly Row[];
  readonly rejected: number;
  readonly failure: string | null;
}

/**
 * Lists listening TCP sockets. With `withPids`, `ss` also names the processes that hold them, for
 * which it reads every open file of the machine.
 */
export async function listTcpListeners(
  host: Host,
  withPids: boolean,
): Promise<SocketList<TcpListener>> {
  const { text, failure } = await probe(host, "ss", [withPids ? "-tlnpH" : "-tlnH"], {
    why: withPids ? "which process listens on which port" : "which ports are in use",
  });
  return text === null
    ? { rows: [], rejected: 0, failure }
    : { ...parseTcpListeners(text), failure: null };
}

/** A socket by which others reach a process. */
export interface HeldSocket {
  readonly kind: "tcp" | "udp" | "unix";
  /** As `ss` shows it: `127.0.0.1:80`, `[::1]:80`, `*:80`, a path, or `@` and an abstract name. */
  readonly name: string;
  /** Null for a Unix socket. */
  readonly port: number | null;
  readonly pids: readonly number[];
}

/**
 * Lists the TCP, UDP and Unix sockets that processes listen on or have bound. For this `ss` reads
 * every open file of the machine.
 */
export async function listHeldSockets(
  host: Host,
  why: string,
): Promise<SocketList<HeldSocket>> {
  const { text, failure } = await probe(host, "ss", ["-tuxlnpH"], { why });
  return text === null
    ? { rows: [], rejected: 0, failure }
    : { ...parseHeldSockets(text), failure: null };
}

/** Parses `ss -tuxlnpH`; sockets without a name or without a visible process are left out. */
export function parseHeldSockets(text: string): Omit<SocketList<HeldSocket>, "failure"> {
  const { rows, rejected } = parseRows(text, (line) => {
    const [, netid, ends, users] =
      /^(\S+) +[A-Z0-9-]+ +\d+ +\d+ +(.*?)(?: +(users:\(.*\)))? *$/.exec(line) ?? [];
    const pids = users === undefined ? [] : parseUsers(users);
    if (ends === undefined || pids === null) return null;
    const isUnix = netid!.startsWith("u_");
    const local = (isUnix ? /^(.+?) +\d+ +\* +\d+$/s : /^(\S+:\d{1,5}) +\S+:\S+$/).exec(ends)?.[1];
    return local === undefined ? null : { kind: isUnix ? "unix" : netid!, local, pids };
  });
  const held = rows.flatMap(({ kind, local, pids }): HeldSocket[] => {
    if (pids.length === 0 || local === "*") return [];
    if (kind === "unix") return [{ kind, name: local, port: null, pids }];
    const port = Number(local.slice(local.lastIndexOf(":") + 1));
    return kind === "tcp" || kind === "udp"
      ? [{ kind, name: plainAddress(local), port, pids }]
      : [];
  });
  return { rows: held, rejected };
}

/** What one process listens on. */
export interface Listens {
  /** TCP and UDP ports, each once. */
  readonly ports: readonly number[];
  /** `tcp 127.0.0.1:80`, `udp *:53`, `unix /run/a.sock`. */
  readonly listens: readonly string[];
}

/** What a process listens on, among the sockets of all processes. */
export function listensOf(pid: number, sockets: readonly HeldSocket[]): Listens {
  const own = sockets.filter(({ pids }) => pids.includes(pid));
  const ports = own.flatMap(({ port }) => port ?? []);
  return {
    ports: [...new Set(ports)].sort((one, other) => one - other),
    listens: [...new Set(own.map(({ kind, name }) => `${kind} ${name}`))].sort(),
  };
}

/** Lists Unix sockets that are bound to a name, listening or not. */
export async function listUnixSockets(host: Host): Promise<SocketList<UnixSocket>> {
  const { text, failure } = await probe(host, "ss", ["-xaneH"], {
    why: "which Unix sockets are alive",
  });
  return text === null
    ? { rows: [], rejected: 0, failure }
    : { ...parseUnixSockets(text), failure: null };
}

/** Parses `ss -tlnH` and `ss -tlnpH`. */
export function parseTcpListeners(text: string): Omit<SocketList<TcpListener>, "failure"> {
  return parseRows(text, (line) => {
    const row = /^LISTEN +\d+ +\d+ +(\S+):(\d{1,5}) +\S+:\S+\s*(users:\(.*\))?\s*$/.exec(line);
    if (!row || Number(row[2]) > 65535) return null;
    const host = row[1]!.replace(/%[^\]]*/, "").replace(/^\[(.*)\]$/, "$1");
    const pids = row[3] === undefined ? [] : parseUsers(row[3]);
    return pids && { host, port: Number(row[2]), pids };
  });
}

/** One end of a TCP connection. */
export interface TcpConnection {
  /** As named by `ss`: ESTAB, SYN-SENT, CLOSE-WAIT, LISTEN … */
  readonly state: string;
  /** Bytes not yet read; for a listener, connections not yet accepted. */
  readonly unread: number;
  readonly local: string;
  readonly peer: string;
  /** 0 until the connection is accepted. */
  readonly inode: number;
}

/** One end of a connection between Unix sockets. */
export interface UnixConnection {
  readonly state: string;
  /** Bytes not yet read; for a listener, connections not yet accepted. */
  readonly unread: number;
  /** `*` if it has none. */
  readonly name: string;
  readonly inode: number;
  /** Inode of the other end; 0 if there is none. */
  readonly peer: number;
  /** For a listener, the inodes of connections not yet accepted. */
  readonly waiting: readonly number[];
}

/**
 * Lists TCP sockets, listening or not, without the processes that hold them: for these `ss` would
 * read every open file of the machine.
 */
export async function listTcpConnections(host: Host): Promise<SocketList<TcpConnection>> {
  const { text, failure } = await probe(host, "ss", ["-taneH"], {
    why: "connections by TCP",
  });
  return text === null
    ? { rows: [], rejected: 0, failure }
    : { ...parseTcpConnections(text), failure: null };
}

/** Lists Unix stream sockets. */
export async function listUnixConnections(host: Host): Promise<SocketList<UnixConnection>> {
  const { text, failure } = await probe(host, "ss", ["-xaneH"], {
    why: "connections by Unix sockets",
  });
  return text === null
    ? { rows: [], rejected: 0, failure }
    : { ...parseUnixConnections(text), failure: null };
}

/** The user namespace is entered too, where it is another one: only its owner may see inside. */
const INTO_NETWORK = [["-U", "--preserve-credentials", "-n"], ["-n"]] as const;

/** Lists Unix stream sockets in the network namespace of a process; null: it can't be entered. */
export async function listUnixConnectionsOf(
  host: Host,
  pid: number,
): Promise<readonly UnixConnection[] | null> {
  for (const namespaces of INTO_NETWORK) {
    const { text } = await probe(
      host,
      "nsenter",
      ["-t", `${pid}`, ...namespaces, "ss", "-xaneH"],
      { why: "connections by Unix sockets in another network namespace" },
    );
    if (text !== null) return parseUnixConnections(text).rows;
  }
  return null;
}

/** Parses `ss -taneH`. */
export function parseTcpConnections(text: string): Omit<SocketList<TcpConnection>, "failure"> {
  return parseRows(text, (line) => {
    const row = /^([A-Z0-9-]+) +(\d+) +\d+ +(\S+:(?:\d+|\*)) +(\S+:(?:\d+|\*))(?: +(.*))?$/.exec(
      line,
    );
    if (!row) return null;
    const inode = / ino:(\d+) /.exec(` ${row[5] ?? ""} `);
    return {
      state: row[1]!,
      unread: Number(row[2]),
      local: plainAddress(row[3]!),
      peer: plainAddress(row[4]!),
      inode: Number(inode?.[1] ?? 0),
    };
  });
}

/** Parses `ss -xaneH`, keeping only stream sockets. */
export function parseUnixConnections(text: string): Omit<SocketList<UnixConnection>, "failure"> {
  const { rows, rejected } = parseRows(text, (line) => {
    const row = /^(u_\w+) +([A-Z0-9-]+) +(\d+) +\d+ +(\S|\S.*?\S) +(\d+) +\* +(\d+)(?: +(.*))?$/
      .exec(line);
    if (!row) return null;
    const waiting = row[2] === "LISTEN"
      ? / peers:((?: \d+)+)/.exec(row[7] ?? "")?.[1]?.trim().split(" ").map(Number)
      : undefined;
    return {
      kind: row[1]!,
      state: row[2]!,
      unread: Number(row[3]),
      name: row[4]!,
      inode: Number(row[5]),
      peer: Number(row[6]),
      waiting: waiting ?? [],
    };
  });
  return { rows: rows.filter((row) => row.kind === "u_str"), rejected };
}

/** Removes the scope of an interface, and the IPv6 notation of an IPv4 address. */
function plainAddress(text: string): string {
  return text.replace(/%[^\]:]*/, "").replace(/^\[::ffff:(\d+\.\d+\.\d+\.\d+)\]/, "$1");
}

/**
 * The pids of `users:(("name",pid=1,fd=3),("name",pid=2,fd=3))`, each once; null if a part can't be
 * parsed. Names have at most 15 bytes.
 */
function parseUsers(users: string): number[] | null {
  const pids = new Set<number>();
  let rest = users.slice("users:(".length, -1);
  while (rest !== "") {
    const user = /^\("[^\n]{0,15}?",pid=(\d+),(?:[a-z]+=[^,()]*,)*fd=\d+\)(?:,(?=\()|$)/.exec(rest);
    if (!user) return null;
    pids.add(Number(user[1]));
    rest = rest.slice(user[0].length);
  }
  return [...pids];
}

/** Parses `ss -xaneH`; sockets without a name are left out. */
export function parseUnixSockets(text: string): Omit<SocketList<UnixSocket>, "failure"> {
  const { rows, rejected } = parseRows(text, (line) => {
    const row = /^u_\w+ +[A-Z0-9-]+ +\d+ +\d+ +(\S|\S.*?\S) +(\d+) +\* +(\d+)(?: +(.*))?$/.exec(
      line,
    );
    if (!row) return null;
    const inode = / ino:(\d+) dev:/.exec(` ${row[4] ?? ""}`);
    return { name: row[1]!, inode: inode ? Number(inode[1]) : null };
  });
  return { rows: rows.filter((row) => row.name !== "*"), rejected };
}

/**
 * The rows that can be parsed; others are counted, as is a last line without an end, where output
 * was cut off.
 */
function parseRows<Row>(
  text: string,
  parse: (line: string) => Row | null,
): { rows: Row[]; rejected: number } {
  const lines = text.split("\n");
  let rejected = lines.pop() === "" ? 0 : 1;
  const rows: Row[] = [];
  for (const line of lines) {
    const row = parse(line);
    if (row) rows.push(row);
    else rejected++;
  }
  return { rows, rejected };
}
