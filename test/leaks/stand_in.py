"""A process that stands in for an actor, an application or a pytest.

Read from standard input, so that its command line is free; the environment says what to do:
READY    a FIFO that gets the pid when all is set up
MAPS     files to map, by ":"
LISTEN   a TCP port of 127.0.0.1 to listen on; with LISTEN6 of ::1 too
SOCKET   a Unix socket to listen on; with SOCKET_ONLY_BOUND only bound
SIGINT   "ignore", or "fork": leave a copy behind, its pid written to the file COPIES, and exit
SUBREAPER adopt orphans
BECOME   a user id to change to
RUN      a command line to run to its end
CHILDREN a JSON list of further processes: {"argv": [...], "env": {...}, "orphan": bool}
"""
import ctypes, json, mmap, os, signal, socket, subprocess, sys

kept = []


def write_ready():
    with open(os.environ["READY"], "w") as ready:
        ready.write(f"{os.getpid()}\n")


def leave_a_copy(*_):
    if os.fork():
        os._exit(0)
    with open(os.environ["COPIES"], "a") as copies:
        copies.write(f"{os.getpid()}\n")


interrupt = os.environ.get("SIGINT")
signal.signal(signal.SIGINT, {"ignore": signal.SIG_IGN, "fork": leave_a_copy}.get(interrupt, signal.SIG_DFL))
if os.environ.get("SUBREAPER"):
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for path in filter(None, os.environ.get("MAPS", "").split(":")):
    with open(path, "rb") as file:
        kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
if "LISTEN" in os.environ:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(os.environ["LISTEN"])))
    server.listen()
    kept.append(server)
if "LISTEN6" in os.environ:
    server = socket.socket(socket.AF_INET6)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("::1", int(os.environ["LISTEN"])))
    server.listen()
    kept.append(server)
if "SOCKET" in os.environ:
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.environ["SOCKET"])
    if "SOCKET_ONLY_BOUND" not in os.environ:
        server.listen()
    kept.append(server)
for child in json.loads(os.environ.get("CHILDREN", "[]")):
    env = {key: value for key, value in os.environ.items() if key in ("PATH", "PYTHON", "PYTHONHOME", "SCRIPT")}
    env.update(child["env"])
    command = ["bash", "-c", 'exec -a "$0" "$PYTHON" "$@" < "$SCRIPT" &', *child["argv"]]
    if child.get("orphan"):
        subprocess.run(command, env=env)
    else:
        kept.append(subprocess.Popen(child["argv"], executable=env["PYTHON"], stdin=open(env["SCRIPT"]), env=env))
if "RUN" in os.environ:
    subprocess.run(["sh", "-c", os.environ["RUN"]])
if "BECOME" in os.environ:
    os.setuid(int(os.environ["BECOME"]))
write_ready()
while True:
    signal.pause()
