"""One process of a forest. Its interpreter reads three lines from standard input, which call `begin` with what it is to be.

What others see of it is real: its command line is written where the kernel reads it, its parents are its parents.
"""

import os, signal, sys

HERE = "/tmp/forest"
kept = []


def begin(spec):
    """Becomes what `spec` says, starts what is below it, says that it is ready, and stays."""
    try:
        become(spec)
        for child in spec["children"]:
            start(child)
        settle(spec)
        ready(spec["id"])
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    while True:
        signal.pause()


def become(spec):
    signal.signal(signal.SIGINT, signal.SIG_IGN if spec["stubborn"] else signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN if spec["adopts"] else signal.SIG_DFL)
    os.environ.update(spec["environ"])
    directory = f"{spec['cwd']}/gone{spec['id']}" if spec["gone"] else spec["cwd"]
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    if spec["subreaper"]:
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    if spec["title"]:
        retitle(spec["title"].replace("{pid}", str(os.getpid())))
    elif spec["argv"]:
        overwrite(b"".join(word.encode() + b"\0" for word in spec["argv"]))
    if spec["comm"]:
        with open("/proc/self/comm", "w") as comm:
            comm.write(spec["comm"])


def settle(spec):
    if spec["gone"]:
        os.rmdir(os.getcwd())
    if spec["mounts"]:
        import ctypes

        if ctypes.CDLL(None).unshare(0x00020000) != 0:
            raise OSError("no mount namespace")
    if spec["maps"]:
        import mmap

        with open(spec["maps"], "rb") as file:
            kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    if spec["holds"]:
        import socket

        if spec["holds"] == "registry":
            server = socket.socket()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", 1616))
        else:
            server = socket.socket(socket.AF_UNIX)
            server.bind(f"/tmp/registry@{spec['id']}.sock")
        server.listen()
        kept.append(server)
    if spec["uid"]:
        os.setuid(spec["uid"])


def ready(number):
    with open(f"{HERE}/ready", "w") as fifo:
        fifo.write(f"{number} {os.getpid()}\n")


def area(first, last):
    """Two of the addresses by which the kernel finds a command line (48, 49) and an environment (50, 51)."""
    with open("/proc/self/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    return int(fields[first - 3]), int(fields[last - 3])


def overwrite(text, last=49):
    begin, end = area(48, last)
    if len(text) > end - begin:
        raise ValueError(f"{text} does not fit into {end - begin} bytes")
    memory = os.open("/proc/self/mem", os.O_RDWR)
    os.pwrite(memory, text.ljust(end - begin, b"\0"), begin)
    os.close(memory)


def retitle(title):
    """As setproctitle does it: over the environment too, which is kept elsewhere for what this process starts."""
    for name, value in os.environ.items():
        os.putenv(name, value)
    overwrite(title.encode(), last=51)


def start(spec):
    if spec["start"] in ("spawn", "server"):
        return start_worker(spec)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            if spec["session"]:
                os.setsid()
            if spec["double"] and os.fork() != 0:
                os._exit(0)
            if spec["start"] == "fork":
                begin(spec)
            execute(spec)
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(1)
    if spec["double"]:
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            pass  # With SIGCHLD ignored no child is collected; it returns when all children are gone.


def execute(spec):
    """Replaces this process: three lines on standard input leave the command line free."""
    os.chdir("/")
    script = os.open(f"{HERE}/specs/{spec['id']}", os.O_RDONLY)
    os.dup2(script, 0)
    os.set_inheritable(0, True)
    argv = spec["argv"] or [spec["program"], "-"]
    environ = {} if spec["empty"] else {**os.environ, "PYTHONHOME": spec["home"]}
    # A title needs room. Any other command line gets exactly as many bytes as it has.
    padding = 80 if spec["title"] else sum(len(word.encode()) + 1 for word in argv[1:]) - 3
    words = [argv[0]] if len(argv) == 1 else [argv[0], "-", "p" * padding]
    os.execve(spec["program"], words, environ)


def start_worker(spec):
    import multiprocessing

    multiprocessing.set_executable(spec["program"])
    method = "forkserver" if spec["start"] == "server" else "spawn"
    worker = multiprocessing.get_context(method).Process(target=begin, args=(spec,))
    directory = os.getcwd()
    if os.path.basename(directory).startswith("gone"):
        os.chdir("..")  # It goes where its starter is, which is gone by then.
    worker.start()
    os.chdir(directory)
    kept.append(worker)
