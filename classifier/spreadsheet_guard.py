"""Text that a spreadsheet would take for a formula, guarded by an apostrophe and unguarded again."""

from __future__ import annotations

_FORMULA = tuple("=+-@\t\r＝＋－＠")  # what begins a formula, or is cut off before one


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: where need be with an apostrophe before it.

    >>> guarded("=HYPERLINK(1)"), guarded("医生每月上门。"), guarded("'=1")
    ("'=HYPERLINK(1)", '医生每月上门。', "''=1")
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return text as it was before `guarded`.

    >>> unguarded(guarded("＝1")), unguarded("'天下'")
    ('＝1', "'天下'")
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
