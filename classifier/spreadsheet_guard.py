"""Text that a spreadsheet would take for a formula, guarded by an apostrophe and unguarded again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

GUARDED = (".csv", ".tsv", ".xlsx")  # formats whose cells a spreadsheet may take for formulas
_OURS = "segment_id"  # a column that the tables have which fupin writes

# What is not seen, and what a program may take off before it looks for a sign: white space of all
# kinds, control characters, characters without width.
_UNSEEN = r"\s\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_SIGNS = r"=+\-@＝＋－＠"
# Apostrophes come first, so that one more or less changes nothing. A tab or line end alone is enough:
# pasted, it moves what follows into a cell of its own.
_LIVE = re.compile(rf"'*(?:[\t\r\n]|[{_UNSEEN}]*[{_SIGNS}])")
_FIRST = re.compile(rf"['{_UNSEEN}{_SIGNS}]")
# What begins with a sign and is none the less no formula to any spreadsheet: see `guarded_texts`.
_NEGATIVE = re.compile(r"-(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?)?", re.ASCII)


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: where need be with an apostrophe before it.

    White space, control characters and characters without width before a sign do not hide it.
    Source: "CSV Injection", OWASP; LibreOffice 7.4 and Excel on what they take for formulas.

    >>> guarded("=HYPERLINK(1)"), guarded("医生每月上门。"), guarded("'=1")
    ("'=HYPERLINK(1)", '医生每月上门。', "''=1")
    """
    return f"'{text}" if _LIVE.match(text) else text


def unguarded(text: str) -> str:
    """Return text as it was before `guarded`.

    >>> unguarded(guarded("＝1")), unguarded("'天下'")
    ('＝1', "'天下'")
    """
    return text[1:] if text.startswith("'") and _LIVE.match(text) else text


def guarded_texts(texts: Sequence[str]) -> Sequence[str]:
    """Return the texts of a column, guarded where need be; the same object where none need be.

    A negative number, or a hyphen alone, is left as it is: spreadsheets take it for what it is, and
    guarded it would be a number no more.

    >>> guarded_texts(["-5.2", "-", "-1+1", "修路"])
    ['-5.2', '-', "'-1+1", '修路']
    """
    if not any(map(_FIRST.match, {text[:1] for text in texts})):
        return texts
    found = [text if _NEGATIVE.fullmatch(text) else guarded(text) for text in texts]
    return texts if found == texts else found


def unguarded_row(row: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Return a row as it was before fupin guarded it; a row of a table that fupin did not write as it is.

    >>> unguarded_row({"segment_id": "甲#0", "text": "'=1"}, ".csv")
    {'segment_id': '甲#0', 'text': '=1'}
    >>> unguarded_row({"text": "'@村医'，他说。"}, ".csv")
    {'text': "'@村医'，他说。"}
    """
    if suffix not in GUARDED or _OURS not in row:
        return row
    return {unguarded(k): unguarded(v) if isinstance(v, str) else v for k, v in row.items()}
