import { UsageError } from "../errors.ts";

/** A TCP registry address. */
export interface RegistryAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Parses `host:port`, `[::1]:port` or `:port` (which is `127.0.0.1:port`).
 *
 * @throws {UsageError} if it is none of these
 */
export function parseRegistryAddress(text: string): RegistryAddress {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port < 1 || port > 65535) {
    throw new UsageError(
      `"${text}" is no TCP address of a registry`,
      "write HOST:PORT, as in 127.0.0.1:1616",
    );
  }
  return { host: parts[1] ?? (parts[2] || "127.0.0.1"), port };
}

/** How messages name a registry: `TCP :1616`, with the host when it is not this machine's own. */
export function registryName(address: string): string {
  return `TCP ${address.replace(/^(127\.0\.0\.1|localhost|\[::1\]):/, ":")}`;
}

/**
 * Whether a listener at `host:port` stands in the way of binding `address`: the same one, or either
 * is a wildcard.
 */
export function occupies(listener: RegistryAddress, address: RegistryAddress): boolean {
  if (listener.port !== address.port) return false;
  const [held, wanted] = [canonical(listener.host), canonical(address.host)];
  if (WILDCARDS.has(held) || WILDCARDS.has(wanted) || held === wanted) return true;
  // A name stands for addresses that are not looked up here; of loopback names it is known.
  if (wanted === "localhost") return held === "::1" || held.startsWith("127.");
  return !/^[0-9a-f.:]+$/.test(wanted);
}

const WILDCARDS: ReadonlySet<string> = new Set(["*", "0.0.0.0", "::"]);

function canonical(host: string): string {
  return host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}
