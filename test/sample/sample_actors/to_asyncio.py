"""The same count for asyncio code, in a worker whose trio runs on an asyncio loop."""

import asyncio

import trio
from tractor import to_asyncio

from sample_actors.msg._types import Tally


async def _count(to_trio: trio.MemorySendChannel, from_trio: asyncio.Queue) -> None:
    to_trio.send_nowait("ready")
    while (line := await from_trio.get()) is not None:
        to_trio.send_nowait(Tally.of(line).total)


async def count_with_asyncio(lines: list[str]) -> list[int]:
    """The number of words of each line, counted by an asyncio task."""
    async with to_asyncio.open_channel_from(_count) as (_ready, channel):
        totals = []
        for line in lines:
            await channel.send(line)
            totals.append(await channel.receive())
        await channel.send(None)
        return totals
