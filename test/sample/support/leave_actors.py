"""A root actor that never ends by itself: kill it, and its actors are left behind."""

import argparse
import os
import signal

import trio

from sample_actors.spawn._spawn import open_workers


async def main(options: argparse.Namespace) -> None:
    async with open_workers(
        options.actors,
        name="leaked",
        start_method=options.spawn_backend.removeprefix("mp_"),
        loglevel=options.loglevel,
    ):
        with open(options.ready_fd, "w") as ready:
            ready.write("ready\n")
        await trio.sleep_forever()


# Actors import this file as their parent's main module.
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actors", type=int, required=True, metavar="N")
    parser.add_argument("--spawn-backend", default="trio")
    parser.add_argument("--loglevel", default="error")
    parser.add_argument("--ready-fd", type=int, required=True, metavar="FD")
    # Whoever started this may ignore SIGINT; what is left behind has to end on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = parser.parse_args()
    # Its reader waits for the last copy to be closed.
    os.set_inheritable(options.ready_fd, False)
    trio.run(main, options)
