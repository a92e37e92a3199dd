"""Cancelled work, cancelled actors."""

import os
import signal
from pathlib import Path

import pytest
import tractor
import trio

from sample_actors._streaming import ticks
from sample_actors.discovery._registry import wait_until_gone
from sample_actors.runtime import _rpc, _supervise
from sample_actors.spawn._spawn import open_workers


def test_remote_error_cancels_the_rest(run, root_options):
    async def main():
        async with open_workers(2, **root_options) as workers:
            await _supervise.count_all(workers, ["fine", "..."])

    with pytest.raises(tractor.RemoteActorError):
        run(main)


def test_cancel_single_worker(run, root_options):
    async def main():
        async with open_workers(1, **root_options) as [worker]:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(worker.run, _rpc.wait_until_cancelled)
                nursery.cancel_scope.cancel()
            await worker.cancel_actor()
            await wait_until_gone("worker_0")

    run(main)


def test_cancel_infinite_streamer(run, root_options):
    async def main():
        async with open_workers(1, **root_options) as [worker]:
            with trio.CancelScope() as scope:
                async with worker.open_stream_from(ticks) as stream:
                    async for number in stream:
                        if number == 5:
                            scope.cancel()
            assert scope.cancelled_caught

    run(main)


def test_cancel_slow_worker(run, root_options):
    # README.md: SAMPLE_SLOW
    seconds = float(os.environ.get("SAMPLE_SLOW") or 0)

    async def main():
        async with open_workers(1, **root_options) as [worker]:
            with trio.move_on_after(seconds):
                await worker.run(_rpc.wait_until_cancelled)

    if seconds:
        trio.run(main)  # as slow as was asked for, without the suite's limit
    else:
        run(main)


def test_cancel_via_SIGINT(run, root_options):
    async def main():
        async with open_workers(1, **root_options):
            os.kill(os.getpid(), signal.SIGINT)
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        run(main)


def test_cancel_via_SIGINT_other_task(run, root_options):
    async def main():
        async with open_workers(1, **root_options):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                if _is_flaky_now():
                    with trio.fail_after(0):
                        await trio.sleep_forever()
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(main)


def _is_flaky_now() -> bool:
    # README.md: SAMPLE_FLAKY
    flaky = os.environ.get("SAMPLE_FLAKY")
    if not flaky or flaky == "1":
        return flaky == "1"
    counter = Path(flaky)
    runs = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(runs + 1))
    return runs % 2 == 0
