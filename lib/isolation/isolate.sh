#!/bin/sh
# Runs a command in its own namespaces and is their first process. tractest starts it with the arguments of `isolatedCommand`
# (lib/isolation/rules.ts): first as `enter`, outside of them, which becomes `unshare`; that starts it again as `init`, inside.
#
# As the first process it adopts and collects orphans, and when it ends the kernel ends all remaining processes. It starts its own
# programs from the system's standard directories only; the command gets its PATH back.
role=$1
shift

case $role in
enter)
  # The parent may have died before setpriv could tie this process to it.
  [ "$PPID" = "$1" ] || exit 143
  own=$2 outer=$PATH PATH=$3
  shift 3
  # `unshare` itself stays in the first network, where the other end of the cable is.
  # shellcheck disable=SC2086 # several words, or none
  exec unshare $own --net --pid --ipc --mount --fork --kill-child -- \
    unshare --net -- /bin/sh "$0" init "$$" "$outer" "$@"
  ;;
init) ;;
*) exit 64 ;;
esac

# /proc is still that of the outside here, and shows whether `unshare` lives: it may have died before this process was tied to it.
while read -r key value; do
  if [ "$key" = PPid: ]; then break; fi
done </proc/self/status
[ "$value" = "$1" ] || exit 143
# The network at the other end of the cable. `command`: a failure doesn't end this shell.
{ command exec 8<"/proc/$1/ns/net"; } 2>/dev/null
number=$1 outer=$2 drop=$3 report=$4 network=$5
shift 5

# The first process of a pid namespace gets only signals for which it has a handler. These are not forwarded, since the terminal and
# tractest signal the command directly. Signals with a handler here have their default action in the command.
trap 'exit 130' INT TERM

# The directory with everything that it contains outside, except sockets; new files stay inside.
mirror() {
  new=/dev/shm/.mirror
  mkdir "$new" && mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$new" || return
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    name=${entry##*/}
    if [ -S "$entry" ] || [ -p "$entry" ]; then
      continue
    elif [ -L "$entry" ]; then
      ln -s "$(readlink "$entry")" "$new/$name"
    elif [ -d "$entry" ]; then
      mkdir "$new/$name" && mount -n --rbind "$entry" "$new/$name"
    elif [ -e "$entry" ]; then
      : >"$new/$name" && mount -n --bind "$entry" "$new/$name"
    fi || return
  done
  mount -n --move "$new" "$1" && rmdir "$new"
}

# Makes kernel settings those outside; the paths of others are in `refused`. A shell can't compare
# first: it reads by the byte, and these files give all at once or nothing.
set_network() {
  refused=
  while read -r key value; do
    setting=/proc/sys/net/$key
    # In an older kernel all networks may have it together.
    if ! [ -e "$setting" ]; then continue; fi
    { echo "$value" >"$setting"; } 2>/dev/null || [ "$(cat "$setting")" = "$value" ] ||
      refused="$refused $key"
  done <"$network/settings"
}

# Brings up loopback alone, where `ip` is missing or takes no batch. The last way is SIOCSIFFLAGS.
raise_loopback() {
  ip link set lo up || ifconfig lo up || python3 -I -S -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 0x49))'
}

# A network that resembles the one outside, as planned by `networkInside`
# (lib/isolation/rules_network.ts). Only loopback is required; `networkDifferences` reads other failures.
make_network() {
  set_network
  # The range of ports and the first port that any user may bind depend on each other.
  if [ -n "$refused" ]; then set_network; fi
  for key in $refused; do echo "tractest: setting $key"; done
  ip -force -batch "$network/ip" || raise_loopback || return
  if [ -s "$network/ip6" ]; then ip -6 -force -batch "$network/ip6"; fi
  exec 8<&-
  # It continues after a failure.
  echo "tractest: mounts"
  mount -n -a -T "$network/mounts" || :
}

# Tests write pids into files that outlive the session, and end what has them in the next run. From 1 on, as in each new namespace,
# they would be those of daemons outside, and of other sessions. Which of the two ranges there is depends on pid_max.
number_processes() {
  for half in 2097152 16384; do
    if echo $((half + number * 1000 % half)) >/proc/sys/kernel/ns_last_pid; then break; fi
  done
}

mount -n -t proc -o nosuid,nodev,noexec proc /proc || exit 83
number_processes 2>/dev/null
make_network >"$report-network" 2>&1 || { cat "$report-network" >&2; exit 83; }
mount -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm && mkdir -m 700 /dev/shm/run || exit 83
while [ "$1" != -- ]; do
  mirror "$1" || exit 83
  shift
done
shift
# Enters the same directory again, through the new mount.
cd "$PWD" || exit 83

trap : HUP INT QUIT TERM
export XDG_RUNTIME_DIR=/dev/shm/run
standard=$PATH PATH=$outer
# The command must not have more rights than outside.
if [ -n "$drop" ]; then set -- "$drop" --inh-caps=-all --ambient-caps=-all -- "$@"; fi
# In the foreground, so that it has the terminal, and without this shell's own messages about its end.
exec 9>&2 2>/dev/null
(exec "$@" 2>&9 9>&-)
code=$?
PATH=$standard
# The command is over, though what it left may not be. Moved, so that it is read whole.
echo "$code" >"$report-code.new" && mv "$report-code.new" "$report-code"

# What ends by itself within a moment is no leak.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  set -- /proc/[0-9]*
  if [ $# -le 1 ]; then exit "$code"; fi
  sleep 0.05
done
# Processes by number, then their files, in the format in which tractest reads any process.
boot=/proc/sys/kernel/random/boot_id
set -- /proc/[0-9]*
files=$boot
pids=
for process; do
  pid=${process#/proc/}
  if [ "$pid" = 1 ]; then continue; fi
  pids="$pids $pid"
  files="$files $process/stat $process/status $boot $process/cmdline $boot $boot"
done
# shellcheck disable=SC2086 # no path in it has a space
{ echo "$pids" && cat $files; } >"$report"
# The sockets on which they listen.
ss -tuxlnpH >"$report-sockets" 2>/dev/null
# The tests that started them.
grep -azsH -e '^TRACTEST_RUN=' -e '^PYTEST_CURRENT_TEST=' /proc/[0-9]*/environ >"$report-marks" 2>/dev/null
exit "$code"
