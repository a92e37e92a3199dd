"""Calls through a portal, and how their errors come back."""

import pytest
import tractor

from sample_actors.msg._types import Tally
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_rpc_result(run, root_options):
    async def main():
        async with open_workers(1, **root_options) as [worker]:
            reply = await worker.run(_rpc.count, text="so it goes, so")
            assert Tally.from_wire(reply) == Tally({"so": 2, "it": 1, "goes": 1})

    run(main)


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("check", {"text": "one two", "total": 3}, AssertionError),
        ("check", {"text": "one", "total": 1, "extra": 0}, TypeError),
        ("nothing", {}, AttributeError),
    ],
    ids=[
        "c -> AssertionError",
        "extra=0, [unexpected] -> TypeError",
        'name="nothing" -> AttributeError',
    ],
)
def test_rpc_errors(run, root_options, start_method, name, arguments, error):
    async def main():
        async with open_workers(1, **root_options) as [worker]:
            with pytest.raises(tractor.RemoteActorError) as caught:
                await worker.run_from_ns(_rpc.__name__, name, **arguments)
            assert caught.value.type is error

    run(main)


def test_module_must_be_exposed(run, root_options):
    async def main():
        async with open_workers(1, modules=[], **root_options) as [worker]:
            with pytest.raises(tractor.RemoteActorError) as caught:
                await worker.run(_rpc.who_am_i)
            assert caught.value.type is tractor.ModuleNotExposed

    run(main)
