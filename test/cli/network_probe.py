"""Asks for whatever tests ask of a network, and writes how each ended: a value or an error."""

import errno
import fcntl
import json
import os
import socket
import struct
import sys
import time

SIOCGIFADDR = 0x8915

outcomes = {}


def outcome(action):
    try:
        result = action()
    except OSError as error:
        result = errno.errorcode.get(error.errno, str(error.errno))
        if isinstance(error, socket.gaierror):
            result = f"gaierror {error.errno}"
        elif isinstance(error, TimeoutError):
            result = "no answer"
    except IndexError:
        result = "none"
    outcomes[action.__name__] = result


def new(family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
    made = socket.socket(family, kind, protocol)
    made.settimeout(0.3)
    return made


def binds(address, family=socket.AF_INET, port=0):
    with new(family) as one:
        one.bind((address, port))
    return "ok"


def connects(address, family=socket.AF_INET, kind=socket.SOCK_DGRAM, options=()):
    with new(family, kind) as one:
        for option in options:
            one.setsockopt(*option)
        one.connect((address, 9))
    return "ok"


@outcome
def bind_any():
    return binds("0.0.0.0")


@outcome
def bind_any_6():
    return binds("::", socket.AF_INET6)


@outcome
def bind_loopback():
    return binds("127.0.0.1")


@outcome
def bind_loopback_6():
    return binds("::1", socket.AF_INET6)


@outcome
def bind_foreign():
    return binds("8.8.8.8")


@outcome
def bind_foreign_6():
    return binds("2606:4700::1", socket.AF_INET6)


@outcome
def bind_link_local_6():
    with open("/proc/net/if_inet6") as addresses:
        for line in addresses:
            address, index = line.split()[:2]
            if address.startswith("fe80"):
                text = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
                with new(socket.AF_INET6) as one:
                    one.bind((text, 0, 0, int(index, 16)))
                return "ok"
    return "none"


@outcome
def bind_port_80():
    return binds("127.0.0.1", port=80)


@outcome
def bind_free_port():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = map(int, file.read().split())
    with new() as one:
        one.bind(("127.0.0.1", 0))
        return low <= one.getsockname()[1] <= high


@outcome
def udp_connect():
    return connects("192.0.2.1")


@outcome
def udp_connect_6():
    return connects("2001:db8::1", socket.AF_INET6)


@outcome
def broadcast_connect():
    return connects("255.255.255.255", options=[(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)])


@outcome
def broadcast_without_the_option():
    return connects("255.255.255.255")


def own_address(family, foreign):
    with new(family, socket.SOCK_DGRAM) as one:
        one.connect((foreign, 9))
        own = one.getsockname()[0]
    with new(family) as server:
        server.bind((own, 0))
        server.listen()
        with socket.create_connection(server.getsockname()[:2], 1):
            return "ok"


@outcome
def connect_to_own_address():
    return own_address(socket.AF_INET, "192.0.2.1")


@outcome
def connect_to_own_address_6():
    return own_address(socket.AF_INET6, "2001:db8::1")


@outcome
def connect_to_nothing():
    return connects("127.0.0.1", kind=socket.SOCK_STREAM)


@outcome
def dual_stack():
    with new(socket.AF_INET6) as server:
        server.bind(("::", 0))
        server.listen()
        with socket.create_connection(("127.0.0.1", server.getsockname()[1]), 1):
            return "ok"


def datagrams(family, group, join, ttl):
    with new(family, socket.SOCK_DGRAM) as receiver, new(family, socket.SOCK_DGRAM) as sender:
        receiver.bind(("", 0))
        receiver.setsockopt(*join)
        # They don't leave this machine.
        sender.setsockopt(*ttl, 0)
        sender.sendto(b"x", (group, receiver.getsockname()[1]))
        count = 0
        try:
            while receiver.recv(1):
                count += 1
        except TimeoutError:
            return count


@outcome
def multicast():
    any_interface = socket.inet_aton("224.1.1.1") + socket.inet_aton("0.0.0.0")
    join = (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, any_interface)
    ttl = (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)
    return datagrams(socket.AF_INET, "224.1.1.1", join, ttl)


@outcome
def multicast_6():
    any_interface = socket.inet_pton(socket.AF_INET6, "ff15::1234") + struct.pack("@I", 0)
    join = (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, any_interface)
    ttl = (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS)
    return datagrams(socket.AF_INET6, "ff15::1234", join, ttl)


def localhost(family):
    found = socket.getaddrinfo(
        "localhost", 80, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
    )
    return sorted(address[0] for *_, address in found)


@outcome
def localhost_by_configured_family():
    return localhost(socket.AF_INET)


@outcome
def localhost_by_any_configured_family():
    return localhost(socket.AF_UNSPEC)


@outcome
def ping_socket():
    new(kind=socket.SOCK_DGRAM, protocol=socket.IPPROTO_ICMP).close()
    return "ok"


@outcome
def raw_socket():
    new(kind=socket.SOCK_RAW, protocol=socket.IPPROTO_ICMP).close()
    return "ok"


@outcome
def netlink_socket():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as one:
        one.bind((0, 0))
    return "ok"


@outcome
def loopback_interface():
    with new() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    return "lo" in [name for _, name in socket.if_nameindex()]


@outcome
def broadcast_reception():
    with new(kind=socket.SOCK_DGRAM) as receiver, new(kind=socket.SOCK_DGRAM) as sender:
        receiver.bind(("", 0))
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(b"x", ("255.255.255.255", receiver.getsockname()[1]))
        return receiver.recv(1).decode()


def interface(name, request):
    """What the system answers about an interface."""
    with new(kind=socket.SOCK_DGRAM) as one:
        return fcntl.ioctl(one, request, struct.pack("16s240x", name.encode()))[16:]


def ipv4(name):
    return socket.inet_ntoa(interface(name, SIOCGIFADDR)[4:8])


@outcome
def loopback_is_as_ever():
    flags, address, mask = (interface("lo", request) for request in (0x8913, SIOCGIFADDR, 0x891B))
    return flags[:2].hex(), socket.inet_ntoa(address[4:8]), socket.inet_ntoa(mask[4:8])


@outcome
def interfaces_in_proc():
    with open("/proc/net/dev") as table:
        names = [line.split(":")[0].strip() for line in table if ":" in line]
    return sorted(names) == sorted(name for _, name in socket.if_nameindex())


def default_interface():
    with open("/proc/net/route") as routes:
        return [line.split()[0] for line in routes if line.split()[1] == "00000000"][0]


@outcome
def interface_of_the_default_route():
    name = default_interface()
    mask, broadcast = (interface(name, request)[4:8] for request in (0x891B, 0x8919))
    return name, ipv4(name), socket.inet_ntoa(mask), socket.inet_ntoa(broadcast)


@outcome
def default_route():
    with open("/proc/net/route") as routes:
        return any(line.split()[1] == "00000000" for line in routes)


@outcome
def settings():
    values = {}
    for path in os.environ["SETTINGS"].split():
        try:
            with open(f"/proc/sys/net/{path}") as file:
                values[path] = file.read().split()
        except OSError:
            pass
    return values


if os.environ.get("INSIDE"):

    @outcome
    def unknown_name():
        began = time.monotonic()
        try:
            return socket.getaddrinfo("no-such-host.example.com", 80)
        finally:
            assert time.monotonic() - began < 1

    @outcome
    def hostname():
        began = time.monotonic()
        address = socket.gethostbyname(socket.gethostname())
        socket.getfqdn(address)
        assert time.monotonic() - began < 1
        return address

    @outcome
    def interfaces():
        return [name for _, name in socket.if_nameindex()]

    @outcome
    def interfaces_in_sys():
        found = []
        for name in sorted(os.listdir("/sys/class/net"), reverse=True):
            with open(f"/sys/class/net/{name}/ifindex") as index:
                assert socket.if_nametoindex(name) == int(index.read())
            found.append(name)
        return found

    @outcome
    def interface_is_up():
        """Up, with broadcast, running, with multicast."""
        flags = interface(default_interface(), 0x8913)
        return flags[0] & 0x43, flags[1] & 0x10

    @outcome
    def interface_has_the_own_address():
        with new(kind=socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, default_interface().encode())
            one.connect(("198.18.0.1", 9))
            return one.getsockname()[0] == ipv4(default_interface())

    @outcome
    def interface_has_a_hardware_address():
        return interface(default_interface(), 0x8927)[2:8] != bytes(6)

    @outcome
    def bind_hostname():
        return binds(socket.gethostbyname(socket.gethostname()))

    @outcome
    def tcp_connect_to_a_neighbor():
        network = ipv4(default_interface()).rpartition(".")[0]
        return connects(f"{network}.77", kind=socket.SOCK_STREAM)

    @outcome
    def tcp_connect_6():
        began = time.monotonic()
        try:
            return connects("2606:4700::1", socket.AF_INET6, kind=socket.SOCK_STREAM)
        finally:
            assert time.monotonic() - began < 0.2

    @outcome
    def tcp_connect():
        return connects("8.8.8.8", kind=socket.SOCK_STREAM)

    @outcome
    def tcp_connect_in_vain():
        return connects("10.255.255.1", kind=socket.SOCK_STREAM)


with open(sys.argv[1], "w") as file:
    json.dump(outcomes, file)
