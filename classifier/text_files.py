"""Reading the bytes of a file and decoding them, whatever encoding they are in."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from classifier.errors import InputError
from classifier.inert_text import on_one_line
from classifier.limits import FREE, LIMITS, MB, Limits, raised
from classifier.segments import HAN

GZIP = ".gz"
STDIN = "-"
COMMON_SHARE = 0.9  # of the Han characters of a GB18030 file that must be common ones

BLOCK = 1 << 16  # bytes read at a time: what they become stays in the cache
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before the next one, with which it begins
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
)
# What pages mean by the names that they declare, as browsers read them
_WIDER = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "x-gbk"), ("gb18030",)),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5"), ("big5", "big5hkscs", "cp950")),
}
# The encodings that browsers know (https://encoding.spec.whatwg.org/#names-and-labels), as Python names
# them. Python knows others that no page is in, and that take hours (punycode) or raise other errors (idna).
_OF_PAGES = re.compile(
    "utf-8|utf-16(-[bl]e)?|ascii|gb2312|gbk|gb18030|hz|big5(hkscs)?|cp950|euc_(jp|kr)|shift_jis|iso2022_jp"
    "|cp(866|874|932|949|125[0-8])|iso8859-[0-9]{1,2}|koi8-[ru]|mac-(roman|cyrillic)|tis-620"
)
_OF_NO_FILE = ("idna", "punycode", "undefined")  # codecs for names of hosts, and for none


@lru_cache(maxsize=1)
def _common_characters() -> frozenset[str]:
    """Return the 3,755 common characters of GB/T 2312 level 1 (rows 16 to 55)."""
    pairs = (bytes([row + 0xA0, cell + 0xA0]) for row in range(16, 56) for cell in range(1, 95))
    return frozenset(pair.decode("gb2312", errors="ignore") for pair in pairs) - {""}


def common_share(text: str) -> float:
    """Return the share of common characters among the Chinese ones of a text; 1 where it has none.

    >>> common_share("易地搬迁"), common_share("巒龘龘龘")
    (1.0, 0.0)
    """
    han, common = len(text) - len(HAN.sub("", text)), _common_characters()
    return sum(c in common for c in text) / han if han else 1.0


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Decode bytes by their BOM, else as strict UTF-8, else as GB18030 that looks like Chinese.

    Big5 decodes as GB18030 without an error, into rare characters; so GB18030 is
    believed only where 90 % of the Han characters are common ones.

    Raises `InputError` with the byte offset where none of these fits.

    >>> decode("易地搬迁".encode("gb18030"), "旧.txt")
    '易地搬迁'
    """
    return data.decode(encoding_of([data], name, encoding)).lstrip("\ufeff")


def decode_page(data: bytes, name: str, declared: str | None, encoding: str | None = None) -> str:
    """Decode a web page as `decode` does; where that fails, in the encoding that the page declares.

    A page that calls its Chinese encoding by the name of a smaller one is read all the same.

    >>> decode_page("扶貧".encode("big5"), "頁.html", "big5")
    '扶貧'
    """
    try:
        return decode(data, name, encoding)
    except InputError:
        if encoding is not None or declared is None or declared.startswith("utf"):
            raise
        for codec in _WIDER.get(declared, (declared,)):
            with suppress(UnicodeDecodeError, LookupError, ValueError):  # the last for a NUL in its name
                if _OF_PAGES.fullmatch(codecs.lookup(codec).name):
                    return data.decode(codec)
        raise


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
            if codecs.lookup(encoding).name in _OF_NO_FILE:
                raise LookupError
            with suppress(UnicodeError):
                b"ab".decode(encoding)  # unlike a decoder it refuses what makes no text, such as zip
            self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        except (LookupError, ValueError):  # ValueError: a NUL in the name
            raise InputError(
                f"{name}: no encoding is called '{encoding}'", "such as utf-8, gb18030, big5, utf-16"
            ) from None
        self.encoding, self.read, self.han, self.common = encoding, 0, 0, 0
        self.wrong_at: int | None = None

    def feed(self, block: bytes, *, final: bool = False) -> None:
        waiting = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, final)
        except UnicodeError as error:  # that of a missing mark names no place: it is the beginning
            self.wrong_at = self.read - waiting + getattr(error, "start", 0)
            return
        self.read += len(block)
        if self.encoding == "gb18030":
            han = HAN.findall(text)
            self.han += len(han)
            self.common += sum(c in _common_characters() for c in han)


@dataclass(frozen=True)
class Held:
    """A file of an archive, held in memory: its name as shown, behind that of the archive, and its bytes."""

    path: PurePosixPath
    data: bytes

    @property
    def name(self) -> str:
        """Its name without those of folders and archives."""
        return self.path.name

    def __str__(self) -> str:
        return str(self.path)


Place = Path | Held


def read_bytes(place: Place, limits: Limits = LIMITS) -> bytes:
    """Return a file's bytes; ``-`` is standard input.

    Raises `InputError` for more of them than a file that is read whole may have.
    """
    most = limits.file_mb * MB
    if str(place) == STDIN:
        if sys.stdin is None:  # as Python has it where the shell closed it: <&-
            raise InputError(f"{STDIN}: standard input is closed", "name a file, or pipe a text in")
        data = sys.stdin.buffer.read(most + 1)
    else:
        with opened(place) as (stream, _):
            data = stream.read(most + 1)
    _refuse_bomb(place, len(data), limits)
    if len(data) > most:
        raise InputError(f"{shown(place)}: larger than {limits.file_mb:,} MB", raised("file_mb"))
    return bytes(data)


def decoded_name(name: str) -> str:
    """Return the name of a file as text, also where its bytes are GB18030 or nothing known."""
    raw = os.fsencode(name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace")


def shown(place: Place) -> str:
    """Return the name of a file for messages: as text, on one line, without what a terminal would obey."""
    return on_one_line(decoded_name(str(place)))


def refused(place: Place, error: OSError) -> InputError:
    """Return the error for a file that the system will not let us read."""
    reason = str(error.strerror or error).strip() or type(error).__name__  # Arrow's have more lines
    return InputError(f"{shown(place)}: {reason.splitlines()[0]}", "check the path and its permissions")


@contextmanager
def opened(place: Place) -> Iterator[tuple[Any, BinaryIO]]:
    """Open a file for reading: a stream, unpacked where the file is packed, and the file itself.

    What goes wrong, then or later, becomes an `InputError`.
    """
    try:
        with _raw(place) as raw:
            if not _is_packed(place):
                yield raw, raw
                return
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream, raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(
            f"{shown(place)}: damaged gzip file ({error})", "fetch or pack the file anew"
        ) from None
    except UnicodeDecodeError:  # but it was settled, going through the file, how it is to be decoded
        raise changed(shown(place)) from None
    except OSError as error:
        raise refused(place, error) from None


def changed(name: str) -> InputError:
    """Return the error of a file that is no longer what it was when its encoding was settled."""
    return InputError(f"{name}: changed while it was read", "read it when nobody writes it")


def _raw(place: Place) -> BinaryIO:
    return io.BytesIO(place.data) if isinstance(place, Held) else place.open("rb")


def _is_packed(place: Place) -> bool:
    return place.name.lower().endswith(GZIP)


def _refuse_bomb(place: Place, unpacked: int, limits: Limits) -> None:
    if not _is_packed(place):
        return
    if unpacked > limits.unpacked_mb * MB:
        raise InputError(
            f"{shown(place)}: unpacks to more than {limits.unpacked_mb:,} MB", raised("unpacked_mb")
        )
    if unpacked > max(FREE, limits.ratio * size_in_bytes(place)):
        raise InputError(
            f"{shown(place)}: unpacks to more than {limits.ratio} times its size", raised("ratio")
        )


def size_in_bytes(place: Place) -> int:
    """Return the size of a file as it lies there; 0 where it cannot be had."""
    if isinstance(place, Held):
        return len(place.data)
    try:
        return place.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class Blocks:
    """A file's bytes, unpacked, a block at a time, each time they are gone through."""

    place: Place
    limits: Limits = LIMITS

    def __iter__(self) -> Iterator[bytes]:
        """Read the file from its start."""
        unpacked = 0
        with opened(self.place) as (stream, _):
            while block := stream.read(BLOCK):
                unpacked += len(block)
                _refuse_bomb(self.place, unpacked, self.limits)
                yield block


def suffix_of(place: Place) -> str:
    """Return the ending that tells a file's format, in lower case; a ``.gz`` behind it does not count."""
    name = place.name[: -len(GZIP)] if _is_packed(place) else place.name
    return Path(name).suffix.lower()


def read_text(place: Place, encoding: str | None = None, limits: Limits = LIMITS) -> str:
    """Return a file's text, decoded as `decode` does; line ends stay as they are."""
    return decode(read_bytes(place, limits), shown(place), encoding)
