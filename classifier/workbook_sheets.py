"""What all sheets of a workbook share: the file, formats by kind of cell, headings, links, widths."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from classifier.errors import OutputError
from classifier.rendering import TEMPLATES
from classifier.report_tables import Cell, Kind
from classifier.report_texts import report_texts
from classifier.workbook_cells import SafeTexts, lines, reference, width
from classifier.yaml_lines import parse

NOTE_WIDTH = 116  # of the lines of a note, in digits
WIDEST = 44  # column
ROW = 20  # pixels of a row, as Excel has it by default
_FILE = "workbook_texts.yaml"
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_MADE = datetime(1980, 1, 1)  # as the parts of the file are dated: nothing reads the clock
_A4 = 9  # Excel's number of the paper size
_NUMBERS: Mapping[Kind, str] = {
    "count": "#,##0",
    "share": "0.0%",
    "number": "0.00",
    "difference": "+0.0;-0.0;0.0",  # of percentage points
    "id": "@",
}
HEADER = {"bold": True, "bg_color": "#E4EBF2", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
LINK = {"font_color": "#1F5C99", "underline": 1}
_WORD = re.compile("[!-~]+")
QUIET = {"font_color": "#5D6878"}


def library() -> Any:
    """Return the library that writes workbooks; raises `OutputError` where it is not installed."""
    try:
        import xlsxwriter
    except ImportError:
        raise OutputError(
            "writing Excel files needs XlsxWriter", 'pip install "fupin-classifier[files]"'
        ) from None
    return xlsxwriter


@lru_cache(maxsize=2)
def workbook_texts(lang: str) -> Mapping[str, Any]:
    """Return the words of a language, as ``templates/workbook_texts.yaml`` has them.

    >>> workbook_texts("zh")["contents"]
    '目录'
    """
    value, _ = parse((TEMPLATES / _FILE).read_text(encoding="utf-8"), _FILE)
    texts: Mapping[str, Any] = value[lang]
    return texts


class Book:
    """A workbook being written.

    Parameters
    ----------
    lang : {"zh", "en"}
    title : str
        For the file's properties.

    Attributes
    ----------
    texts, words : mapping
        The words of workbooks, and of reports; see `workbook_texts` and `report_texts`.
    safe : SafeTexts
        Through which every text goes.
    file : xlsxwriter.Workbook
    """

    def __init__(self, lang: str, title: str) -> None:
        self.texts, self.words = workbook_texts(lang), report_texts(lang)
        self.safe = SafeTexts(self.texts["cut"])
        self._bytes = io.BytesIO()
        self.file = library().Workbook(self._bytes, _OPTIONS)
        self.file.set_properties({"title": title, "author": "fupin", "created": _MADE})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def finished(self) -> bytes:
        """Return the whole file."""
        self.file.close()
        return self._bytes.getvalue()

    def format(self, **properties: Any) -> Any:
        """Return a format; the same properties are the same format."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(properties)
        return self._formats[key]

    def format_of(self, kind: Kind, **properties: Any) -> Any:
        """Return the format of a kind of cell."""
        number = {"num_format": _NUMBERS[kind]} if kind in _NUMBERS else {}
        return self.format(**number, **properties)

    def text(self, sheet: Any, row: int, column: int, text: str, **properties: Any) -> None:
        """Write a text."""
        sheet.write_string(row, column, self.safe(text), self.format(**properties))

    def cell(self, sheet: Any, row: int, column: int, value: Cell, kind: Kind, **properties: Any) -> None:
        """Write a cell of a table."""
        self.cells(sheet, row, column, [value], kind, **properties)

    def cells(
        self, sheet: Any, row: int, column: int, values: Iterable[Cell], kind: Kind, **properties: Any
    ) -> None:
        """Write cells below each other: differences as percentage points, none where there is no figure."""
        form, factor = self.format_of(kind, **properties), 100 if kind == "difference" else 1
        for at, value in enumerate(values, row):
            if isinstance(value, bool):
                sheet.write_string(at, column, self.safe(str(self.words["yes" if value else "no"])), form)
            elif isinstance(value, str):
                sheet.write_string(at, column, self.safe(value), form)
            elif value is not None and math.isfinite(value):
                sheet.write_number(at, column, factor * value, form)

    def link(
        self, sheet: Any, row: int, column: int, to: str, text: str, *, cell: str = "A1", **properties: Any
    ) -> None:
        """Write a link to a cell of another sheet."""
        target = f"internal:{reference(to)}!{cell}"
        sheet.write_url(row, column, target, self.format(**LINK, **properties), self.safe(text))

    def head(self, sheet: Any, contents: str, title: str, note: str) -> int:
        """Write what stands above a table, and keep it in view; return the row of the table's header."""
        self.link(sheet, 0, 0, contents, self.texts["back"])
        self.text(sheet, 0, 1, title, bold=True, font_size=13)
        top = 1
        for line in lines(note, NOTE_WIDTH):
            self.text(sheet, top, 1, line, **QUIET)
            top += 1
        sheet.freeze_panes(top + 1, 1)
        sheet.repeat_rows(top)
        self.paper(sheet)
        return top

    def paper(self, sheet: Any) -> None:
        """Let a sheet be printed across, as wide as the paper."""
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&C&P / &N")

    def header(self, sheet: Any, row: int, column: int, titles: Sequence[str], **properties: Any) -> None:
        """Write the header of a table."""
        for at, title in enumerate(titles, column):
            self.text(sheet, row, at, title, **{**HEADER, **properties})


def fitting(title: str, texts: Sequence[str], widest: int = WIDEST) -> float:
    """Return the width of a column for its title, on two lines beside a button, and what stands below.

    >>> fitting("占比", ["5.2%"]), fitting("类别", ["就业扶贫和转移就业"]), fitting("类别", ["扶贫" * 90])
    (8, 20, 44)
    """
    content = max((width(text) for text in texts), default=0)
    word = max(map(len, _WORD.findall(title)), default=0)  # which no line breaks
    return max(8, min(widest, max(content + 2, -(-width(title) // 2) + 4, word + 4)))
