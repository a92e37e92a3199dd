"""Sharing work between workers: the first failure cancels the rest."""

from collections.abc import Sequence

import tractor
import trio

from sample_actors.msg._types import Tally
from sample_actors.runtime import _rpc


async def count_all(workers: Sequence[tractor.Portal], texts: Sequence[str]) -> Tally:
    """Count `texts`, dealt to `workers` in turn."""
    tallies: list[Tally] = []

    async def ask(worker: tractor.Portal, text: str) -> None:
        tallies.append(Tally.from_wire(await worker.run(_rpc.count, text=text)))

    async with trio.open_nursery() as nursery:
        for index, text in enumerate(texts):
            nursery.start_soon(ask, workers[index % len(workers)], text)
    return sum(tallies, Tally())
