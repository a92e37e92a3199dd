"""Hang forever, on demand. README.md: SAMPLE_HANG.

No time limit here: ending what hangs is up to whoever asked for it.
"""

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial

import pytest
import trio

from sample_actors.runtime import _stuck
from sample_actors.spawn._spawn import open_workers


async def hang_in_sleep(root_options):
    """The root sleeps; its actor is idle."""
    async with open_workers(1, **root_options):
        await trio.sleep_forever()


async def hang_with_sigint(root_options):
    """The actor is blocked and ignores SIGINT."""
    await _wait_for_worker(_stuck.ignore_sigint, root_options)


async def hang_in_deadlock(root_options):
    """Two actors, each waits for the other one to finish first."""
    async with (
        open_workers(2, modules=[_stuck.__name__], **root_options) as [first, second],
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(partial(first.run, _stuck.wait_for_peer, peer="worker_1"))
        nursery.start_soon(partial(second.run, _stuck.wait_for_peer, peer="worker_0"))


async def hang_on_pipe(root_options):
    """The actor's stdout is a pipe that this process holds but doesn't drain."""
    read_end, write_end = os.pipe()
    async with AsyncExitStack() as stack:
        stack.callback(os.close, read_end)
        # An actor inherits its stdout when it starts.
        with _stdout_replaced(by=write_end):
            [worker] = await stack.enter_async_context(
                open_workers(1, modules=[_stuck.__name__], **root_options)
            )
        os.close(write_end)
        await worker.run(_stuck.chatter)


@contextmanager
def _stdout_replaced(by: int) -> Iterator[None]:
    before = os.dup(1)
    os.dup2(by, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


async def hang_busy(root_options):
    """The actor spins."""
    await _wait_for_worker(_stuck.spin, root_options)


async def _wait_for_worker(task, root_options):
    modules = [_stuck.__name__]
    async with open_workers(1, modules=modules, **root_options) as [worker]:
        await worker.run(task)


async def only_start(root_options):
    """Nothing hangs: an actor starts and ends."""
    async with open_workers(1, **root_options):
        pass


KINDS = {
    "sleep": hang_in_sleep,
    "sigint": hang_with_sigint,
    "deadlock": hang_in_deadlock,
    "pipe": hang_on_pipe,
    # As "pipe" while pytest captures, as if it did so by a pipe.
    "capture": hang_on_pipe,
    "busy": hang_busy,
    # As "sleep", and another program (the `daemon` fixture) has the registrar.
    "daemon": hang_in_sleep,
}


def test_waits_forever(root_options, request):
    kind = os.environ.get("SAMPLE_HANG")
    if not kind:
        pytest.skip("only on demand: SAMPLE_HANG is not set")
    assert kind in KINDS, f"SAMPLE_HANG is one of {', '.join(KINDS)}"
    if kind == "daemon":
        request.getfixturevalue("daemon")
    uncaptured = request.config.option.capture == "no"
    main = only_start if kind == "capture" and uncaptured else KINDS[kind]
    trio.run(main, root_options)
