"""Fonts of a PDF page whose codes pypdf would take for single bytes, told to it as what they are."""

from __future__ import annotations

import re
from typing import Any

_RANGE = re.compile(rb"<\s*([0-9A-Fa-f\s]+)>\s*<\s*([0-9A-Fa-f\s]+)>")
_RANGES = re.compile(rb"begincodespacerange(.*?)endcodespacerange", re.DOTALL)
# Names of ISO 32000-2, table 116, that pypdf does not know, and the encoding that they share
_ALIASES = {"/GBKp-EUC-H": "/GBK-EUC-H", "/GBKp-EUC-V": "/GBK-EUC-V", "/HKscs-B5-H": "/ETen-B5-H"}


def name_encodings(holder: Any, seen: set[int] | None = None) -> None:
    """Give the fonts of a page, and of the forms on it, encodings by a name that pypdf knows.

    A composite font may bring its encoding as a table of its own. pypdf passes over the table and
    takes each byte for a character, which makes other Chinese of Chinese. What its codes mean
    stands in ``/ToUnicode``, so it is enough to say that they have two bytes.

    Raises ValueError for a table whose codes are not all of two bytes: pypdf cannot read them.
    """
    seen = set() if seen is None else seen
    resources = _entries(_entries(holder).get("/Resources"))
    for font in _entries(resources.get("/Font")).values():
        _name_encoding(_entries(font))
    for form in _entries(resources.get("/XObject")).values():
        inner = _entries(form)
        if inner.get("/Subtype") == "/Form" and id(inner) not in seen:
            seen.add(id(inner))
            name_encodings(inner, seen)


def _entries(value: Any) -> Any:
    """Return what a reference leads to, where that has entries; else nothing."""
    found = value.get_object() if hasattr(value, "get_object") else value
    return found if isinstance(found, dict) else {}


def _name_encoding(font: Any) -> None:
    from pypdf.generic import NameObject, StreamObject

    if font.get("/Subtype") != "/Type0" or "/Encoding" not in font:
        return
    encoding = font["/Encoding"].get_object()
    if isinstance(encoding, StreamObject):
        if _code_lengths(encoding.get_data()) != {2}:
            raise ValueError("codes that are not all of two bytes")
        font[NameObject("/Encoding")] = NameObject("/Identity-H")
    elif encoding in _ALIASES:
        font[NameObject("/Encoding")] = NameObject(_ALIASES[encoding])


def _code_lengths(table: bytes) -> set[int]:
    """Return how many bytes the codes of a table have.

    >>> _code_lengths(b"1 begincodespacerange <0000> <FFFF> endcodespacerange")
    {2}
    """
    ranges = b"".join(_RANGES.findall(table))
    return {len(re.sub(rb"\s", b"", low)) // 2 for low, _ in _RANGE.findall(ranges)}
