"""Bytes read as a row of choices, so that mutated bytes are other choices and not other noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


class Choices:
    """Choices that bytes stand for, one after the other; behind their end all are the first.

    >>> choices = Choices(bytes([1, 255, 7]))
    >>> choices.of("abc"), choices.below(1000), choices.of("abc")
    ('b', 287, 'a')
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        """Whether anything is left to choose by."""
        return self._at < len(self._data)

    def below(self, limit: int) -> int:
        """Return a number from 0 to ``limit`` - 1."""
        wide = 1 if limit <= 256 else 2 if limit <= 65536 else 4
        return int.from_bytes(self.taken(wide), "big") % limit

    def of(self, things: Sequence[Thing]) -> Thing:
        """Return one of ``things``."""
        return things[self.below(len(things))]

    def taken(self, count: int) -> bytes:
        """Return the next bytes, so many at most."""
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.taken(max(0, len(self._data) - self._at))
