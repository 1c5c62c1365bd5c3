"""Turns: threads that want the same thing get it one at a time, in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class Turns:
    """A line of threads before one thing; a lock that nobody who came later can snatch.

    >>> 档案 = Turns()
    >>> with 档案.turn(seconds=1):
    ...     print("写入")
    写入
    """

    def __init__(self) -> None:
        self._line: deque[Event] = deque()
        self._guard = Lock()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait for the turn, and hold it; raises `TimeoutError` where it has not come after ``seconds``."""
        mine = Event()
        with self._guard:
            self._line.append(mine)
            self._line[0].set()
        try:
            if not mine.wait(seconds):
                raise TimeoutError
            yield
        finally:
            with self._guard:
                self._line.remove(mine)
                if self._line:
                    self._line[0].set()
