"""Workers as processes."""

import os

import tractor

from sample_actors.discovery._registry import registered
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_every_worker_is_a_process(run, root_options, start_method):
    async def main():
        async with open_workers(2, **root_options) as workers:
            answers = [await worker.run(_rpc.who_am_i) for worker in workers]
            assert [name for name, _ in answers] == ["worker_0", "worker_1"]
            assert len({os.getpid(), *(pid for _, pid in answers)}) == 3
            assert {"worker_0", "worker_1"} <= await registered()

    run(main)


def test_run_in_actor(run, root_options):
    async def main():
        async with tractor.open_nursery(**root_options) as actors:
            portal = await actors.run_in_actor(_rpc.who_am_i, name="once")
            name, pid = await portal.result()
            assert name == "once"
            assert pid != os.getpid()

    run(main)


def test_loglevel_propagated_to_worker(run, root_options):
    # The debugger forces a level of its own.
    options = root_options | {"loglevel": "critical", "debug_mode": False}

    async def main():
        async with open_workers(1, **options) as [worker]:
            assert await worker.run(_rpc.loglevel) == "CRITICAL"

    run(main)
