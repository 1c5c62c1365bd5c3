"""The sheets of a workbook on which people check segments, and the list of codes they choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifier.cells import CELL, first_units
from classifier.check_sheets import CheckSheet
from classifier.checked_sheets import DECIDED, HEADER, NOTE, PICKED, PROBABILITY, RIGHT, SHOULD_BE, TO_FILL
from classifier.report_tables import Cell, Kind
from classifier.workbook_cells import reference, visible, width
from classifier.workbook_sheets import QUIET, ROW, Book, fitting

_PROMPT, _PROMPT_TITLE = 255, 32  # UTF-16 units that Excel takes
_TO_FILL = "#FFF8DC"
_COLUMNS: Mapping[str, tuple[str, Kind]] = {  # of the sheet → of the frame
    "segment_id": ("segment_id", "id"),
    "text": ("text", "text"),
    "codes": ("codes", "text"),
    PROBABILITY: ("probability", "number"),
    DECIDED: ("decided", "text"),
    PICKED: ("picked", "text"),
    "title": ("title", "text"),
    "doc_id": ("doc_id", "id"),
}
_WIDTHS = {
    "text": 60,
    "codes": 22,
    DECIDED: 26,
    RIGHT: 10,
    SHOULD_BE: 16,
    NOTE: 20,
    PROBABILITY: 15,
    PICKED: 14,
}
_ID_WIDTH = 24
_TALLEST = 20  # lines of a row; Excel takes 409 points


def write_codes(
    book: Book, sheet: Any, contents: str, checks: Sequence[CheckSheet], names: Sequence[str]
) -> str:
    """Write the codes, what they mean and where they are checked; return the cells with the codes.

    ``names`` are those of the sheets for checking, as many as ``checks``.
    """
    texts = book.texts
    top = book.head(sheet, contents, texts["codes_title"], texts["how_check"])
    titles = [texts[t] for t in ("code", "code_title", "definition", "threshold", "given", "listed")]
    book.header(sheet, top, 0, titles[:3])
    book.header(sheet, top, 3, titles[3:], align="right")
    for row, (check, name) in enumerate(zip(checks, names, strict=True), top + 1):
        book.cell(sheet, row, 0, check.code, "id", valign="top")
        book.link(sheet, row, 1, name, check.title, valign="top")
        book.text(sheet, row, 2, check.definition, text_wrap=True, valign="top")
        figures: tuple[tuple[Cell, Kind], ...] = (
            (check.threshold, "number"),
            (check.given, "count"),
            (len(check.frame), "count"),
        )
        for column, (value, kind) in enumerate(figures, 3):
            book.cell(sheet, row, column, value, kind, valign="top")
    for column, cells in enumerate(([c.code for c in checks], [c.title for c in checks])):
        sheet.set_column(column, column, fitting(titles[column], cells))
    sheet.set_column(2, 2, 80)
    sheet.set_column(3, 5, 12)
    sheet.autofilter(top, 0, top + len(checks), len(titles) - 1)
    return f"={reference(sheet.name)}!$A${top + 2}:$A${top + 1 + max(1, len(checks))}"


def write_check(book: Book, sheet: Any, contents: str, check: CheckSheet, codes: str) -> None:
    """Write a sheet for checking: its header is the first row, so that programs can read it.

    ``codes`` are the cells with all codes, as `write_codes` returns them.
    """
    for at, name in enumerate(HEADER):
        book.header(sheet, 0, at, [name], **({"bg_color": "#F6E3A1"} if name in TO_FILL else {}))
    book.link(sheet, 0, len(HEADER), contents, book.texts["back"])
    for at, name in enumerate(HEADER):
        cells = _cells(book, check, name)
        sheet.set_column(at, at, _WIDTHS.get(name) or fitting(name, [str(c) for c in cells], _ID_WIDTH))
        _write_column(book, sheet, at, name, cells)
    _set_heights(sheet, check)
    rows = len(check.frame)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, rows, len(HEADER) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{rows + 1}"})
    sheet.repeat_rows(0)
    book.paper(sheet)
    if rows:
        sheet.data_validation(1, HEADER.index(RIGHT), rows, HEADER.index(RIGHT), _yes_or_no(book, check))
        at = HEADER.index(SHOULD_BE)
        sheet.data_validation(1, at, rows, at, _one_of(book, check, codes))


def _cells(book: Book, check: CheckSheet, name: str) -> list[Any]:
    """Return the cells of a column, of those to fill in the empty ones."""
    if name in TO_FILL:
        return [""] * len(check.frame)
    if name not in _COLUMNS:
        return [check.code] * len(check.frame)
    cells = check.frame[_COLUMNS[name][0]].tolist()
    return [book.texts["picks"][pick] for pick in cells] if name == PICKED else cells


def _write_column(book: Book, sheet: Any, at: int, name: str, cells: Sequence[Any]) -> None:
    kind: Kind = _COLUMNS.get(name, ("", "id"))[1]
    look = {"bg_color": _TO_FILL, "border": 1, "border_color": "#DFE4EA"} if name in TO_FILL else {}
    look |= {"align": "center"} if name == PROBABILITY else {}
    wrap = {"text_wrap": True, "valign": "top", **look, **(QUIET if name == PICKED else {})}
    if name not in TO_FILL:
        book.cells(sheet, 1, at, cells, kind, **wrap)
        return
    blank = book.format(**wrap)
    for row in range(1, len(cells) + 1):
        sheet.write_blank(row, at, None, blank)


def _set_heights(sheet: Any, check: CheckSheet) -> None:
    """Make each row as tall as its texts; not all programs see to it themselves."""
    sheet.set_row_pixels(0, 2 * ROW)
    columns = [(check.frame[_COLUMNS[name][0]], _WIDTHS[name]) for name in ("text", "codes", DECIDED)]
    for row, found in enumerate(zip(*(texts for texts, _ in columns), strict=True), 1):
        tall = max(_lines(text, wide) for text, (_, wide) in zip(found, columns, strict=True))
        sheet.set_row_pixels(row, ROW * tall)


def _lines(text: str, wide: int) -> int:
    """Return how many lines a text takes in a column, `_TALLEST` at most."""
    needed = sum(-(-max(width(line), 1) // (wide - 4)) for line in text[:CELL].split("\n"))
    return min(needed, _TALLEST)


def _yes_or_no(book: Book, check: CheckSheet) -> dict[str, Any]:
    texts = book.texts
    return {
        "validate": "list",
        "source": [texts["yes"], texts["no"]],
        "input_title": _prompt(check.title, _PROMPT_TITLE),
        "input_message": _prompt(f"{texts['right_ask']}\n{check.definition}", _PROMPT),
        "error_message": texts["not_yes_no"],
    }


def _one_of(book: Book, check: CheckSheet, codes: str) -> dict[str, Any]:
    """Return the rule of a column of codes: only where they exclude each other must it be one of the list."""
    texts = book.texts
    return {
        "validate": "list",
        "source": codes,
        "input_message": texts["should_be_ask_one" if check.exclusive else "should_be_ask"],
        "error_type": "stop" if check.exclusive else "warning",
        "error_message": texts["not_listed_one" if check.exclusive else "not_listed"],
    }


def _prompt(text: str, most: int) -> str:
    return first_units(visible(text), most)
