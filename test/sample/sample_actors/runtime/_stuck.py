"""Ways for an actor to get stuck. Only the tests that have to hang expose this."""

import signal

import tractor
import trio

# Ends a wait that nothing in this module ever ends.
_done = trio.Event()


async def ignore_sigint() -> None:
    """Block the whole actor, and sleep through every SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        signal.pause()


async def until_done() -> None:
    """Return when this actor has finished `wait_for_peer`."""
    await _done.wait()


async def wait_for_peer(peer: str) -> None:
    """Finish after `peer` has: two actors that do this to each other never do."""
    async with tractor.wait_for_actor(peer) as portal:
        await portal.run(until_done)
    _done.set()


async def chatter() -> None:
    """Write to stdout without an end; blocks once the pipe is full."""
    while True:
        print("blah " * 1000, flush=True)


async def spin() -> None:
    """Use a whole core and never let trio run."""
    while True:
        pass
