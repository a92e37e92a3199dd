/** A setting of the kernel that each network has for itself. */
export interface NetworkSettingRow {
  /** Its path below `/proc/sys/net`. */
  readonly path: string;
  /** What a test sees of it. */
  readonly decides: string;
}

/**
 * The settings that a new network gets from the kernel's defaults, or from the system's first
 * network, and that a test can see. Inside they are what they are outside.
 */
export const NETWORK_SETTINGS = [
  { path: "ipv4/ip_local_port_range", decides: "the ports that bind to 0 gives" },
  { path: "ipv4/ip_unprivileged_port_start", decides: "the first port that any user may bind" },
  { path: "ipv4/ip_local_reserved_ports", decides: "ports that bind to 0 never gives" },
  { path: "ipv4/ping_group_range", decides: "who may open an ICMP socket" },
  { path: "ipv4/ip_nonlocal_bind", decides: "whether any address can be bound" },
  { path: "ipv4/ip_default_ttl", decides: "the TTL of a new socket" },
  { path: "ipv4/igmp_max_memberships", decides: "multicast groups of a socket" },
  { path: "ipv4/icmp_echo_ignore_all", decides: "whether a ping of itself is answered" },
  { path: "ipv4/tcp_rmem", decides: "SO_RCVBUF of a TCP socket" },
  { path: "ipv4/tcp_wmem", decides: "SO_SNDBUF of a TCP socket" },
  { path: "ipv4/udp_rmem_min", decides: "the least SO_RCVBUF of a UDP socket" },
  { path: "ipv4/udp_wmem_min", decides: "the least SO_SNDBUF of a UDP socket" },
  { path: "ipv4/tcp_keepalive_time", decides: "TCP_KEEPIDLE" },
  { path: "ipv4/tcp_keepalive_intvl", decides: "TCP_KEEPINTVL" },
  { path: "ipv4/tcp_keepalive_probes", decides: "TCP_KEEPCNT" },
  { path: "ipv4/tcp_syn_retries", decides: "how long connect waits for an answer" },
  { path: "ipv4/tcp_synack_retries", decides: "how long a half-open connection lives" },
  { path: "ipv4/tcp_retries2", decides: "how long sent data waits for an answer" },
  { path: "ipv4/tcp_fin_timeout", decides: "how long a closed connection lingers" },
  { path: "ipv4/tcp_tw_reuse", decides: "whether a port in TIME_WAIT is used again" },
  { path: "ipv4/tcp_max_syn_backlog", decides: "half-open connections of a listener" },
  { path: "ipv4/tcp_abort_on_overflow", decides: "what a full listener answers" },
  { path: "ipv4/tcp_syncookies", decides: "what a listener does under a flood" },
  { path: "ipv4/tcp_fastopen", decides: "TCP_FASTOPEN" },
  { path: "ipv4/tcp_congestion_control", decides: "TCP_CONGESTION" },
  { path: "ipv4/tcp_notsent_lowat", decides: "when a TCP socket is writable" },
  { path: "ipv6/bindv6only", decides: "whether :: also accepts IPv4" },
  { path: "ipv6/ip_nonlocal_bind", decides: "whether any IPv6 address can be bound" },
  { path: "ipv6/conf/all/disable_ipv6", decides: "whether there is IPv6" },
  { path: "ipv6/conf/default/disable_ipv6", decides: "whether new interfaces have IPv6" },
  { path: "ipv6/conf/lo/disable_ipv6", decides: "whether there is ::1" },
  { path: "core/somaxconn", decides: "the longest backlog of listen" },
  { path: "core/optmem_max", decides: "ancillary data of a message" },
  { path: "unix/max_dgram_qlen", decides: "datagrams that wait in a Unix socket" },
] as const satisfies readonly NetworkSettingRow[];

/** What a network must have outside for a step to be taken inside. */
export type NetworkPart =
  | "loopback"
  | "interface"
  | "ipv4"
  | "multicast4"
  | "default4"
  | "ipv6"
  | "linkLocal6"
  | "any6"
  | "kernel6"
  | "default6";

/** What carries the addresses and routes inside. */
export type Carrier = "interface" | "loopback";

/** A line for `ip -batch`. */
export interface NetworkStepRow {
  readonly needs: NetworkPart;
  /** With words of {@linkcode OwnInterface} in braces; `{device}` is what carries it. */
  readonly line: string;
  /** What is missing inside if the system refuses it. */
  readonly gives: string;
  /** The only carrier for which it is taken. */
  readonly on?: Carrier;
  /** For `ip -6`: a rule does not show its family otherwise. */
  readonly isFor6?: true;
}

/**
 * The network inside. Its interface is one end of a virtual cable; the other end is in a network
 * that contains nothing else. Where the kernel has no such cable, loopback carries everything.
 *
 * A foreign address has a route, so that a UDP socket connects and shows an address of this
 * machine, but no answer. TCP to it ends at once, as no test should wait for minutes; except to
 * those that tests take for an address that never answers.
 */
export const NETWORK_STEPS = [
  { needs: "loopback", line: "link set lo up", gives: "loopback interface" },
  // Only what is not called a peer can be created as up. Descriptor 8: isolate.sh.
  {
    needs: "interface",
    on: "interface",
    line: "link add name {name} netns /proc/self/fd/8 up type veth peer name {name}",
    gives: "interface but lo",
  },
  // Link-local addresses are added below. A kernel without IPv6 refuses it.
  {
    needs: "kernel6",
    on: "interface",
    line: "link set {name} addrgenmode none",
    gives: "interface without another link-local address",
  },
  // No neighbor is asked for, so that all is sent.
  {
    needs: "interface",
    on: "interface",
    line: "link set {name} arp off up",
    gives: "interface but lo that is up",
  },
  {
    needs: "ipv4",
    on: "interface",
    line: "addr add {ipv4} brd + dev {name}",
    gives: "IPv4 address but 127.0.0.1",
  },
  {
    needs: "ipv4",
    on: "loopback",
    line: "addr add {host4}/32 dev lo",
    gives: "IPv4 address but 127.0.0.1",
  },
  {
    needs: "ipv6",
    on: "interface",
    line: "addr add {ipv6} dev {name} nodad",
    gives: "IPv6 address but ::1",
  },
  {
    needs: "ipv6",
    on: "loopback",
    line: "addr add {host6}/128 dev lo",
    gives: "IPv6 address but ::1",
  },
  {
    needs: "linkLocal6",
    on: "interface",
    line: "addr add {linkLocal6} dev {name} nodad",
    gives: "link-local IPv6 address",
  },
  {
    needs: "linkLocal6",
    on: "loopback",
    line: "addr add {linkLocal6} dev lo",
    gives: "link-local IPv6 address",
  },
  // An interface gets its route for IPv6 multicast from the kernel.
  {
    needs: "multicast4",
    line: "route add 224.0.0.0/4 dev {device}",
    gives: "IPv4 multicast",
  },
  // A plain route over loopback would be one that rejects.
  {
    needs: "any6",
    on: "loopback",
    line: "route add local ff00::/8 dev lo table local",
    gives: "IPv6 multicast",
  },
  // The host that urllib3, requests and httpx try in vain, and the networks of RFC 5737. In a
  // table of their own: nothing shows them, and they come before the refusal.
  {
    needs: "default4",
    line: "route add 10.255.255.0/24 dev {device} table 99",
    gives: "silence at 10.255.255.0/24",
  },
  {
    needs: "default4",
    line: "route add 192.0.2.0/24 dev {device} table 99",
    gives: "silence at 192.0.2.0/24",
  },
  {
    needs: "default4",
    line: "route add 198.51.100.0/24 dev {device} table 99",
    gives: "silence at 198.51.100.0/24",
  },
  {
    needs: "default4",
    line: "route add 203.0.113.0/24 dev {device} table 99",
    gives: "silence at 203.0.113.0/24",
  },
  {
    needs: "default4",
    line: "rule add pref 32764 lookup 99",
    gives: "silence at addresses that never answer",
  },
  {
    needs: "ipv4",
    line: "rule add pref 32765 ipproto tcp unreachable",
    gives: "refusal of TCP to foreign addresses: it waits for its time limit",
  },
  {
    needs: "default4",
    on: "interface",
    line: "route add default {via4} dev {name}",
    gives: "IPv4 default route",
  },
  {
    needs: "default4",
    on: "loopback",
    line: "route add default dev lo",
    gives: "IPv4 default route",
  },
  {
    needs: "default6",
    on: "interface",
    line: "route add ::/0 via fe80::fe dev {name}",
    gives: "IPv6 default route",
  },
  {
    needs: "default6",
    on: "loopback",
    line: "route add ::/0 dev lo",
    gives: "IPv6 default route",
  },
  {
    needs: "any6",
    isFor6: true,
    line: "rule add pref 32765 ipproto tcp unreachable",
    gives: "refusal of TCP to foreign IPv6 addresses: it waits for its time limit",
  },
] as const satisfies readonly NetworkStepRow[];
