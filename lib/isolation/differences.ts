/** Something that a test can see inside of an isolation, and how it differs from outside. */
export interface DifferenceRow {
  readonly what: string;
  readonly inside: string;
}

/**
 * All that differs inside; `tractest help isolation` and docs/ show it. What is not here is as
 * it is outside: user, working directory, files, hostname, environment, limits, terminal.
 */
export const ISOLATION_DIFFERENCES = [
  {
    what: "processes",
    inside: "only those of the session, with pids of their own; they end with pytest",
  },
  {
    what: "ports, abstract Unix sockets",
    inside: "its own: no port is taken, and no server outside can be reached",
  },
  {
    what: "interfaces and addresses",
    inside:
      "lo and the interface of the default route, with its name and its addresses, one of each " +
      "kind; without virtual cables (veth) in the kernel lo alone has all of them",
  },
  {
    what: "TCP to other machines",
    inside: "unreachable at once; 10.255.255.0/24, 192.0.2.0/24, " +
      "198.51.100.0/24 and 203.0.113.0/24 never answer",
  },
  { what: "UDP to other machines", inside: "is sent and lost" },
  { what: "multicast, broadcast", inside: "within the session" },
  {
    what: "names",
    inside: "those in /etc/hosts and the hostname; any other is unknown at once. resolv.conf and " +
      "nsswitch.conf are made for that",
  },
  {
    what: "firewall, traffic rules",
    inside: "none; settings that a test can see, as the port ranges, are those outside",
  },
  {
    what: "memory, runtime directory",
    inside: "System V IPC, POSIX queues, /dev/shm and XDG_RUNTIME_DIR are its own and empty",
  },
  {
    what: "socket directories",
    inside: "those of the configuration, without the sockets in them; new files at the top level " +
      "stay inside",
  },
  {
    what: "users (not as root)",
    inside: "others are shown as 65534, and so are groups but the main one; sudo and other " +
      "setuid programs gain no rights",
  },
] as const satisfies readonly DifferenceRow[];
