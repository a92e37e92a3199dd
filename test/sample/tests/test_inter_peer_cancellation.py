"""One worker's end, seen from its peers."""

import tractor

from sample_actors.discovery._registry import wait_until_gone
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_peer_survives_cancelled_worker(run, root_options):
    async def main():
        async with open_workers(2, **root_options) as [first, second]:
            await first.cancel_actor()
            await wait_until_gone("worker_0")
            name, _ = await second.run(_rpc.who_am_i)
            assert name == "worker_1"
            async with tractor.find_actor("worker_0") as portal:
                assert portal is None

    run(main)
