"""The transports by themselves; `--tpt-proto` chooses."""

import trio

from sample_actors.ipc import _chan, _transport


def test_lines_over_transport(run, door_addr, tpt_proto):
    async def main():
        listener = await _transport.listen(door_addr)
        near = await _transport.connect(_transport.address_of(listener))
        far = await listener.accept()
        async with listener, near, far:
            for line in ("", "wörter", "x" * 10_000):
                await _chan.send_line(near, line)
            await near.send_eof()
            assert [len(line) async for line in _chan.lines(far)] == [0, 6, 10_000]

    run(main)


def test_listener_has_the_address_it_says(run, door_addr, tpt_proto):
    async def main():
        async with await _transport.listen(door_addr) as listener:
            address = _transport.address_of(listener)
            assert isinstance(address, type(door_addr))
            with trio.fail_after(1):
                await (await _transport.connect(address)).aclose()

    run(main)
