"""Reading the bytes of a file and decoding them, whatever encoding they are in."""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from functools import lru_cache
from pathlib import Path

from classifier.errors import InputError
from classifier.segments import HAN
from classifier.yaml_lines import unreadable

GZIP = ".gz"
UNPACKED_LIMIT = 2_000_000_000  # bytes that a .gz file may unpack to
STDIN = "-"
COMMON_SHARE = 0.9  # of the Han characters of a GB18030 file that must be common ones

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
    if encoding is not None:
        return _decode_as(data, name, encoding)
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _decode_as(data[len(bom) :], name, codec, skipped=len(bom))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start
    text = data.decode("gb18030", errors="replace")
    han = HAN.findall(text)
    if "\ufffd" in text or sum(c in _common_characters() for c in han) < COMMON_SHARE * max(len(han), 1):
        raise InputError(
            f"{name}: neither UTF-8 (byte {offset}) nor GB18030", "name its encoding: --encoding big5"
        )
    return text


def _decode_as(data: bytes, name: str, encoding: str, skipped: int = 0) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise InputError(
            f"{name}: no encoding is called '{encoding}'", "such as utf-8, gb18030, big5, utf-16"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not {encoding} at byte {skipped + error.start}", "name its encoding with --encoding"
        ) from None


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; ``-`` is standard input."""
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return _unpacked(path) if path.suffix.lower() == GZIP else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error})", "fetch or pack the file anew") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as stream:
        data = stream.read(UNPACKED_LIMIT + 1)
    if len(data) > UNPACKED_LIMIT:
        raise InputError(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes", "divide the file")
    return data


def suffix_of(path: Path) -> str:
    """Return the ending that tells a file's format, in lower case; a ``.gz`` behind it does not count."""
    inner = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return inner.suffix.lower()


def read_text(path: Path, encoding: str | None = None) -> str:
    """Return a file's text, decoded as `decode` does; line ends stay as they are."""
    return decode(read_bytes(path), str(path), encoding)
