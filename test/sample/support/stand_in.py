"""Stand in for an actor of a current tractor, as the operating system shows it.

The actors of the installed release keep their command line; newer ones rename
themselves. This program takes such a title, maps the same libraries and waits for
SIGINT, without any actor runtime. Run it with the Python of a virtual environment.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
from pathlib import Path

# Newer actors have these two mapped from their environment's site-packages.
import msgspec  # noqa: F401
import setproctitle


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--title",
        default="_subactor[w0@{pid}]",
        help="the title to take, {pid} stands for the process id; "
        "an empty one keeps the command line (default: %(default)s)",
    )
    parser.add_argument(
        "--cwd", type=Path, metavar="DIR", help="the working directory to go to"
    )
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="tcp:HOST:PORT|unix:PATH",
        help="listen there, may be repeated; TCP port 0 takes a free one",
    )
    parser.add_argument(
        "--children",
        type=int,
        default=0,
        metavar="N",
        help="have N children with the same title; SIGINT is passed on to them",
    )
    parser.add_argument(
        "--ignore-sigint", action="store_true", help="ignore SIGINT, children too"
    )
    parser.add_argument(
        "--respawn",
        type=int,
        default=0,
        metavar="N",
        help="leave a copy behind the first N times that SIGINT ends it",
    )
    parser.add_argument(
        "--ready",
        type=Path,
        metavar="FILE",
        help="when all is in place, write pids and addresses there, as JSON; "
        "a reader of a FIFO has no need to poll",
    )
    return parser.parse_args()


def take_title(title: str) -> None:
    if title:
        setproctitle.setproctitle(title.replace("{pid}", str(os.getpid())))


def hold_back_sigint() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


def wait_for_sigint() -> None:
    try:
        # One that came too early arrives here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        while True:
            signal.pause()
    except KeyboardInterrupt:
        hold_back_sigint()


def start_child(title: str) -> int:
    """Fork; return the child's pid once it has its title."""
    near, far = os.pipe()
    pid = os.fork()
    if pid == 0:
        take_title(title)
        os.close(near)
        os.close(far)
        wait_for_sigint()
        os._exit(0)
    os.close(far)
    os.read(near, 1)  # nothing is ever written: returns when the child closes its end
    os.close(near)
    return pid


def listen(where: str) -> socket.socket:
    kind, _, address = where.partition(":")
    if kind == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
        return listener
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family)


def report(path: Path, content: dict) -> None:
    text = json.dumps(content)
    if path.is_fifo():
        path.write_text(text)
        return
    # A rename shows a reader all of it or nothing.
    whole = path.with_name(f"{path.name}.{os.getpid()}")
    whole.write_text(text)
    whole.rename(path)


def main() -> None:
    options = parse_arguments()
    hold_back_sigint()
    # Set either way: whoever started this may have left SIGINT ignored.
    signal.signal(
        signal.SIGINT,
        signal.SIG_IGN if options.ignore_sigint else signal.default_int_handler,
    )
    # Meant from where the command was typed, also after `--cwd`.
    ready = options.ready and options.ready.absolute()
    if options.cwd:
        os.chdir(options.cwd)
    # The children first: actors don't share the listeners of their parent.
    children = [start_child(options.title) for _ in range(options.children)]
    listeners = [listen(where) for where in options.listen]
    take_title(options.title)
    if ready:
        addresses = [listener.getsockname() for listener in listeners]
        report(
            ready, {"pid": os.getpid(), "children": children, "addresses": addresses}
        )

    wait_for_sigint()
    for child in children:
        os.kill(child, signal.SIGINT)
        os.waitpid(child, 0)
    for _ in range(options.respawn):
        if os.fork() > 0:
            break
        take_title(options.title)
        wait_for_sigint()


if __name__ == "__main__":
    main()
