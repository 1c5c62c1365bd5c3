"""Excel workbooks (.xlsx): the rows of their first sheet, cells as text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from classifier.limits import Limits
from classifier.office_parts import office_parts

_HALF = re.compile("[\ud800-\udfff]")  # half a surrogate pair, as an escape in a cell can spell it


def sheet_rows(data: bytes, name: str, limits: Limits) -> Iterator[list[str]]:
    """Yield the rows of a workbook's first sheet, the header first; empty rows are left out.

    Each row has as many cells as the header. Formulas count with the value that Excel last
    saved for them. Raises `InputError` for what is no workbook, or beyond the limits.
    """
    import openpyxl

    with office_parts(data, name, "Excel workbook", limits) as parts:
        del parts
        with _unmeasured():
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = ([_cell(value) for value in row] for row in book.worksheets[0].values)
        header = _trimmed(next(rows, []))
        yield header
        for cells in rows:
            if any(cells):
                yield [*cells, *[""] * len(header)][: len(header)]


@contextmanager
def _unmeasured() -> Iterator[None]:
    """Keep openpyxl from asking how large sheets are.

    What a file says may be a million rows of nothing, and where it says nothing the library goes
    through the whole sheet before it gives the first row.
    """
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    measure = ReadOnlyWorksheet._get_size
    ReadOnlyWorksheet._get_size = lambda _: None
    try:
        yield
    finally:
        ReadOnlyWorksheet._get_size = measure


def _trimmed(header: Sequence[str]) -> list[str]:
    """Return a header without the empty cells at its end."""
    last = max((i for i, name in enumerate(header, 1) if name), default=0)
    return list(header[:last])


def _cell(value: Any) -> str:
    """Return a cell as text: whole numbers without a point, dates as ISO 8601.

    >>> _cell(3.0), _cell(None), _cell(date(2019, 10, 17))
    ('3', '', '2019-10-17')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = value.isoformat() if isinstance(value, date) else str(value)
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)
