"""Options and fixtures of the whole suite."""

from __future__ import annotations

import inspect
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import trio

from sample_actors.discovery._addr import TcpAddress, UdsAddress
from sample_actors.discovery._registry import REGISTRAR

# tractor accepts its own "trio" and every start method of multiprocessing but fork,
# which would copy trio's state. Their "mp_" is only for the command line.
SPAWN_BACKENDS = ["trio"] + [
    f"mp_{method}"
    for method in multiprocessing.get_all_start_methods()
    if method != "fork"
]

# Long enough for a busy machine; a test that takes this long is stuck.
TIME_LIMIT = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ll",
        dest="loglevel",
        default="error",
        metavar="LEVEL",
        help="tractor's log level (default: error)",
    )
    parser.addoption(
        "--tpdb",
        "--debug-mode",
        dest="tractor_debug_mode",
        action="store_true",
        help="use tractor's multi-process debugger",
    )
    parser.addoption(
        "--tpt-proto",
        dest="tpt_protos",
        nargs="+",
        default=["tcp"],
        choices=["tcp", "uds"],
        help="transports to run the tests of `ipc` on (default: tcp)",
    )
    parser.addoption(
        "--spawn-backend",
        dest="spawn_backend",
        default="trio",
        choices=SPAWN_BACKENDS,
        help="how actors are started (default: trio)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Only tests that name the fixture themselves get its value into their id.
    named = inspect.signature(metafunc.function).parameters
    options = metafunc.config.option
    if "start_method" in named:
        metafunc.parametrize(
            "start_method",
            [options.spawn_backend.removeprefix("mp_")],
            ids=[f"start_method={options.spawn_backend}"],
        )
    if "tpt_proto" in named:
        metafunc.parametrize(
            "tpt_proto",
            options.tpt_protos,
            ids=[f"tpt_proto={proto}" for proto in options.tpt_protos],
        )


@pytest.fixture(scope="session")
def loglevel(pytestconfig: pytest.Config) -> str:
    return pytestconfig.option.loglevel


@pytest.fixture(scope="session")
def debug_mode(pytestconfig: pytest.Config) -> bool:
    return pytestconfig.option.tractor_debug_mode


@pytest.fixture(scope="session")
def spawn_backend(pytestconfig: pytest.Config) -> str:
    return pytestconfig.option.spawn_backend


@pytest.fixture
def start_method(spawn_backend: str) -> str:
    """tractor's own name of the spawn backend."""
    return spawn_backend.removeprefix("mp_")


@pytest.fixture
def tpt_proto(pytestconfig: pytest.Config) -> str:
    """The transport; tractor 0.1.0a5 itself speaks TCP whatever this says."""
    return pytestconfig.option.tpt_protos[0]


@pytest.fixture(scope="session")
def reg_addr() -> tuple[str, int]:
    """The registrar's address: the first root actor of a test takes it."""
    return tuple(REGISTRAR)


@pytest.fixture
def door_addr(tpt_proto: str, tmp_path: Path) -> TcpAddress | UdsAddress:
    """A free address for the service's door."""
    if tpt_proto == "uds":
        return UdsAddress(str(tmp_path / "door.sock"))
    return TcpAddress("127.0.0.1", 0)


@pytest.fixture
def root_options(
    reg_addr: tuple[str, int], loglevel: str, start_method: str, debug_mode: bool
) -> dict:
    """What a root actor is opened with."""
    return {
        "arbiter_addr": reg_addr,
        "loglevel": loglevel,
        "start_method": start_method,
        "debug_mode": debug_mode,
    }


@pytest.fixture
def run(debug_mode: bool) -> Callable:
    """Run an async function as the test's main task."""

    def run(main: Callable[[], Awaitable]) -> object:
        async def limited() -> object:
            # A limit inside of trio takes the actors down with it, one from outside
            # would leave them behind. A person in the debugger needs none.
            with trio.fail_after(float("inf") if debug_mode else TIME_LIMIT):
                return await main()

        return trio.run(limited)

    return run


# Another program, with the registrar and a worker. It is all on the command line: no
# file of ours and no module's name shows what it is.
DAEMON = """\
import trio
from sample_actors.spawn._spawn import open_workers

async def main():
    options = {{"arbiter_addr": {reg_addr!r}, "loglevel": {loglevel!r}}}
    async with open_workers(1, name="remote", **options):
        print("ready", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.fixture
def daemon(
    tmp_path: Path, reg_addr: tuple[str, int], loglevel: str
) -> Iterator[subprocess.Popen]:
    """A registrar and a worker, `remote_0`, in a process tree and directory apart."""
    process = subprocess.Popen(
        [sys.executable, "-c", DAEMON.format(reg_addr=reg_addr, loglevel=loglevel)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_accept_sigint,
    )
    with process:
        assert process.stdout.readline() == "ready\n", "the daemon did not start"
        yield process
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _accept_sigint() -> None:
    # A run that was started in the background of a script has SIGINT ignored, and a
    # child would keep it so.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
