"""Message types. tractor 0.1.0a5 carries builtins only, so they convert both ways."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

_WORD = re.compile(r"\w+")


class Tally(msgspec.Struct, frozen=True):
    """How often each word occurs."""

    words: dict[str, int] = {}

    @classmethod
    def of(cls, text: str) -> Tally:
        return cls(dict(Counter(_WORD.findall(text.lower()))))

    @classmethod
    def from_wire(cls, message: dict) -> Tally:
        return msgspec.convert(message, cls)

    def to_wire(self) -> dict:
        return msgspec.to_builtins(self)

    def __add__(self, other: Tally) -> Tally:
        return Tally(dict(Counter(self.words) + Counter(other.words)))

    @property
    def total(self) -> int:
        return sum(self.words.values())
