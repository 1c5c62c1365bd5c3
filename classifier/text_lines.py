"""A file's lines, one after the other, whatever its encoding and however long they are."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from typing import IO, AnyStr, BinaryIO

from classifier.limits import LIMITS, Limits
from classifier.text_files import BLOCK, Blocks, Place, encoding_of, opened, shown

CHUNK = 1 << 14  # bytes decoded at a time, to be divided into lines
TOLD = 32  # lines, after which it is told anew how much of a file is read
LINE = 8  # times the characters of a cell that a line of a table may have: other cells, and escapes
_WIDEST = 4  # bytes of a character in UTF-8


class LongLine(str):
    """The beginning of a line that is longer than lines may be; the rest of it is passed over."""

    __slots__ = ()


def lines_of(
    place: Place,
    encoding: str | None = None,
    *,
    newline: str = "",
    longest: int = LINE * LIMITS.characters,
    on_read: Callable[[int], None] = lambda _: None,
    limits: Limits = LIMITS,
) -> Iterator[str]:
    """Return a file's lines with their ends as they are, decoded as `decode` does; memory holds one line.

    The encoding is settled at once, by reading the whole file. ``newline`` is that of `open`:
    with ``""`` any line end divides, with a line feed only that. A line of more than ``longest``
    characters comes as a `LongLine`. ``on_read`` is told how many bytes of the file were read
    since it was last told.
    """
    codec = encoding_of(Blocks(place, limits), shown(place), encoding)
    return _lines(place, codec, newline, longest, on_read)


def utf8_lines_of(
    place: Place,
    encoding: str | None = None,
    *,
    longest: int = LINE * LIMITS.characters,
    on_read: Callable[[int], None] = lambda _: None,
    limits: Limits = LIMITS,
) -> Iterator[bytes]:
    """Return a file's lines, divided by line feeds, in UTF-8, not decoded where that is the file's encoding.

    Of a line of more than ``longest`` characters there are more than these; else see `lines_of`.
    """
    codec = encoding_of(Blocks(place, limits), shown(place), encoding)
    if codec == "utf-8":
        return _byte_lines(place, longest, on_read)
    found = _lines(place, codec, "\n", longest, on_read)
    return (line.encode("utf-8", "surrogatepass") for line in found)


def _lines(
    place: Place, codec: str, newline: str, longest: int, on_read: Callable[[int], None]
) -> Iterator[str]:
    with opened(place) as (stream, raw):
        told, lines = _Told(raw, on_read), io.TextIOWrapper(stream, encoding=codec, newline=newline)
        lines._CHUNK_SIZE = CHUNK  # type: ignore[attr-defined] # by default 8 KB, in which few lines fit
        while line := lines.readline(longest + 1):
            if len(line) > longest:
                line = LongLine(line)
                _skip_rest(line, lines)
            yield line if told.lines else line.lstrip("\ufeff")
            told.line()
        told.rest()


def _byte_lines(place: Place, longest: int, on_read: Callable[[int], None]) -> Iterator[bytes]:
    most = longest * _WIDEST + 1
    with opened(place) as (stream, raw):
        told = _Told(raw, on_read)
        while line := stream.readline(most):
            if len(line) == most:
                _skip_rest(line, stream)
            while not told.lines and line.startswith(codecs.BOM_UTF8):
                line = line.removeprefix(codecs.BOM_UTF8)
            yield line
            told.line()
        told.rest()


class _Told:
    """Tells, every few lines, how many bytes of a file were read."""

    def __init__(self, raw: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._raw, self._on_read, self._done, self.lines = raw, on_read, 0, 0

    def line(self) -> None:
        """Note that a line was read."""
        self.lines += 1
        if self.lines % TOLD == 0:
            self.rest()

    def rest(self) -> None:
        """Tell of all that was read."""
        at = self._raw.tell()
        if at > self._done:
            self._on_read(at - self._done)
            self._done = at


def _skip_rest(line: AnyStr, lines: IO[AnyStr]) -> None:
    """Pass over the rest of a line that has begun, a piece at a time."""
    ends = ("\n", "\r") if isinstance(line, str) else b"\n"
    while line and not line.endswith(ends):
        line = lines.readline(BLOCK)
