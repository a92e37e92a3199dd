"""Who is registered, and until when."""

import tractor

from sample_actors.discovery._registry import registered, wait_until_gone
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_reg_then_unreg(run, root_options):
    async def main():
        async with tractor.open_root_actor(**root_options):
            async with open_workers(1):
                assert await registered() == {"root", "worker_0"}
            await wait_until_gone("worker_0")
            assert await registered() == {"root"}

    run(main)


def test_found_by_name(run, root_options):
    async def main():
        async with open_workers(1, **root_options):
            async with tractor.find_actor("worker_0") as portal:
                name, _ = await portal.run(_rpc.who_am_i)
                assert name == "worker_0"

    run(main)
