"""Start worker actors and take them down again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import tractor
import trio

# What a worker may be asked to do.
MODULES = (
    "sample_actors._context",
    "sample_actors._streaming",
    "sample_actors.runtime._rpc",
)


@asynccontextmanager
async def open_workers(
    count: int,
    *,
    name: str = "worker",
    modules: Sequence[str] = MODULES,
    **root_options,
) -> AsyncIterator[list[tractor.Portal]]:
    """Yield a portal to each of `count` workers, all up and registered.

    `root_options` go to the root actor if this process has none yet.
    """
    async with tractor.open_nursery(**root_options) as actors:
        portals: dict[int, tractor.Portal] = {}

        async def start(index: int) -> None:
            full_name = f"{name}_{index}"
            portals[index] = await actors.start_actor(
                full_name, enable_modules=list(modules)
            )
            # The portal is there before the actor has registered.
            async with tractor.wait_for_actor(full_name):
                pass

        # Starting a process takes a while: start them side by side.
        async with trio.open_nursery() as starting:
            for index in range(count):
                starting.start_soon(start, index)

        yield [portals[index] for index in range(count)]
        await actors.cancel()
