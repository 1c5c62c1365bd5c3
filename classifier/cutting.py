"""Cutting lines at the ends of sentences and clauses, as compiled code over code points.

A piece ends behind a run of 。！？；｡!?; and the marks that close it, and at the end of its
line. Half-width ; ! ? end nothing inside a URL, in an HTML entity, or between two ASCII
letters or digits; an apostrophe between two of these is no quote.
"""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiling import njit
from classifier.excerpts import code_points
from classifier.tries import BMP

_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_ENDS = "。！？；｡!?;"
_CLOSERS = "”’」』）】》〉〕］｝)]}"
_INVISIBLE = "\ufeff\u200b"
HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3134F))

_ASCII = 128
# What a character may be, as bits; those of the second line for ASCII only.
_BREAK, _END, _CLOSER, _SPACE, _BLANK, _HAN = (1 << i for i in range(6))
_LETTER, _DIGIT, _HEX, _IN_URL, _LAST_IN_URL = (1 << i for i in range(6, 11))
_ALNUM = _LETTER | _DIGIT
_QUOTES = tuple(map(ord, "\"'"))
_INSIDE = tuple(map(ord, ";!?'"))  # between two letters or digits these end and quote nothing
_H, _W, _X, _AMPERSAND, _NUMBER_SIGN, _SEMICOLON = map(ord, "hwx&#;")
_HTTP, _HTTPS, _WWW = (np.array(list(map(ord, p)), dtype=np.uint32) for p in ("http://", "https://", "www."))


class Pieces(NamedTuple):
    """Where pieces stand, in order: the number of the text and of its non-empty line, start, end.

    Offsets count from the start of all the texts joined; ``han`` counts Han characters.
    """

    text: NDArray[np.int32]
    paragraph: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    han: NDArray[np.int32]


@lru_cache(maxsize=1)
def _classes() -> NDArray[np.int32]:
    """Return what each code point below `BMP` may be."""
    out = np.zeros(BMP, dtype=np.int32)
    for characters, bit in (
        (_BREAKS, _BREAK), (_ENDS, _END), (_CLOSERS, _CLOSER), (_INVISIBLE, _BLANK),
        (string.ascii_letters, _LETTER | _LAST_IN_URL), (string.digits, _DIGIT | _LAST_IN_URL),
        (string.hexdigits, _HEX), ("/=_-", _LAST_IN_URL),
    ):  # fmt: skip
        out[code_points(characters)] |= bit
    out[np.fromiter(map(str.isspace, map(chr, range(BMP))), dtype=bool, count=BMP)] |= _SPACE | _BLANK
    out[ord("!") : ord("~") + 1] |= _IN_URL
    for first, last in HAN:
        out[first : last + 1] |= _HAN
    return out


def pieces(codes: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Pieces:
    """Cut the texts ``codes[starts[i]:ends[i]]`` into pieces without white space at their ends."""
    return _pieces(_classes(), codes, starts, ends)


@njit(cache=True, nogil=True)
def _pieces(classes: Any, codes: Any, starts: Any, ends: Any) -> Pieces:
    size = len(starts)
    for code in codes:
        size += (_class(classes, code) & (_BREAK | _END)) != 0
    number, paragraph, han = np.empty((3, size), dtype=np.int32)
    start, end = np.empty((2, size), dtype=np.int64)
    n = 0
    for i in range(len(starts)):
        line, lines = starts[i], np.int32(-1)
        while line < ends[i]:
            stop, seen = _line(classes, codes, line, ends[i])
            lines += seen
            at, quotes = line, 0
            while at < stop:
                cut, quotes = _next_end(classes, codes, line, at, stop, quotes)
                a, b = _stripped(classes, codes, at, cut)
                if a < b:
                    number[n], paragraph[n], start[n], end[n] = i, lines, a, b
                    han[n] = _han(classes, codes, a, b)
                    n += 1
                at = cut
            line = stop + 1
    return Pieces(number[:n], paragraph[:n], start[:n], end[:n], han[:n])


@njit
def _class(classes: Any, code: int) -> int:
    """Return what a character may be."""
    if code < BMP:
        return classes[code]
    return _HAN if HAN[3][0] <= code <= HAN[3][1] else 0


@njit
def _line(classes: Any, codes: Any, at: int, end: int) -> tuple[int, bool]:
    """Return where the line that begins at ``at`` ends, and whether it holds anything but white space."""
    seen = False
    while at < end:
        kind = _class(classes, codes[at])
        if kind & _BREAK:
            break
        seen |= not kind & _SPACE
        at += 1
    return at, seen


@njit
def _next_end(classes: Any, codes: Any, line: int, at: int, stop: int, quotes: int) -> tuple[int, int]:
    """Return where the piece that begins at ``at`` ends, and which straight quotes are open there.

    The line reaches from ``line`` to ``stop``; ``quotes`` are those open at ``at``, as bits.
    """
    while at < stop:
        code = codes[at]
        after = _kept(classes, codes, line, at, stop) if code < _ASCII else at
        if after > at:
            at = after
        elif _class(classes, code) & _END:
            while at < stop and _class(classes, codes[at]) & _END:
                at += 1
            at, quotes = _closed(classes, codes, at, stop, quotes)
            if at == stop or not _class(classes, codes[at]) & _END:  # `？”。` is one end, not two
                return at, quotes
        else:
            quotes ^= _quote(code)
            at += 1
    return stop, quotes


@njit
def _quote(code: int) -> Any:
    """Return the bit of a straight quote, 0 for any other character."""
    if code == _QUOTES[0]:
        return 1
    return 2 if code == _QUOTES[1] else 0


@njit
def _closed(classes: Any, codes: Any, at: int, stop: int, quotes: Any) -> tuple[int, int]:
    """Take in the marks that close what ends: brackets, and straight quotes where one is open."""
    while at < stop:
        quote = _quote(codes[at])
        if not quote & quotes and not _class(classes, codes[at]) & _CLOSER:
            break
        quotes &= ~quote
        at += 1
    return at, quotes


@njit
def _kept(classes: Any, codes: Any, line: int, at: int, stop: int) -> int:
    """Return where a URL, an entity or a mark inside a word ends that begins at ``at``, else ``at``."""
    code = codes[at]
    if code == _H or code == _W:
        return _url_end(classes, codes, at, stop)
    if code == _AMPERSAND:
        return _entity_end(classes, codes, at, stop)
    if code in _INSIDE and line < at < stop - 1:
        if _class(classes, codes[at - 1]) & _ALNUM and _class(classes, codes[at + 1]) & _ALNUM:
            return at + 1
    return at


@njit
def _url_end(classes: Any, codes: Any, at: int, stop: int) -> int:
    """Return where a URL ends, without marks that belong to the sentence; ``at`` where there is none."""
    first = at + max(
        _begins(codes, at, stop, _HTTP), _begins(codes, at, stop, _HTTPS), _begins(codes, at, stop, _WWW)
    )
    if first == at:
        return at  # and no look at what follows, which may be long
    end = first
    while end < stop and _class(classes, codes[end]) & _IN_URL:
        end += 1
    while end > first and not _class(classes, codes[end - 1]) & _LAST_IN_URL:
        end -= 1
    return end if end > first else at


@njit
def _begins(codes: Any, at: int, stop: int, prefix: Any) -> int:
    """Return the length of ``prefix`` where the text at ``at`` begins with it, else 0."""
    if at + len(prefix) > stop:
        return 0
    for i in range(len(prefix)):
        if codes[at + i] != prefix[i]:
            return 0
    return len(prefix)


@njit
def _entity_end(classes: Any, codes: Any, at: int, stop: int) -> int:
    """Return where an HTML entity such as ``&nbsp;`` or ``&#160;`` ends; ``at`` where there is none."""
    first = at + 1
    least, most, among = 2, 10, _LETTER
    if first < stop and codes[first] == _NUMBER_SIGN:
        first, least, most, among = first + 1, 1, 7, _DIGIT
        if first < stop and codes[first] == _X:
            first, most, among = first + 1, 6, _HEX
    end = first
    while end < stop and _class(classes, codes[end]) & among:
        end += 1
    if least <= end - first <= most and end < stop and codes[end] == _SEMICOLON:
        return end + 1
    return at


@njit
def _stripped(classes: Any, codes: Any, start: int, end: int) -> tuple[int, int]:
    while start < end and _class(classes, codes[start]) & _BLANK:
        start += 1
    while end > start and _class(classes, codes[end - 1]) & _BLANK:
        end -= 1
    return start, end


@njit
def _han(classes: Any, codes: Any, start: int, end: int) -> int:
    n = 0
    for at in range(start, end):
        n += (_class(classes, codes[at]) & _HAN) != 0
    return n
