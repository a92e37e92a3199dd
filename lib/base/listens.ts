/**
 * What a process listens on, for the end of a line about it: `, listens on port 80, UDP port 53,
 * /run/a.sock`; empty for nothing. Not escaped.
 *
 * @param listens as `tcp 127.0.0.1:80`, `udp *:53`, `unix /run/a.sock`
 */
export function listensText(listens: readonly string[]): string {
  const words = new Set(listens.map(wordsFor));
  return words.size === 0 ? "" : `, listens on ${[...words].join(", ")}`;
}

function wordsFor(socket: string): string {
  const [, kind, name = socket] = /^(tcp|udp|unix) (.*)$/s.exec(socket) ?? [];
  const port = name.slice(name.lastIndexOf(":") + 1);
  return kind === "tcp" ? `port ${port}` : kind === "udp" ? `UDP port ${port}` : name;
}
