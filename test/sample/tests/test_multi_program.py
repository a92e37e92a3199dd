"""Process trees that were not started together."""

import signal

import tractor

from sample_actors.discovery._registry import registered
from sample_actors.runtime import _rpc


def test_abort_on_sigint(daemon):
    assert daemon.poll() is None
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait() != 0


def test_trees_meet_at_the_registrar(daemon, run, root_options):
    async def main():
        async with tractor.open_root_actor(name="second", **root_options) as actor:
            assert not actor.is_arbiter
            assert await registered() == {"root", "remote_0", "second"}
            async with tractor.find_actor("remote_0") as worker:
                name, _ = await worker.run(_rpc.who_am_i)
                assert name == "remote_0"

    run(main)
