"""Calls made in the background, one after the other, while what they need next is being made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Generic, ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Background(Generic[Result]):
    """A thread that makes calls in the order in which they are given to it.

    Parameters
    ----------
    most : int
        Calls that may wait, so that memory does not fill with them.

    >>> writing = Background[int](most=2)
    >>> [writing.call(len, text) for text in ("修路", "架桥了", "养蜂", "通水")], writing.settled()
    ([[], [], [2], [3]], [2, 2])
    >>> writing.close()
    """

    def __init__(self, most: int) -> None:
        self._thread, self._most = ThreadPoolExecutor(1), most
        self._waiting, self._broken = deque[Future[Result]](), False

    def call(
        self, function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
    ) -> list[Result]:
        """Have a call made; return the results of those that had to be waited for.

        Raises what a call raised; none is made after that.
        """
        self._waiting.append(self._thread.submit(self._made, function, *given, **named))
        return self._settled(self._most)

    def settled(self) -> list[Result]:
        """Wait until all calls are made; return the results that nobody has taken yet."""
        return self._settled(0)

    def _made(
        self, function: Callable[Given, Result], /, *given: Given.args, **named: Given.kwargs
    ) -> Result:
        if self._broken:  # what was to be done before is not
            raise CancelledError
        try:
            return function(*given, **named)
        except BaseException:
            self._broken = True
            raise

    def _settled(self, most: int) -> list[Result]:
        return [self._waiting.popleft().result() for _ in range(len(self._waiting) - most)]

    def close(self) -> None:
        """Wait for the call that is being made, and forget those that wait."""
        self._thread.shutdown(cancel_futures=True)
