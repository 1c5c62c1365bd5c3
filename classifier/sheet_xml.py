"""Rows as the XML of an Excel sheet, and the workbook that holds them.

A row is a line of XML that does not know its number: where that belongs stands a NUL, which XML
cannot hold. So rows can be made anywhere, in any order, and are numbered when the workbook is put
together. No cell holds a formula or a link; texts stay texts, whatever they look like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from classifier.cells import CELL, Changes, Column, Columns, as_text, cut, escaped, plain
from classifier.errors import InputError
from classifier.spreadsheet_guard import guarded_texts
from classifier.yaml_lines import parse

ROWS, COLUMNS = 1_048_576, 16_384  # of a sheet; "Excel specifications and limits", Microsoft
EXACT = 10**15  # from here on Excel rounds whole numbers
_LETTERS = 26
_FILE = "sheet.yaml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MADE = (1980, 1, 1, 0, 0, 0)  # the first date that zip knows: nothing reads the clock
_AT_ONCE = 200  # rows compressed at a time
_BIG = 1 << 31  # bytes of a sheet that need the newer kind of zip
_UNIX = 3  # what made the file, by zip's list: the same on each system
# Markup, line ends, what XML cannot hold, and what may look like an escape
_SPECIAL = re.compile("[&<>\x00-\x08\x0a-\x1f\ud800-\udfff\ufffe\uffff]|_x")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "&#10;"})  # a row is one line


@lru_cache(maxsize=1)
def _sheet() -> Mapping[str, Any]:
    """Return what ``templates/sheet.yaml`` says."""
    from classifier.rendering import TEMPLATES  # and with it Jinja, which nothing else here needs

    value, _ = parse((TEMPLATES / _FILE).read_text(encoding="utf-8"), _FILE)
    sheet: Mapping[str, Any] = value
    return sheet


def column_letters(number: int) -> str:
    """Return what Excel calls a column, counted from 0.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(16_383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


# --- rows ---


def xml_rows(columns: Columns, *, first: bool, raw: bool = False) -> tuple[str, Changes]:
    r"""Return rows as lines of XML, and what of them was changed.

    The ``first`` rows bring two lines before them: the widths of the columns, and the header.
    Texts that a spreadsheet would take for formulas, were the sheet saved as CSV, are guarded but
    for ``raw``; what XML cannot hold is written as Excel writes it (see `cells.escaped`); what is
    longer than a cell is cut, with a mark. Whole numbers beyond 15 digits, and what is neither
    text nor number, are texts.

    Raises `InputError` for more columns than a sheet has.

    >>> xml_rows({"n": [1]}, first=False)
    ('<row r="\x00"><c r="A\x00" s="4"><v>1</v></c></row>\n', Changes(cells=0, guarded=0, replaced=0, cut=0))
    """
    if len(columns) > COLUMNS:
        raise InputError(
            f"{len(columns):,} columns, and a sheet holds {COLUMNS:,}", "write CSV, JSONL or Parquet instead"
        )
    made = [_column(at, name, values, raw) for at, (name, values) in enumerate(columns.items())]
    rows = ["".join(cells) for cells in zip(*(cells for cells, _ in made), strict=True)]
    changes = sum((changes for _, changes in made), Changes())
    if not first:
        return _lines(rows), changes
    header = [_column(at, "", [name], raw, "header") for at, name in enumerate(columns)]
    widths = "".join(_width(at, name, values) for at, (name, values) in enumerate(columns.items()))
    rows = ["".join(cell for (cell,), _ in header), *rows]
    changes = sum((changes for _, changes in header), changes)
    return f"<cols>{widths}</cols>\n{_lines(rows)}", changes


def _lines(rows: Sequence[str]) -> str:
    return "".join(f'<row r="\0">{row}</row>\n' for row in rows)


def _width(at: int, name: str, values: Column) -> str:
    kind = "number" if isinstance(values, np.ndarray) else "text"
    wide = _sheet()["widths"].get(name) or _sheet()["other_widths"][kind]
    return f'<col min="{at + 1}" max="{at + 1}" width="{wide}" customWidth="1"/>'


def _column(
    at: int, name: str, values: Column, raw: bool, look: str | None = None
) -> tuple[Sequence[str], Changes]:
    """Return the cells of a column, "" for empty ones."""
    cells, is_share = plain(values), isinstance(values, np.ndarray) and values.dtype.kind == "f"
    number = _opened(at, "probability" if is_share else "number") + "<v>"
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu" and _all_exact(values):
        return ["" if value is None else f"{number}{value!r}</v></c>" for value in cells], Changes()
    truth = _opened(at, "number", ' t="b"') + "<v>"
    text = _opened(at, look or ("wrapped" if name == "text" else "text"), ' t="inlineStr"')
    text += '<is><t xml:space="preserve">'

    def cell(value: Any, shown: str) -> str:
        if not _is_number(value):
            return f"{text}{shown}</t></is></c>" if shown else ""
        return f"{truth}{value:d}</v></c>" if isinstance(value, bool) else f"{number}{value!r}</v></c>"

    texts, changes = _texts(["" if _is_number(value) else as_text(value) for value in cells], raw)
    return list(map(cell, cells, texts)), changes


def _opened(at: int, look: str, kind: str = "") -> str:
    """Return how a cell of a column begins: its place, its looks, its kind."""
    return f'<c r="{column_letters(at)}\0" s="{_sheet()["styles"].index(look)}"{kind}>'


def _all_exact(values: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(np.abs(values) < EXACT, where=~np.isnan(values)))


def _is_number(value: Any) -> bool:
    """Return whether a cell can hold a value as a number, or as true or false, and lose nothing."""
    return (isinstance(value, int) and abs(value) < EXACT) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _texts(texts: Sequence[str], raw: bool) -> tuple[Sequence[str], Changes]:
    """Return texts as XML, and what of them was changed."""
    safe = texts if raw else guarded_texts(texts)
    short = safe
    if max(map(len, safe), default=0) > CELL // 2:
        short = [cut(text, _sheet()["cut"]) for text in safe]
    if not any(map(_SPECIAL.search, short)):
        written, xml = short, short
    else:
        written = [escaped(text) for text in short]
        xml = [text.translate(_MARKUP) for text in written]
    if written == texts:
        return xml, Changes()
    ways = [(a != b, b != c, c != d) for a, b, c, d in zip(texts, safe, short, written, strict=True)]
    guarded, long, odd = (sum(way) for way in zip(*ways, strict=True))
    return xml, Changes(sum(map(any, ways)), guarded, odd, long)


# --- the workbook ---


def write_workbook(lines: IO[bytes], rows: int, out: IO[bytes]) -> None:
    """Put lines that `xml_rows` made together to a workbook; the same lines are the same bytes.

    Parameters
    ----------
    lines : binary stream
        At its beginning; of it a few rows are held in memory.
    rows : int
        How many there are, the header included.
    out : binary stream
        That can be written and sought in.
    """
    widths = lines.readline().rstrip(b"\n")
    where = {"column": column_letters(widths.count(b"<col ") - 1), "row": str(rows)}
    sheet = _sheet()
    with ZipFile(out, "w") as book:
        for name, part in sheet["parts"].items():
            book.writestr(_entry(name), _XML + part.format(**where))
        entry = _entry("xl/worksheets/sheet1.xml")
        size = lines.seek(0, 2)
        lines.seek(len(widths) + 1)
        with book.open(entry, "w", force_zip64=size > _BIG) as stream:
            stream.write((_XML + sheet["sheet_head"].format(**where)).encode() + widths + b"<sheetData>")
            for some in _numbered(lines):
                stream.write(some)
            stream.write(sheet["sheet_foot"].format(**where).encode())


def _entry(name: str) -> ZipInfo:
    """Return a part of a zip file as each system and each day writes it."""
    entry = ZipInfo(name, _MADE)
    entry.compress_type, entry.create_system = ZIP_DEFLATED, _UNIX
    entry.external_attr = 0o600 << 16
    return entry


def _numbered(lines: IO[bytes]) -> Iterator[bytes]:
    """Yield rows with their numbers, several at a time."""
    numbers = iter(range(1, ROWS + 1))
    while some := list(islice(lines, _AT_ONCE)):
        yield b"".join(line.replace(b"\0", b"%d" % next(numbers)) for line in some)
