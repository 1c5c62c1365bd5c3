"""The column ``coded`` of a table that people fill in: which of its rows have been coded yet."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from classifier.errors import InputError

CODED = "coded"
YES = ("1", "yes", "是", "x")


def is_coded(value: Any, place: str) -> bool:
    """Return whether a cell of the column ``coded`` says that its row has been coded.

    1, yes, 是 and x (in either width and case) and a true value say so; an empty cell says: not yet.
    Raises `InputError` for anything else.

    >>> is_coded("是", "第3行"), is_coded("", "第4行")
    (True, False)
    """
    if isinstance(value, bool):
        return value
    text = "" if value is None or value != value else str(value).strip()  # noqa: PLR0124 - not a number
    mark = unicodedata.normalize("NFKC", text).lower().removesuffix(".0")
    if mark and mark not in YES:
        raise InputError(
            f"{place}: '{CODED}' is '{text}'",
            f"write one of {', '.join(YES)}, or leave the cell empty: not coded yet",
        )
    return bool(mark)


def counts_as_coded(row: Mapping[str, Any], codes: Sequence[str], place: str) -> bool:
    """Return whether a row has been coded: it says so, or has codes, or its table has no such column.

    >>> counts_as_coded({"coded": ""}, (), "第3行"), counts_as_coded({"coded": ""}, ("health",), "第3行")
    (False, True)
    """
    return CODED not in row or is_coded(row[CODED], place) or bool(codes)
