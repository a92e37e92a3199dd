"""Answer the door: every line that comes in is counted by a worker."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import msgspec
import tractor
import trio

from sample_actors._exceptions import remote_name
from sample_actors.discovery._addr import Address
from sample_actors.ipc import _chan, _transport
from sample_actors.runtime import _rpc


async def serve(
    address: Address,
    workers: Sequence[tractor.Portal],
    task_status: trio.TaskStatus = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; the address taken is reported through `task_status`."""
    turns = cycle(workers)

    async def answer(stream: trio.SocketStream) -> None:
        async for line in _chan.lines(stream):
            try:
                reply = await next(turns).run(_rpc.count, text=line)
            except tractor.RemoteActorError as error:
                reply = {"error": remote_name(error)}
            await _chan.send_line(stream, msgspec.json.encode(reply).decode())

    listener = await _transport.listen(address)
    task_status.started(_transport.address_of(listener))
    await trio.serve_listeners(answer, [listener])
