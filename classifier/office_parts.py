"""The parts of an Office file (.docx, .xlsx), which is a zip archive of XML, taken out with care."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from classifier.errors import InputError
from classifier.limits import FREE, MB, Limits, raised

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the older formats of Office, and locked files of today's
_BLOCK = 1 << 20
# Office never declares a document type; entities, which expand, could be declared nowhere else.
_DECLARES = tuple("<!DOCTYPE".encode(codec) for codec in ("ascii", "utf-16-le", "utf-16-be"))
# What zipfile, and those who read parts, raise where an archive is broken or locked
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    RuntimeError,
    OSError,
    ValueError,
    SyntaxError,
)


@contextmanager
def office_parts(data: bytes, name: str, what: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open an Office file whose parts stay within the limits and declare no entities.

    Raises `InputError` for one that does not, that is locked or damaged, or no Office file at all;
    ``what`` says what it should have been. What goes wrong inside the ``with`` counts as damage.
    """
    if data.startswith(_OLE):
        raise InputError(
            f"{name}: locked with a password, or of Office 97", "open it in Office, save it anew"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _refuse_bomb(parts, len(data), name, limits)
            _refuse_entities(parts, name)
            yield parts
    except DAMAGE as error:
        reason = str(error).strip("'\"") or type(error).__name__
        raise InputError(f"{name}: no {what} ({reason.splitlines()[0]:.100})", "save it anew") from None


def _refuse_bomb(parts: zipfile.ZipFile, packed: int, name: str, limits: Limits) -> None:
    """Refuse parts that unpack to too much; a part never yields more than its entry says."""
    whole = sum(part.file_size for part in parts.infolist())
    if whole > limits.unpacked_mb * MB:
        raise InputError(f"{name}: unpacks to more than {limits.unpacked_mb:,} MB", raised("unpacked_mb"))
    if whole > max(FREE, packed * limits.ratio):
        raise InputError(f"{name}: unpacks to more than {limits.ratio} times its size", raised("ratio"))


def _refuse_entities(parts: zipfile.ZipFile, name: str) -> None:
    for part in parts.infolist():
        if part.filename.lower().endswith((".xml", ".rels")):
            before = b""
            with parts.open(part) as stream:
                while block := stream.read(_BLOCK):
                    seen = before + block
                    if any(mark in seen for mark in _DECLARES):
                        raise InputError(
                            f"{name}: {part.filename[:80]} declares a document type, as no Office file does",
                            "do not trust this file; if you do, save it anew in Office",
                        )
                    before = block[-20:]
