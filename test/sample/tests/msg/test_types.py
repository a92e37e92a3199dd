"""Messages, without any actor."""

import msgspec
import pytest

from sample_actors.msg._types import Tally


def test_tallies_add_up():
    assert Tally.of("A rose is a rose") + Tally.of("rose") == Tally(
        {"a": 2, "rose": 3, "is": 1}
    )


def test_wire_roundtrip():
    tally = Tally.of("to be or not to be")
    assert Tally.from_wire(tally.to_wire()) == tally


def test_wire_is_checked():
    with pytest.raises(msgspec.ValidationError):
        Tally.from_wire({"words": {"a": "many"}})
