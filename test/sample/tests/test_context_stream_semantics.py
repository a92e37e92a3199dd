"""Dialogues with a worker."""

from sample_actors._context import running_tally
from sample_actors.msg._types import Tally
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_simple_context(run, root_options):
    start = Tally({"a": 3})

    async def main():
        async with (
            open_workers(1, **root_options) as [worker],
            worker.open_context(running_tally, start=start.to_wire()) as (ctx, first),
        ):
            assert Tally.from_wire(first) == start
            async with ctx.open_stream() as stream:
                await stream.send("a b")
                seen = Tally.from_wire(await stream.receive())
                assert seen == start + Tally({"a": 1, "b": 1})
            assert await ctx.result() == seen.total

    run(main)


def test_parent_cancels_context(run, root_options):
    async def main():
        async with (
            open_workers(1, **root_options) as [worker],
            worker.open_context(running_tally, start={}) as (ctx, _),
        ):
            await ctx.cancel()
            # Only the dialogue is over, the worker isn't.
            name, _ = await worker.run(_rpc.who_am_i)
            assert name == "worker_0"

    run(main)
