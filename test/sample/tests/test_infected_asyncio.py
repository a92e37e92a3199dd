"""An actor whose trio runs on top of asyncio."""

import tractor

from sample_actors.to_asyncio import count_with_asyncio


def test_asyncio_task_counts(run, root_options):
    async def main():
        async with tractor.open_nursery(**root_options) as actors:
            portal = await actors.run_in_actor(
                count_with_asyncio, lines=["a b c", "d"], infect_asyncio=True
            )
            assert await portal.result() == [3, 1]

    run(main)
