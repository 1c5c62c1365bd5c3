"""Pieces of one long text, as a sequence of strings that are made only where somebody asks for one.

Labelling handles characters as numbers; a Python string for each segment of a million would cost
as much as a third of scoring it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from classifier.compiling import NONE, ONE, njit

_TWO, _THREE, _FOUR = 0x80, 0x800, 0x10000  # code points from here on take so many bytes of UTF-8
_HALVES = (0xD800, 0xDFFF)  # of surrogate pairs: no UTF-8

Letters = NDArray[np.uint32]
Offsets = NDArray[np.int64]


def code_points(text: str) -> Letters:
    """Return a text's code points; half a surrogate pair is one too.

    >>> code_points("户A").tolist()
    [25143, 65]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def text_of(codes: Letters) -> str:
    """Return the text that `code_points` took apart."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def bounds_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return where each of ``texts`` begins when they are joined, and where the last ends."""
    out = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=out[1:])
    return out


class Excerpts(Sequence[str]):
    """The strings ``whole[starts[i]:ends[i]]``.

    Parameters
    ----------
    whole : str
    codes : ndarray of uint32
        The code points of ``whole``.
    starts, ends : ndarrays of int64, shape (n,)

    >>> found = Excerpts.of(["修路。", "架桥。"])
    >>> found[1], found.whole, found.starts.tolist()
    ('架桥。', '修路。架桥。', [0, 3])
    """

    def __init__(self, whole: str, codes: Letters, starts: Offsets, ends: Offsets) -> None:
        self.whole, self.codes, self.starts, self.ends = whole, codes, starts, ends

    @classmethod
    def of(cls, texts: Sequence[str]) -> Excerpts:
        """Return texts as excerpts of themselves, joined; excerpts as they are."""
        if isinstance(texts, Excerpts):
            return texts
        bounds = bounds_of(texts)
        return cls.within("".join(texts), bounds[:-1], bounds[1:])

    @classmethod
    def within(cls, whole: str, starts: Offsets, ends: Offsets) -> Excerpts:
        """Return pieces of a text."""
        return cls(whole, code_points(whole), starts, ends)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the code points on the way to another process: they follow from the text."""
        return Excerpts.within, (self.whole, self.starts, self.ends)

    def at(self, starts: Offsets, ends: Offsets) -> Excerpts:
        """Return other pieces of the same text."""
        return Excerpts(self.whole, self.codes, starts, ends)

    def of_codes(self, codes: Letters) -> Excerpts:
        """Return what stands at the same places of another text."""
        return Excerpts(text_of(codes), codes, self.starts, self.ends)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Excerpts: ...
    def __getitem__(self, place: int | slice) -> str | Excerpts:
        if isinstance(place, slice):
            return self.at(self.starts[place], self.ends[place])
        return self.whole[self.starts[place] : self.ends[place]]

    def __iter__(self) -> Iterator[str]:
        whole = self.whole
        return (whole[a:b] for a, b in zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def ascend(self) -> bool:
        """Return whether each excerpt comes after the one before it, in the order of code points."""
        pairs, depth = np.arange(len(self) - 1), 0
        while len(pairs):
            first, second = self._at_depth(pairs, depth), self._at_depth(pairs + 1, depth)
            if (first > second).any() or ((first == second) & (first == 0)).any():
                return False
            pairs, depth = pairs[first == second], depth + 1
        return True

    def _at_depth(self, which: NDArray[np.int64], depth: int) -> Offsets:
        """Return, of some excerpts, 1 more than the code point at a place, and 0 behind the end."""
        at = self.starts[which] + depth
        inside, out = at < self.ends[which], np.zeros(len(at), dtype=np.int64)
        out[inside] = self.codes[at[inside]] + 1
        return out

    def utf8(self) -> tuple[NDArray[np.uint8], Offsets]:
        """Return the bytes of all excerpts, one behind the other, and where each begins and the last ends.

        Raises `UnicodeEncodeError` for half a surrogate pair.

        >>> data, bounds = Excerpts.of(["户", "A"]).utf8()
        >>> bytes(data).decode(), bounds.tolist()
        ('户A', [0, 3, 4])
        """
        bounds, half = _sizes(self.codes, self.starts, self.ends)
        if half >= 0:
            self.whole[half].encode()  # raises
        return _encoded(self.codes, self.starts, self.ends, bounds[-1]), bounds


@njit(cache=True, nogil=True)
def _sizes(codes: Any, starts: Any, ends: Any) -> Any:
    """Return where the bytes of each excerpt begin, and where half a surrogate pair stands, or -1."""
    bounds, half, n = np.zeros(len(starts) + 1, dtype=np.int64), np.int64(-1), 0
    for i in range(len(starts)):
        for at in range(np.uint64(starts[i]), np.uint64(ends[i])):
            code = codes[at]
            n += 1 + (code >= _TWO) + (code >= _THREE) + (code >= _FOUR)
            if _HALVES[0] <= code <= _HALVES[1]:
                half = np.int64(at)
        bounds[i + 1] = n
    return bounds, half


@njit(cache=True, nogil=True)
def _encoded(codes: Any, starts: Any, ends: Any, size: int) -> Any:
    """Return the UTF-8 of all excerpts: RFC 3629, section 3."""
    out, n = np.empty(size, dtype=np.uint8), NONE
    for i in range(len(starts)):
        for at in range(np.uint64(starts[i]), np.uint64(ends[i])):
            code = codes[at]
            if code < _TWO:
                out[n] = code
                n += ONE
                continue
            if code < _THREE:
                out[n] = 0xC0 | (code >> 6)
                n += ONE
            else:
                if code < _FOUR:
                    out[n] = 0xE0 | (code >> 12)
                else:
                    out[n] = 0xF0 | (code >> 18)
                    out[n + ONE] = 0x80 | (code >> 12) & 0x3F
                    n += ONE
                out[n + ONE] = 0x80 | (code >> 6) & 0x3F
                n += ONE + ONE
            out[n] = 0x80 | code & 0x3F
            n += ONE
    return out
