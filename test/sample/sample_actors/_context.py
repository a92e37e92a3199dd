"""A dialogue with a worker: lines go in, the tally so far comes back."""

import tractor

from sample_actors.msg._types import Tally


@tractor.context
async def running_tally(ctx: tractor.Context, start: dict) -> int:
    """Add every received line to `start`; return the number of words at the end."""
    tally = Tally.from_wire(start)
    await ctx.started(tally.to_wire())
    async with ctx.open_stream() as stream:
        async for line in stream:
            tally += Tally.of(line)
            await stream.send(tally.to_wire())
    return tally.total
