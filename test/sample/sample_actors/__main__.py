"""`python -m sample_actors`: the service, until Ctrl-C.

Prints the address of its door, then answers every line that is sent there with the
number of times each word occurs, as JSON.
"""

import argparse
import sys

import trio

from sample_actors.discovery import _addr, _registry
from sample_actors.ipc._server import serve
from sample_actors.spawn._spawn import open_workers


async def main(workers: int, door: _addr.Address) -> None:
    async with (
        open_workers(workers, arbiter_addr=tuple(_registry.REGISTRAR)) as portals,
        trio.open_nursery() as nursery,
    ):
        address = await nursery.start(serve, door, portals)
        print(address, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sample_actors")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument(
        "--door",
        type=_addr.parse,
        default=_addr.TcpAddress("127.0.0.1", 0),
        metavar="ADDRESS",
        help="/ip4/HOST/tcp/PORT or /unix/PATH (default: a free TCP port)",
    )
    options = parser.parse_args()
    try:
        trio.run(main, options.workers, options.door)
    except KeyboardInterrupt:
        sys.exit(130)
