"""Lines over a byte stream."""

from collections.abc import AsyncIterator

import trio


async def lines(stream: trio.abc.ReceiveStream) -> AsyncIterator[str]:
    """Every line of `stream`, without its end; what follows the last one is dropped."""
    pending = b""
    async for chunk in stream:
        *complete, pending = (pending + chunk).split(b"\n")
        for line in complete:
            yield line.decode()


async def send_line(stream: trio.abc.SendStream, line: str) -> None:
    await stream.send_all(line.encode() + b"\n")
