"""Find leaked actors the plain way, by walking /proc. `tractest zombies` is compared with it; it ends nothing.

Does what a short script of the sort does well: one pass over the processes, the cheap
files first, and only for those that look like actors the costly ones.

    python3 -I scripts/reaper_yardstick.py DIRECTORY
"""

import glob
import os
import re
import sys

ACTOR = re.compile(
    rb"_subactor\[|tractor\[|tractor\._child|_actor_child_main|subint-forkserv"
)
LISTENS = "0A"


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def belongs(pid, root):
    """Whether a process works in the directory, or maps files of an environment in it."""
    try:
        directory = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    if directory == root or directory.startswith(f"{root}/"):
        return True
    return f"{root}/py".encode() in read(f"/proc/{pid}/maps")


def leaked_actors(root):
    commands, parents = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        pid = int(name)
        commands[pid] = read(f"/proc/{pid}/cmdline")
        status = read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()
        if status:
            parents[pid] = int(status[1])
    for pid, command in commands.items():
        if not ACTOR.search(command) or not belongs(pid, root):
            continue
        above = parents.get(pid, 0)
        while above > 1 and b"pytest" not in commands.get(above, b""):
            above = parents.get(above, 0)
        if above <= 1:
            yield pid, command


def is_bound(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in read(table).decode().splitlines()[1:]:
            fields = row.split()
            if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                return True
    return False


def main():
    root = os.path.realpath(sys.argv[1])
    print("TCP :1616", "bound" if is_bound(1616) else "free")
    for pid, command in leaked_actors(root):
        print(pid, command.replace(b"\0", b" ").decode(errors="replace"))
    for path in glob.glob("/tmp/registry@*.sock"):
        print(path)


main()
