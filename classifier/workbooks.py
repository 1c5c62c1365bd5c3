"""Excel workbooks (.xlsx): the rows of their first sheet, or of all sheets, cells as text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from itertools import chain, dropwhile, islice
from typing import IO, Any

from classifier.cells import REPLACEMENT, SURROGATE, unescaped
from classifier.limits import Limits
from classifier.office_parts import office_parts

_TITLES = 5  # rows above a header, at most
_LONGEST_NAME, _SHORTEST_TITLE = 30, 5  # characters of a column's name, of a table's


def sheet_rows(data: bytes, name: str, limits: Limits) -> Iterator[list[str]]:
    """Yield the rows of a workbook's first sheet, the header first; empty rows are left out.

    So is what stands above the header: the title of the table, when it was compiled and the like.
    Each row has as many cells as the header. Formulas count with the value that Excel last
    saved for them. Raises `InputError` for what is no workbook, or beyond the limits.
    """
    with _opened(data, name, limits) as book:
        cells_of = ([_cell(value) for value in row] for row in book.worksheets[0].values)
        rows = dropwhile(lambda cells: not any(cells), cells_of)
        first = list(islice(rows, _TITLES + 1))
        top = _rows_above_header(first)
        header = _trimmed(first[top] if first else [])
        yield header
        for cells in chain(first[top + 1 :], rows):
            if any(cells):
                yield _as_long(cells, header)


def rows_of_sheets(data: bytes, name: str, limits: Limits) -> Iterator[tuple[str, int, list[str]]]:
    """Yield the rows of all sheets of a workbook: the title of the sheet, the number of the row, its cells.

    The first row of a sheet, whose number is 0, is its header: it is always there, and all others have as
    many cells. Empty rows are left out, and count. Raises `InputError` as `sheet_rows` does.
    """
    with _opened(data, name, limits) as book:
        for sheet in book.worksheets:
            rows = ([_cell(value) for value in row] for row in sheet.values)
            header = _trimmed(next(rows, []))
            yield sheet.title, 0, header
            for number, cells in enumerate(rows, 1):
                if any(cells):
                    yield sheet.title, number, _as_long(cells, header)


def _as_long(cells: Sequence[str], header: Sequence[str]) -> list[str]:
    return [*cells, *[""] * len(header)][: len(header)]


@contextmanager
def _opened(data: bytes, name: str, limits: Limits) -> Iterator[Any]:
    """Open a workbook that stays within the limits."""
    import openpyxl

    with office_parts(data, name, "Excel workbook", limits) as parts:
        del parts
        with _unmeasured(), _unchanged():
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        with _in_order():
            yield book


@contextmanager
def _replaced(owner: Any, name: str, ours: Any) -> Iterator[None]:
    """Have a part of openpyxl replaced for a while."""
    theirs = getattr(owner, name)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        setattr(owner, name, theirs)


def _unmeasured() -> AbstractContextManager[None]:
    """Keep openpyxl from asking how large sheets are.

    What a file says may be a million rows of nothing, and where it says nothing the library goes
    through the whole sheet before it gives the first row.
    """
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    return _replaced(ReadOnlyWorksheet, "_get_size", lambda _: None)


def _in_order() -> AbstractContextManager[None]:
    """Have rows refused whose numbers do not rise: openpyxl passes over them without a word."""
    from openpyxl.worksheet._reader import WorkSheetParser

    theirs = WorkSheetParser.parse

    def rising(parser: Any) -> Iterator[tuple[int, Any]]:
        last = 0
        for number, row in theirs(parser):
            if number <= last:
                raise ValueError(f"row {number} comes after row {last}")
            last = number
            yield number, row

    return _replaced(WorkSheetParser, "parse", rising)


def _unchanged() -> AbstractContextManager[None]:
    """Keep openpyxl from undoing half of what texts are escaped with: ``_x005F_``, but no other."""
    from openpyxl.reader import excel

    return _replaced(excel, "read_string_table", _texts)


def _texts(source: IO[bytes]) -> list[str]:
    """Return the texts that the cells of a workbook share, as they are written."""
    from openpyxl.cell.text import Text
    from openpyxl.xml.constants import SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse

    found = []
    for _, node in iterparse(source):
        if node.tag == f"{{{SHEET_MAIN_NS}}}si":
            found.append(Text.from_tree(node).content)
            node.clear()
    return found


def _rows_above_header(first: Sequence[Sequence[str]]) -> int:
    """Return how many rows stand above the header: those with one cell filled before one with more.

    A row counts as the header where its cells are as short as names of columns are, and differ.
    What is itself as short as such a name is no title: a sheet may have a single column.

    >>> _rows_above_header([["2019年汇总表", ""], ["单位：户", ""], ["标题", "正文"], ["甲", "乙"]])
    2
    >>> _rows_above_header([["正文", ""], ["修路。", ""]]), _rows_above_header([["标题", "正文"]])
    (0, 0)
    """
    for number, row in enumerate(first):
        filled = [cell for cell in row if cell]
        if len(filled) > 1:
            named = len(set(filled)) == len(filled) and max(map(len, filled)) <= _LONGEST_NAME
            title = next(filter(None, first[0]))
            return number if named and len(title) >= _SHORTEST_TITLE and not title.isascii() else 0
    return 0


def _trimmed(header: Sequence[str]) -> list[str]:
    """Return a header without the empty cells at its end."""
    last = max((i for i, name in enumerate(header, 1) if name), default=0)
    return list(header[:last])


def _cell(value: Any) -> str:
    r"""Return a cell as text: whole numbers without a point, dates as ISO 8601, escapes undone.

    >>> _cell(3.0), _cell(None), _cell(date(2019, 10, 17)), _cell("修路_x000D_\n架桥")
    ('3', '', '2019-10-17', '修路\r\n架桥')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = value.isoformat() if isinstance(value, date) else str(value)
    return SURROGATE.sub(REPLACEMENT, unescaped(text))
