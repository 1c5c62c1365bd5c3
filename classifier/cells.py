"""What a cell of a table can hold: what is empty, how long it may be, characters, and what was changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = Sequence[Any] | NDArray[Any]
Columns = Mapping[str, Column]
CELL = 32_767  # UTF-16 units in a cell; "Excel specifications and limits", Microsoft
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

SURROGATE = re.compile("[\ud800-\udfff]")  # half a pair: no file of text can hold it
# XML 1.0, section 2.2, names none of these a character, and section 2.11 makes a line feed of \r.
_NOT_IN_XML = "\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff"
# An underscore that what follows it would turn into the beginning of an escape is escaped itself.
_TO_ESCAPE = re.compile(f"[{_NOT_IN_XML}]|_(?=x[0-9A-Fa-f]{{4}}[_{_NOT_IN_XML}])")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_NEVER_MISSING = {str, int, bool, type(None)}


@dataclass(frozen=True)
class Changes:
    """How many cells were changed, and in what way; one cell can be changed in several."""

    cells: int = 0
    guarded: int = 0
    replaced: int = 0
    cut: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def told(
        self,
        guarded: str = "began like a formula",
        replaced: str = "held control characters or marks of direction",
    ) -> Iterator[str]:
        """Yield the line to tell the user, where there is anything to tell.

        >>> list(Changes(cells=2, guarded=1, replaced=1).told())
        ['2 cells changed: 1 began like a formula, 1 held control characters or marks of direction']
        """
        ways = {
            guarded: self.guarded,
            replaced: self.replaced,
            f"longer than {CELL:,} characters": self.cut,
        }
        if self.cells:
            counted = ", ".join(f"{n:,} {way}" for way, n in ways.items() if n)
            yield f"{self.cells:,} {'cell' if self.cells == 1 else 'cells'} changed: {counted}"


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: None, not a number, or no time."""
    if value is None or type(value).__name__ == "NAType":  # pandas's own, which pandas alone can name
        return True
    return not isinstance(value, str | list | dict) and bool(value != value)  # noqa: PLR0124


def is_numeric(values: Column) -> bool:
    """Return whether a column is an array that holds nothing but numbers, or yes and no."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "biuf"


def plain(values: Column) -> list[Any]:
    """Return a column as plain Python values, None where a cell is empty.

    >>> plain(np.array([0.5, np.nan])), plain(["修路", float("nan"), 3])
    ([0.5, None], ['修路', None, 3])
    """
    if isinstance(values, np.ndarray):
        cells = values.tolist()
        if values.dtype.kind in "iub" or (values.dtype.kind == "f" and not np.isnan(values).any()):
            return list(cells)
    else:
        cells = list(values)
        if set(map(type, cells)) <= _NEVER_MISSING:
            return cells
    return [None if is_missing(value) else value for value in cells]


def as_text(value: Any) -> str:
    """Return what is neither text nor number as the text of a cell: lists and mappings as JSON, None as "".

    >>> as_text(["一"]), as_text(None), as_text("二")
    ('["一"]', '', '二')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def units(text: str) -> int:
    """Return how long a text is as Excel counts: in UTF-16 units.

    >>> units("𠮷好")
    3
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def first_units(text: str, most: int) -> str:
    """Return the beginning of a text, of so many UTF-16 units at most; no character is cut in two.

    >>> first_units("𠮷𠮷", 3)
    '𠮷'
    """
    whole = text.encode("utf-16-le", "surrogatepass")
    end = 2 * max(most, 0)
    if len(whole) > end > 0 and 0xD8 <= whole[end - 1] <= 0xDB:  # the first half of a character
        end -= 2
    return whole[:end].decode("utf-16-le", "surrogatepass")


def cut(text: str, mark: str) -> str:
    """Return a text that a cell can hold: where it is too long its beginning, with a mark at the end."""
    if len(text) <= CELL // 2 or units(text) <= CELL:
        return text
    return first_units(text, CELL - units(mark)) + mark


def escaped(text: str) -> str:
    r"""Return a text that XML can hold, as Excel writes it: ``_x`` and four digits for what it cannot.

    What looks like such an escape is escaped too. Source: ECMA-376, part 1, section 22.9.2.19, ST_Xstring.

    >>> escaped("扶贫\x08款"), escaped("_x0041_")
    ('扶贫_x0008_款', '_x005F_x0041_')
    """
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    r"""Return a text as it was before `escaped`.

    >>> unescaped("一_x000D_\n_x005F_x0041_")
    '一\r\n_x0041_'
    """
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
