"""Reading the bytes of a file and decoding them, whatever encoding they are in."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from classifier.errors import InputError
from classifier.segments import HAN
from classifier.yaml_lines import unreadable

GZIP = ".gz"
UNPACKED_LIMIT = 2_000_000_000  # bytes that a .gz file may unpack to
STDIN = "-"
COMMON_SHARE = 0.9  # of the Han characters of a GB18030 file that must be common ones

BLOCK = 1 << 20  # bytes read at a time
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@lru_cache(maxsize=1)
def _common_characters() -> frozenset[str]:
    """Return the 3,755 common characters of GB/T 2312 level 1 (rows 16 to 55)."""
    pairs = (bytes([row + 0xA0, cell + 0xA0]) for row in range(16, 56) for cell in range(1, 95))
    return frozenset(pair.decode("gb2312", errors="ignore") for pair in pairs) - {""}


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Decode bytes by their BOM, else as strict UTF-8, else as GB18030 that looks like Chinese.

    Big5 decodes as GB18030 without an error, into rare characters; so GB18030 is
    believed only where 90 % of the Han characters are common ones.

    Raises `InputError` with the byte offset where none of these fits.

    >>> decode("易地搬迁".encode("gb18030"), "旧.txt")
    '易地搬迁'
    """
    return data.decode(encoding_of([data], name, encoding)).removeprefix("\ufeff")


def encoding_of(blocks: Iterable[bytes], name: str, encoding: str | None = None) -> str:
    """Return the encoding that `decode` takes for bytes that come in blocks; a BOM is left in the text.

    Nothing but one block is held in memory. ``blocks`` are gone through once more, for
    GB18030, where they are not UTF-8.
    """
    if encoding is None:
        start = next(iter(blocks), b"")
        encoding = next((codec for bom, codec in _BOMS if start.startswith(bom)), None)
    first = _tried(blocks, name, encoding or "utf-8")
    if first.wrong_at is None:
        return first.encoding
    if encoding is not None:
        raise InputError(
            f"{name}: not {first.encoding} at byte {first.wrong_at}", "name its encoding with --encoding"
        )
    second = _tried(blocks, name, "gb18030")
    if second.wrong_at is None and second.common >= COMMON_SHARE * max(second.han, 1):
        return second.encoding
    raise InputError(
        f"{name}: neither UTF-8 (byte {first.wrong_at}) nor GB18030", "name its encoding: --encoding big5"
    )


def _tried(blocks: Iterable[bytes], name: str, encoding: str) -> _Try:
    """Try an encoding on blocks, up to the first wrong byte."""
    one = _Try(encoding, name)
    for block in blocks:
        one.feed(block)
        if one.wrong_at is not None:
            return one
    one.feed(b"", final=True)
    return one


class _Try:
    """One encoding tried on bytes block by block: the first wrong byte, and how common its characters are."""

    def __init__(self, encoding: str, name: str) -> None:
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        except LookupError:
            raise InputError(
                f"{name}: no encoding is called '{encoding}'", "such as utf-8, gb18030, big5, utf-16"
            ) from None
        self.encoding, self.read, self.han, self.common = encoding, 0, 0, 0
        self.wrong_at: int | None = None

    def feed(self, block: bytes, *, final: bool = False) -> None:
        waiting = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, final)
        except UnicodeDecodeError as error:
            self.wrong_at = self.read - waiting + error.start
            return
        self.read += len(block)
        if self.encoding == "gb18030":
            han = HAN.findall(text)
            self.han += len(han)
            self.common += sum(c in _common_characters() for c in han)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; ``-`` is standard input."""
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    with opened(path) as (stream, _):
        data: bytes = stream.read(UNPACKED_LIMIT + 1)
        _refuse_bomb(path, len(data))
        return data


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, BinaryIO]]:
    """Open a file for reading: a stream, unpacked where the file is packed, and the file itself.

    What goes wrong, then or later, becomes an `InputError`.
    """
    try:
        with path.open("rb") as raw:
            if not _is_packed(path):
                yield raw, raw
                return
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream, raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error})", "fetch or pack the file anew") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == GZIP


def _refuse_bomb(path: Path, unpacked: int) -> None:
    if _is_packed(path) and unpacked > UNPACKED_LIMIT:
        raise InputError(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes", "divide the file")


@dataclass(frozen=True)
class Blocks:
    """A file's bytes, unpacked, a block at a time, each time they are gone through."""

    path: Path

    def __iter__(self) -> Iterator[bytes]:
        """Read the file from its start."""
        unpacked = 0
        with opened(self.path) as (stream, _):
            while block := stream.read(BLOCK):
                unpacked += len(block)
                _refuse_bomb(self.path, unpacked)
                yield block


def lines_of(
    path: Path,
    encoding: str | None = None,
    *,
    newline: str = "",
    on_read: Callable[[int], None] = lambda _: None,
) -> Iterator[str]:
    """Return a file's lines with their ends as they are, decoded as `decode` does; memory holds one line.

    The encoding is settled at once, by reading the whole file. ``newline`` is that of `open`:
    with ``""`` any line end divides, with a line feed only that. ``on_read`` is told how many
    bytes of the file were read since it was last told.
    """
    return _lines(path, encoding_of(Blocks(path), str(path), encoding), newline, on_read)


def _lines(path: Path, codec: str, newline: str, on_read: Callable[[int], None]) -> Iterator[str]:
    with opened(path) as (stream, raw):
        done, lines = 0, io.TextIOWrapper(stream, encoding=codec, newline=newline)
        for number, line in enumerate(lines):
            yield line if number else line.removeprefix("\ufeff")
            if raw.tell() > done:
                on_read(raw.tell() - done)
                done = raw.tell()


def suffix_of(path: Path) -> str:
    """Return the ending that tells a file's format, in lower case; a ``.gz`` behind it does not count."""
    inner = path.with_suffix("") if _is_packed(path) else path
    return inner.suffix.lower()


def read_text(path: Path, encoding: str | None = None) -> str:
    """Return a file's text, decoded as `decode` does; line ends stay as they are."""
    return decode(read_bytes(path), str(path), encoding)
