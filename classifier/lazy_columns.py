"""Columns of an output whose values repeat or follow from others; they are made only where asked for.

A title stands in each row of its document. Formats that hold columns take it once, with the
numbers of the rows' documents; a list of Python values is made for those that go row by row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
Numbers = NDArray[np.integer[Any]]


class _Lazy(Sequence[Value], Generic[Value]):
    """A column with a number for each row, from which and its place the value there follows."""

    number: Numbers

    def value(self, place: int) -> Value:
        """Return the value of a row."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.number)

    @overload
    def __getitem__(self, place: int) -> Value: ...
    @overload
    def __getitem__(self, place: slice) -> list[Value]: ...
    def __getitem__(self, place: int | slice) -> Value | list[Value]:
        if isinstance(place, slice):
            return [self.value(i) for i in range(*place.indices(len(self)))]
        return self.value(place)


class Chosen(_Lazy[Value]):
    """The column ``values[number[i]]``; each of the values is chosen at least once.

    >>> list(Chosen(["修路", "架桥"], np.array([1, 1, 0])))
    ['架桥', '架桥', '修路']
    """

    def __init__(self, values: Sequence[Value], number: Numbers) -> None:
        self.values, self.number = values, number

    def value(self, place: int) -> Value:
        """Return the value chosen for a row."""
        return self.values[int(self.number[place])]

    def __iter__(self) -> Iterator[Value]:
        return map(self.values.__getitem__, self.number.tolist())


class Numbered(_Lazy[str]):
    """Names with a number behind each: ``names[i]#number[i]``.

    >>> list(Numbered(Chosen(["甲"], np.array([0, 0])), np.array([0, 1])))
    ['甲#0', '甲#1']
    """

    MARK = "#"

    def __init__(self, names: Sequence[str], number: Numbers) -> None:
        self.names, self.number = names, number

    def value(self, place: int) -> str:
        """Return the name of a row, with its number."""
        return f"{self.names[place]}{self.MARK}{self.number[place]}"

    def __iter__(self) -> Iterator[str]:
        return (f"{name}{self.MARK}{n}" for name, n in zip(self.names, self.number.tolist(), strict=True))


def value_counts(column: Iterable[Value]) -> Iterable[tuple[Value, int]]:
    """Return each value of a column with how many rows have it.

    >>> list(value_counts(Chosen(["修路", ""], np.array([0, 1, 0]))))
    [('修路', 2), ('', 1)]
    """
    if isinstance(column, Chosen):
        return zip(column.values, np.bincount(column.number).tolist(), strict=True)
    return Counter(column).items()
