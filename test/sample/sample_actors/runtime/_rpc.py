"""What a worker does when it is asked through a portal."""

import os

import tractor
import trio

from sample_actors._exceptions import NoWords
from sample_actors.msg._types import Tally


async def count(text: str) -> dict:
    """Count the words of `text`; raise `NoWords` if there are none."""
    tally = Tally.of(text)
    if not tally.words:
        raise NoWords(f"no words in {text!r}")
    return tally.to_wire()


async def check(text: str, total: int) -> None:
    """Assert that `text` has `total` words."""
    assert Tally.of(text).total == total


async def who_am_i() -> tuple[str, int]:
    """This actor's name and process id."""
    return tractor.current_actor().name, os.getpid()


async def loglevel() -> str:
    """The log level that this actor was started with."""
    return tractor.current_actor().loglevel


async def wait_until_cancelled() -> None:
    """Work without an end."""
    await trio.sleep_forever()
