"""What a parser makes of one file: its text, and what is known about it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

EXTRA = 'pip install "fupin-classifier[files]"'  # what brings the parsers

# Control characters that no text means; XML cannot hold them, PDF and web pages can.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_DAYS = (
    re.compile(r"(?<!\d)((?:19|20)\d\d)\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]"),
    re.compile(r"(?<!\d)((?:19|20)\d\d)(?P<mark>[-/.])(\d{1,2})(?P=mark)(\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d\d)([01]\d)([0-3]\d)(?:\d{6})?(?!\d)"),
)


@dataclass(frozen=True)
class Parsed:
    """A document as its parser found it; what is not known is empty.

    Days are ISO 8601. ``date`` is the one that a document itself gives as that of its publication;
    ``file_date`` the one on which its file was saved, by its own account. ``left_out`` holds, in
    words, what of the document could not be read.
    """

    text: str
    title: str = ""
    date: str = ""
    source: str = ""
    url: str = ""
    file_date: str = ""
    left_out: list[str] = field(default_factory=list)


def parsed_from(value: Any) -> Parsed:
    """Return what another process says it has parsed; raises ValueError where it says something else."""
    known = {one.name for one in fields(Parsed)}
    if not isinstance(value, dict) or set(value) != known:
        raise ValueError("no document")
    texts = [v for name, v in value.items() if name != "left_out"] + list(value["left_out"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no document")
    return Parsed(**value)


def cleaned(text: str) -> str:
    r"""Return text without control characters, line ends as line feeds, half surrogate pairs replaced.

    >>> cleaned("\x00扶\x00贫\r\n款\ud83d")
    '扶贫\n款�'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("", whole)


def day_of(text: str) -> str:
    """Return the first day that a text names, as ISO 8601; "" where it names none.

    >>> day_of("发布时间：2019年10月7日 08:15"), day_of("D:20190307101500+08'00'"), day_of("2019年1.2亿元")
    ('2019-10-07', '2019-03-07', '')
    """
    found = [match for pattern in _DAYS for match in pattern.finditer(text)]
    for match in sorted(found, key=lambda m: m.start()):
        year, month, day = (int(part) for part in match.groups() if part not in ("-", "/", "."))
        with suppress(ValueError):  # a 13th month, a 31st of June
            return date(year, month, day).isoformat()
    return ""
