"""A report as an Excel workbook: a cover, a sheet a table with its picture, and a sheet a code to check.

The sheets for checking can be filled in and read back with `read_checked`. Saved on its own as CSV,
such a sheet has the columns ``segment_id``, ``doc_id``, ``text`` and ``codes`` as `fupin label`
writes them (``codes`` as the machine gave them), so that `fupin agree` and `fupin train` read it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.cells import Changes
from classifier.check_sheets import CheckSheet
from classifier.report_tables import Report, Table
from classifier.report_texts import cell_text
from classifier.whole_file import whole_file
from classifier.workbook_cells import lines, sheet_names, visible
from classifier.workbook_check_sheets import write_check, write_codes
from classifier.workbook_pictures import (
    COLOURED,
    HEIGHT_OF_LINES,
    Block,
    bars,
    heat,
    kind_of,
    line_chart,
    turned,
    with_error_bars,
)
from classifier.workbook_sheets import HEADER, QUIET, ROW, Book, fitting

_ABOUT = 84  # width of the cover's texts
_BLOCK_WIDEST = 13  # column of a block, but the first
_TABS = {"table": "#5B8DB8", "check": "#E0B84C"}


@dataclass(frozen=True)
class _Entry:
    """A line of the contents: a sheet, what it shows, how many rows, and the cell of its picture."""

    name: str
    title: str
    rows: int
    picture: str = ""


def write_workbook(report: Report, out: Path, checks: Sequence[CheckSheet] = ()) -> Changes:
    """Write a report as an Excel workbook, whole or not at all; see `to_xlsx`.

    Raises `OutputError` where the place cannot be written, or XlsxWriter is not installed.
    """
    content, changes = to_xlsx(report, checks)
    with whole_file(out) as stream:
        stream.buffer.write(content)
    return changes


def to_xlsx(report: Report, checks: Sequence[CheckSheet] = ()) -> tuple[bytes, Changes]:
    """Return a report as an Excel workbook, and how many cells hold changed text.

    No cell holds a formula. The same report is the same bytes.

    Parameters
    ----------
    report : Report
    checks : sequence of CheckSheet
        A sheet for each, for checking by hand; and if there are any, one with the codes.
    """
    book = Book(report.lang, report.heading)
    names = _names(book, report, checks)
    sheets = [book.file.add_worksheet(name) for name in names]
    contents, n = names[0], len(report.tables)
    tables = [
        _table_sheet(book, sheet, contents, table)
        for sheet, table in zip(sheets[1:], report.tables, strict=False)
    ]
    if checks:
        codes = write_codes(book, sheets[n + 1], contents, checks, names[n + 2 :])
        for sheet, check in zip(sheets[n + 2 :], checks, strict=True):
            write_check(book, sheet, contents, check, codes)
            sheet.set_tab_color(_TABS["check"])
        sheets[n + 1].set_tab_color(_TABS["check"])
    _cover(book, sheets[0], report, tables, _check_entries(book, checks, names[n + 1 :]))
    return book.finished(), book.safe.changes


def _names(book: Book, report: Report, checks: Sequence[CheckSheet]) -> tuple[str, ...]:
    """Return the names of all sheets: the contents, the tables, the codes and the sheets for checking."""
    tabs, schemes = book.texts["tabs"], {scheme.name: scheme.title for scheme in report.schemes}
    tables = (
        f"{tabs[table.topic]} {schemes.get(table.scheme or '', table.scheme or '')}"
        for table in report.tables
    )
    codes = (tabs["codes"], *(f"{tabs['check']} {check.title}" for check in checks)) if checks else ()
    return sheet_names((book.texts["contents"], *tables, *codes))


def _check_entries(book: Book, checks: Sequence[CheckSheet], names: Sequence[str]) -> list[_Entry]:
    if not checks:
        return []
    title = book.texts["check_title"]
    return [
        _Entry(names[0], book.texts["codes_title"], len(checks)),
        *(
            _Entry(name, title.format(title=check.title), len(check.frame))
            for name, check in zip(names[1:], checks, strict=True)
        ),
    ]


# --- tables ---


def _table_sheet(book: Book, sheet: Any, contents: str, table: Table) -> _Entry:
    """Write a table and its picture."""
    own = len(table.for_people.columns)
    table = with_error_bars(table.for_people, book.texts)
    top = book.head(sheet, contents, table.title, table.note)
    last = top + len(table.rows)
    for at, (column, kind) in enumerate(zip(table.columns, table.kinds, strict=True)):
        # Text stands clear of the figures to its left; of numbers, the ends of intervals are quiet.
        words = kind in ("text", "id", "flag")
        side = {"indent": int(at > 0)} if words else {"align": "right"}
        look = side if words else QUIET if column.kind in ("low", "high") or at >= own else {}
        book.header(sheet, top, at, [column.title], **side)
        cells = [row[at] for row in table.rows]
        book.cells(sheet, top + 1, at, cells, kind, **look)
        shown = [cell_text(value, kind, book.words) for value in cells]
        sheet.set_column(at, at, fitting(column.title, shown))
    sheet.set_row_pixels(top, 2 * ROW)
    sheet.autofilter(top, 0, last, len(table.columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    sheet.set_tab_color(_TABS["table"])
    picture = _picture(book, sheet, table, top)
    return _Entry(sheet.name, table.title, len(table.rows), picture)


def _picture(book: Book, sheet: Any, table: Table, top: int) -> str:
    """Draw the picture of a table to its right; return its cell, empty where there is nothing to draw."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    if table.picture is None:
        return ""
    if all(value is None for value in table.values(table.picture.value)):
        return ""
    left = len(table.columns) + 1
    draw = {"bars": _bars, "lines": _lines, "heat": _heat}[table.picture.kind]
    draw(book, sheet, table, top, left)
    return str(xl_rowcol_to_cell(top, left))


def _bars(book: Book, sheet: Any, table: Table, top: int, left: int) -> None:
    if table.picture is not None and table.picture.low:
        book.text(sheet, top, left, book.texts["interval"], valign="vcenter", **QUIET)
    chart = bars(book.file, sheet.name, table, top)
    _insert(sheet, top + 1, left, chart, table.title)


def _lines(book: Book, sheet: Any, table: Table, top: int, left: int) -> None:
    block = turned(table)
    few = len(block.labels) <= COLOURED
    caption = book.texts["all_lines" if few else "strongest_lines"].format(n=COLOURED)
    book.text(sheet, top, left, caption, valign="vcenter", **QUIET)
    below = top + 2 + HEIGHT_OF_LINES // ROW + 1
    _block(book, sheet, table, block, (below, left))
    chart = line_chart(book.file, sheet.name, table, block, (below, left))
    _insert(sheet, top + 1, left, chart, table.title)


def _heat(book: Book, sheet: Any, table: Table, top: int, left: int) -> None:
    block = turned(table)
    _block(book, sheet, table, block, (top, left))


def _block(book: Book, sheet: Any, table: Table, block: Block, corner: tuple[int, int]) -> None:
    """Write a block with its colours: labels down, the other axis across."""
    top, left = corner
    titles = {column.name: column.title for column in table.columns}
    picture, kind = table.picture, kind_of(table)
    if picture is None:
        return
    book.header(sheet, top, left, [titles[picture.label]])
    book.header(sheet, top, left + 1, block.across, align="right")
    for row, label in enumerate(block.labels, top + 1):
        book.text(sheet, row, left, label, **{**HEADER, "text_wrap": False, "bottom": 0})
        for column, value in enumerate(block.row(label), left + 1):
            book.cell(sheet, row, column, value, kind)
    bottom, right = top + len(block.labels), left + len(block.across)
    sheet.conditional_format(top + 1, left + 1, bottom, right, heat())
    sheet.set_column(left, left, fitting(titles[picture.label], block.labels, 36))
    for column, name in enumerate(block.across, left + 1):
        sheet.set_column(column, column, fitting(name, (), _BLOCK_WIDEST))
    caption = book.texts["heat"].format(value=titles[picture.value])
    book.text(sheet, bottom + 1, left, caption, **QUIET)


def _insert(sheet: Any, row: int, column: int, chart: Any, about: str) -> None:
    """Put a chart on a sheet; filters that hide rows do not press it together."""
    options = {"object_position": 3, "x_offset": 2, "y_offset": 4, "description": visible(about)}
    sheet.insert_chart(row, column, chart, options)


# --- the cover ---


def _cover(
    book: Book, sheet: Any, report: Report, tables: Sequence[_Entry], checks: Sequence[_Entry]
) -> None:
    """Write the first sheet: what every reader must know, and the contents."""
    first = fitting("", [entry.name for entry in (*tables, *checks)])
    sheet.hide_gridlines(2)
    for column, wide in enumerate((first, _ABOUT, 8, 8)):
        sheet.set_column(column, column, wide)
    book.text(sheet, 0, 0, report.heading, bold=True, font_size=18)
    row = _about(book, sheet, report, bool(checks))
    parts = [
        (heading, [e for e, t in zip(tables, report.tables, strict=True) if t.topic == topic])
        for topic, heading in report.parts.items()
    ]
    end = _contents(book, sheet, row + 2, [*parts, (book.texts["check_part"], list(checks))])
    changes = book.safe.changes
    how = book.texts["changed"].format(**vars(changes)) if changes.cells else book.texts["unchanged"]
    _pair(book, sheet, row, book.texts["cells"], how)
    book.paper(sheet)
    sheet.print_area(0, 0, end, 3)
    sheet.activate()


def _about(book: Book, sheet: Any, report: Report, has_checks: bool) -> int:
    """Write what the report is of, and what to know; return the next row."""
    words, texts = book.words, book.texts
    pairs = [
        (words["source"], report.source),
        (words["compared_with"], report.against),
        (words["codebook"], report.codebook),
        (texts["about"], words["between"].join((report.about, words["intervals"]))),
        (texts["use"], texts["how"]),
        (texts["check_part"] if has_checks else "", texts["how_check"] if has_checks else ""),
    ]
    row = 1
    for label, text in pairs:
        if text:
            _pair(book, sheet, row, label, text)
            row += 1
    for number, warning in enumerate(report.warnings):
        _pair(book, sheet, row, words["warnings"] if not number else "", warning, bg_color="#FBEBC8")
        row += 1
    return row


def _pair(book: Book, sheet: Any, row: int, label: str, text: str, **look: Any) -> None:
    book.text(sheet, row, 0, label, bold=True, valign="top", **look)
    book.text(sheet, row, 1, text, text_wrap=True, valign="top", **look)
    sheet.set_row_pixels(row, ROW * len(list(lines(text, _ABOUT - 4))))  # not all programs see to it


def _contents(book: Book, sheet: Any, row: int, parts: Sequence[tuple[str, Sequence[_Entry]]]) -> int:
    """Write the contents: a link to each sheet and to its picture; return the last row."""
    texts = book.texts
    book.header(sheet, row, 0, [texts[title] for title in ("sheet", "what")])
    book.header(sheet, row, 2, [texts[title] for title in ("rows", "picture")], align="right")
    for heading, entries in parts:
        if entries:
            row += 1
            for column, text in enumerate((heading, "", "", "")):
                book.text(
                    sheet, row, column, text, bold=True, top=1, top_color="#C3CAD3", font_color="#2F6F9F"
                )
        for entry in entries:
            row += 1
            book.link(sheet, row, 0, entry.name, entry.name)
            book.text(sheet, row, 1, entry.title)
            book.cell(sheet, row, 2, entry.rows, "count")
            if entry.picture:
                book.link(sheet, row, 3, entry.name, texts["to_picture"], cell=entry.picture)
    return row
