"""The door with workers behind it."""

import json

import trio

from sample_actors.ipc import _chan, _transport
from sample_actors.ipc._server import serve
from sample_actors.spawn._spawn import open_workers


def test_basic_ipc_server(run, root_options, door_addr, tpt_proto):
    async def main():
        async with (
            open_workers(1, **root_options) as workers,
            trio.open_nursery() as nursery,
        ):
            address = await nursery.start(serve, door_addr, workers)
            async with await _transport.connect(address) as stream:
                for line in ("tick tock tick", "..."):
                    await _chan.send_line(stream, line)
                await stream.send_eof()
                replies = [json.loads(reply) async for reply in _chan.lines(stream)]
            assert replies == [{"words": {"tick": 2, "tock": 1}}, {"error": "NoWords"}]
            nursery.cancel_scope.cancel()

    run(main)
