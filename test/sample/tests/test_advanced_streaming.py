"""One-way streams."""

import trio

from sample_actors._streaming import words_of
from sample_actors.spawn._spawn import open_workers


def test_streams_side_by_side(run, root_options):
    texts = ["call me Ishmael", "it was the best of times"]
    received: dict[str, list[str]] = {}

    async def main():
        async with open_workers(2, **root_options) as workers:

            async def read(worker, text):
                async with worker.open_stream_from(words_of, text=text) as stream:
                    received[text] = [word async for word in stream]

            async with trio.open_nursery() as nursery:
                for worker, text in zip(workers, texts, strict=True):
                    nursery.start_soon(read, worker, text)

    run(main)
    assert received == {text: text.split() for text in texts}
