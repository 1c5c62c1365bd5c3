"""Reading the bytes of a file and decoding them, whatever encoding they are in."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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

    Nothing but one block is held in memory.
    """
    tries = [_Try(encoding, name)] if encoding is not None else [_Try("utf-8", name), _Try("gb18030", name)]
    for number, block in enumerate(blocks):
        if encoding is None and number == 0:
            tries = next(([_Try(codec, name)] for bom, codec in _BOMS if block.startswith(bom)), tries)
        for one in tries:
            one.feed(block)
    for one in tries:
        one.feed(b"", final=True)
    if tries[0].wrong_at is None:
        return tries[0].encoding
    if tries[1:] and tries[1].wrong_at is None and tries[1].common >= COMMON_SHARE * max(tries[1].han, 1):
        return tries[1].encoding
    if tries[1:]:
        raise InputError(
            f"{name}: neither UTF-8 (byte {tries[0].wrong_at}) nor GB18030",
            "name its encoding: --encoding big5",
        )
    raise InputError(
        f"{name}: not {tries[0].encoding} at byte {tries[0].wrong_at}", "name its encoding with --encoding"
    )


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
        if self.wrong_at is not None:
            return
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
    with opened(path) as stream:
        data: bytes = stream.read(UNPACKED_LIMIT + 1)
        _refuse_bomb(path, len(data))
        return data


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file for reading, unpacked where it is packed; what goes wrong becomes an `InputError`."""
    try:
        with gzip.open(path) if _is_packed(path) else path.open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error})", "fetch or pack the file anew") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == GZIP


def _refuse_bomb(path: Path, unpacked: int) -> None:
    if _is_packed(path) and unpacked > UNPACKED_LIMIT:
        raise InputError(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes", "divide the file")


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, unpacked, a block at a time."""
    unpacked = 0
    with opened(path) as stream:
        while block := stream.read(BLOCK):
            unpacked += len(block)
            _refuse_bomb(path, unpacked)
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
    return _lines(path, encoding_of(blocks_of(path), str(path), encoding), newline, on_read)


def _lines(path: Path, codec: str, newline: str, on_read: Callable[[int], None]) -> Iterator[str]:
    with path.open("rb") as raw, _unpacking(path, raw) as stream:
        done, lines = 0, io.TextIOWrapper(stream, encoding=codec, newline=newline)
        for number, line in enumerate(lines):
            yield line if number else line.removeprefix("\ufeff")
            if raw.tell() > done:
                on_read(raw.tell() - done)
                done = raw.tell()


@contextmanager
def _unpacking(path: Path, raw: BinaryIO) -> Iterator[BinaryIO]:
    if not _is_packed(path):
        yield raw
        return
    with gzip.GzipFile(fileobj=raw) as stream:
        yield io.BufferedReader(stream)


def suffix_of(path: Path) -> str:
    """Return the ending that tells a file's format, in lower case; a ``.gz`` behind it does not count."""
    inner = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return inner.suffix.lower()


def read_text(path: Path, encoding: str | None = None) -> str:
    """Return a file's text, decoded as `decode` does; line ends stay as they are."""
    return decode(read_bytes(path), str(path), encoding)
