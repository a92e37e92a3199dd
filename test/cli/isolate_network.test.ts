import { join } from "@std/path";
import { NETWORK_SETTINGS } from "../../lib/isolation/network_settings.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { isRoot } from "../leaks/scene.ts";
import { type User, USERS, UsersSuite } from "./isolated_users.ts";
import { Running } from "./running.ts";
import { ISOLATED } from "./suites.ts";
import { TRACTEST } from "./tractest.ts";

const PROBE = await Deno.readTextFile(new URL("network_probe.py", import.meta.url));
const TEST = `
import os, runpy, sys
def test_probe():
    sys.argv = ["probe", os.environ["INSIDE"]]
    runpy.run_path(os.environ["SUITE"] + "/probe.py")
`;

/** Whether the kernel has virtual cables (`veth`). */
const HAS_CABLES = ISOLATED !== null &&
  (await new Deno.Command(ISOLATED[0]!, {
    args: [...ISOLATED.slice(1), "ip", "link", "add", "eth0", "type", "veth"],
    stdout: "null",
    stderr: "null",
  }).output()).success;

type Outcomes = Record<string, unknown> & { settings: Record<string, string[]> };

/** What the probe finds outside and inside, where `prepare` ran before; `around` starts a shell. */
async function probe(
  user: User,
  { around = [], prepare = "" }: { around?: readonly string[]; prepare?: string } = {},
): Promise<{ outside: Outcomes; inside: Outcomes; stderr: string }> {
  await using suite = await UsersSuite.of(user, { "test_probe.py": TEST });
  const [outside, inside] = [join(suite.path, "outside.json"), join(suite.path, "inside.json")];
  await Deno.writeTextFile(join(suite.path, "probe.py"), PROBE);
  await suite.give();
  const script = `${prepare}\n` +
    '"$AS" py310/bin/python ../probe.py ../outside.json || exit\n' +
    'export INSIDE=../inside.json; exec "$AS" "$TRACTEST" run --no-preflight --isolate -v';
  const words = user.as.length > 0 ? user.as.join(" ") : "env";
  const env = suite.environment({
    SETTINGS: NETWORK_SETTINGS.map(({ path }) => path).join(" "),
    TRACTEST,
  });
  const shell = ["sh", "-c", script.replaceAll('"$AS"', words)];
  await using running = new Running([...around, ...shell], { cwd: suite.root, env });
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, 0, stdout + stderr);
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));
  return { outside: await read(outside), inside: await read(inside), stderr };
}

/** What is compared elsewhere. */
const OTHERS = ["settings", "interface_of_the_default_route"];

/** Compares all that is asked outside too. */
function assertAlike(user: User, outside: Outcomes, inside: Outcomes): void {
  const both = (outcomes: Outcomes) =>
    Object.fromEntries(
      Object.keys(outside).filter((name) => !OTHERS.includes(name))
        .map((name) => [name, outcomes[name]]),
    );
  assertEquals(both(inside), both(outside));
  const settings = (outcomes: Outcomes) => ({
    ...outcomes.settings,
    // In a user namespace there is no group but the own one.
    ...(user.uid === 0 ? {} : { "ipv4/ping_group_range": null }),
  });
  // Those that only the system's first network has are missing inside.
  const there = Object.keys(inside.settings);
  const outsideToo = Object.fromEntries(
    Object.entries(settings(outside)).filter(([path]) => there.includes(path)),
  );
  assertEquals(settings(inside), outsideToo);
}

function test(name: string, needsRoot: boolean, action: (user: User) => Promise<void>): void {
  for (const user of USERS) {
    const ignore = ISOLATED === null || (needsRoot && !isRoot);
    const reason = ISOLATED === null ? " (needs namespaces)" : ignore ? " (needs root)" : "";
    Deno.test({
      name: `isolated, as ${user.name}: ${name}${reason}`,
      ignore,
      fn: () => action(user),
    });
  }
}

test("a test can't distinguish the network inside from this machine's", false, async (user) => {
  const { outside, inside, stderr } = await probe(user);
  assertAlike(user, outside, inside);
  assertEquals(inside.unknown_name, "gaierror -2");
  assert(/^\d+\.\d+\.\d+\.\d+$/.test(String(inside.hostname)), String(inside.hostname));
  assertEquals(inside.tcp_connect, "ENETUNREACH", "at once, whatever the way outside");
  assertEquals(
    inside.tcp_connect_in_vain,
    outside.default_route ? "no answer" : "ENETUNREACH",
  );
  if (inside.udp_connect_6 === "ok") assertEquals(inside.tcp_connect_6, "ENETUNREACH", "at once");
  if (!HAS_CABLES) return;
  assert(!stderr.includes("unlike outside"), stderr);
  if (outside.default_route) assertInterface(outside, inside);
});

/** The interface of the default route, with loopback and no others. */
function assertInterface(outside: Outcomes, inside: Outcomes): void {
  const { interface_of_the_default_route: own } = outside;
  assertEquals(inside.interface_of_the_default_route, own);
  const [name] = own as string[];
  assertEquals(inside.interfaces, ["lo", name]);
  assertEquals([...(inside.interfaces_in_sys as string[])].sort(), ["lo", name].sort());
  assertEquals(inside.interface_is_up, [0x43, 0x10]);
  assertEquals(inside.interface_has_the_own_address, true);
  assertEquals(inside.interface_has_a_hardware_address, true);
}

/** A machine as on Google's cloud and in Docker: /etc/hosts names its address. */
const NAMED_MACHINE = `
set -e
cp /etc/hosts "$SUITE/hosts"
mount -n --bind "$SUITE/hosts" /etc/hosts
hostname named
printf '127.0.0.1 localhost\n10.20.30.40 named.example named\n' >/etc/hosts
ip link set lo up
ip link add wan7 type veth peer name docker0
ip link set wan7 up
ip link set docker0 up
ip addr add 10.20.30.39/20 brd + dev wan7
ip addr add 10.20.30.40/20 brd + dev wan7
ip addr add 10.1.0.1/16 brd + dev docker0
ip route add default via 10.20.30.1 dev wan7
for _ in $(seq 500); do
  if [ "$(ip -6 addr show scope link -tentative | grep -c fe80)" = 2 ]; then break; fi
  sleep 0.01
done
`;

test("a machine's own name and address can be bound inside", true, async (user) => {
  if (!HAS_CABLES) return;
  const { outside, inside } = await probe(user, { around: OTHER_MACHINE, prepare: NAMED_MACHINE });
  const network = ["255.255.240.0", "10.20.31.255"];
  assertEquals(outside.interface_of_the_default_route, ["wan7", "10.20.30.39", ...network]);
  assertEquals(inside.interface_of_the_default_route, ["wan7", "10.20.30.40", ...network]);
  assertEquals([inside.hostname, inside.bind_hostname], ["10.20.30.40", "ok"]);
  assertEquals(inside.tcp_connect_to_a_neighbor, "ENETUNREACH", "at once");
});

/** A kernel without virtual cables. */
const MACHINE_WITHOUT_CABLES = `
set -e
mkdir "$SUITE/sbin"
cat >"$SUITE/sbin/wrapper" <<IP
#!/bin/sh
for last; do :; done
if [ "\\$(basename "\\$last")" = ip ]; then
  own=\\$(dirname "\\$last")/own
  mkdir -p "\\$own"
  sed 's/type veth.*/type nonesuch/' "\\$last" >"\\$own/ip"
  set -- -force -batch "\\$own/ip"
fi
exec "$SUITE/sbin/real" "\\$@"
IP
chmod 755 "$SUITE/sbin/wrapper"
: >"$SUITE/sbin/real"
real=$(readlink -f "$(command -v ip)")
mount -n --bind "$real" "$SUITE/sbin/real"
mount -n --bind "$SUITE/sbin/wrapper" "$real"
`;

test("where the kernel has no interface to give, loopback does all", true, async (user) => {
  const { outside, inside, stderr } = await probe(user, {
    around: OTHER_MACHINE,
    prepare: NAMED_MACHINE + MACHINE_WITHOUT_CABLES,
  });
  assertAlike(user, outside, inside);
  assertEquals([inside.interfaces, inside.interfaces_in_sys], [["lo"], ["lo"]]);
  assertIncludes(
    stderr,
    "inside, unlike outside: no interface but lo (Error: Unknown device type.)",
  );
  assertEquals(stderr.match(/unlike outside/g)?.length, 1, stderr);
});

/** A machine without IPv6, with a hostname that only DNS knows, and its own kernel settings. */
const ODD_MACHINE = `
set -e
mkdir "$SUITE/etc"
cp -a /etc/. "$SUITE/etc"
mount -n --bind "$SUITE/etc" /etc
hostname odd
printf '127.0.0.1 localhost\\n' >/etc/hosts
printf 'passwd: files\\nhosts: resolve [!UNAVAIL=return] files mdns4 dns\\n' >/etc/nsswitch.conf
mkdir "$SUITE/systemd"
printf 'nameserver 203.0.113.53\\n' >"$SUITE/systemd/resolv.conf"
ln -sf "$SUITE/systemd/resolv.conf" /etc/resolv.conf
cd /proc/sys/net
echo 1 >ipv6/conf/all/disable_ipv6
echo 80 >ipv4/ip_unprivileged_port_start
echo '40000 40007' >ipv4/ip_local_port_range
echo 40003 >ipv4/ip_local_reserved_ports
echo '0 2147483647' >ipv4/ping_group_range
echo 77 >core/somaxconn
echo 33 >ipv4/tcp_keepalive_time
echo 1 >ipv6/bindv6only
cd "$OLDPWD"
ip link set lo up
ip addr add 198.51.100.7/24 dev lo
ip route add default dev lo
`;
const OTHER_MACHINE = ["unshare", "--net", "--mount", "--uts", "--"];

test(
  "a machine without IPv6 and with kernel settings of its own has them inside",
  true,
  async (user) => {
    const { outside, inside } = await probe(user, { around: OTHER_MACHINE, prepare: ODD_MACHINE });
    assertAlike(user, outside, inside);
    assertEquals(
      [inside.bind_loopback_6, inside.bind_port_80, inside.ping_socket, inside.udp_connect],
      ["EADDRNOTAVAIL", "ok", "ok", "ok"],
    );
    assertEquals([inside.unknown_name, inside.hostname], ["gaierror -2", "198.51.100.7"]);
  },
);

test("with loopback alone outside there is no more inside", true, async (user) => {
  const { outside, inside } = await probe(user, {
    around: OTHER_MACHINE,
    prepare: "ip link set lo up",
  });
  assertAlike(user, outside, inside);
  assertEquals([inside.udp_connect, inside.default_route], ["ENETUNREACH", false]);
  assertEquals([inside.interfaces, inside.interfaces_in_sys], [["lo"], ["lo"]]);
});

/** A system whose `ip` takes no batch, as BusyBox's. */
const POOR_MACHINE = `
set -e
mkdir "$SUITE/sbin"
cat >"$SUITE/sbin/ip" <<IP
#!/bin/sh
if [ "\\$1" = link ]; then exec "$SUITE/sbin/ip.real" "\\$@"; fi
echo "ip: invalid argument '\\$1'" >&2
exit 1
IP
chmod 755 "$SUITE/sbin/ip"
: >"$SUITE/sbin/ip.real"
real=$(readlink -f "$(command -v ip)")
mount -n --bind "$real" "$SUITE/sbin/ip.real"
mount -n --bind "$SUITE/sbin/ip" "$real"
`;

/** A system without an `ip` that starts. */
const POORER_MACHINE = 'mount -n --bind /dev/null "$(readlink -f "$(command -v ip)")"';

test("where ip makes no more than loopback, the tests run, and -v says so", true, async (user) => {
  const cases = [
    [POOR_MACHINE, "ip: invalid argument '-force'"],
    [POORER_MACHINE, "ip: Permission denied"],
  ] as const;
  for (const [prepare, reason] of cases) {
    const { inside, stderr } = await probe(user, { around: ["unshare", "--mount", "--"], prepare });
    assertEquals([inside.bind_loopback, inside.udp_connect], ["ok", "ENETUNREACH"]);
    assertIncludes(stderr, `inside, unlike outside: loopback alone (${reason})`);
  }
});
