"""The registrar, and an actor on its own."""

import pytest
import tractor
import trio

from sample_actors.discovery._registry import registered


def test_no_runtime():
    async def main():
        async with tractor.find_actor("nobody"):
            pass

    with pytest.raises(RuntimeError, match="No local actor"):
        trio.run(main)


def test_first_root_is_the_registrar(run, root_options):
    async def main():
        async with tractor.open_root_actor(**root_options) as actor:
            assert actor.is_arbiter
            assert actor.accept_addr == root_options["arbiter_addr"]

    run(main)


def test_self_is_registered(run, root_options, reg_addr):
    async def main():
        async with tractor.open_root_actor(name="alone", **root_options):
            assert await registered() == {"alone"}
            async with tractor.wait_for_actor("alone") as portal:
                assert portal.channel.uid[0] == "alone"

    run(main)


def test_registrar_address_is_free_again(run, root_options):
    async def main():
        async with tractor.open_root_actor(**root_options) as actor:
            return actor.is_arbiter

    assert [run(main), run(main)] == [True, True]
