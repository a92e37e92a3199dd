"""One-way streams out of a worker."""

from collections.abc import AsyncIterator
from itertools import count

import trio


async def words_of(text: str) -> AsyncIterator[str]:
    """Every word of `text`, one message each."""
    for word in text.split():
        yield word


async def ticks() -> AsyncIterator[int]:
    """Numbers without an end."""
    for number in count():
        yield number
        await trio.sleep(0.01)
