"""Rows of a table as bytes: CSV, JSONL, Parquet and Excel, chunk by chunk.

What a chunk becomes depends on its rows alone, so chunks can be encoded anywhere. JSONL holds
whatever there is, Parquet all but half a surrogate pair. A CSV file and a sheet are opened by
programs that take text for formulas, end a cell at some characters, and cut what is long: what is
changed for their sake is counted.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.cells import (
    REPLACEMENT,
    SURROGATE,
    Changes,
    Column,
    Columns,
    as_text,
    is_missing,
    is_numeric,
    plain,
)
from classifier.errors import InputError
from classifier.excerpts import Excerpts
from classifier.lazy_columns import Chosen, Numbered
from classifier.sheet_xml import xml_rows
from classifier.spreadsheet_guard import guarded_texts

if TYPE_CHECKING:
    import pyarrow

# At a NUL Excel ends a cell, and Python before 3.11 the reading; at the second, once the mark for
# the end of a file, Excel may end that; half a surrogate pair has no UTF-8.
_NOT_IN_CSV = re.compile("[\0\x1a\ud800-\udfff]")
# The library quotes a cell that holds any character of a line's end. A lone carriage return it would
# leave bare before Python 3.13; at a semicolon or tab LibreOffice divides, unless the cell is quoted.
_LINE_END = "\0;\t\r\n"
_AS_THEY_ARE = {str, int, float, bool, type(None)}  # values that the library writes as we want them
# What is told of characters that a format does not hold
_REPLACED = {
    "csv": "with characters that CSV cannot hold (now \N{REPLACEMENT CHARACTER})",
    "xlsx": "with characters that XML cannot hold (now such as _x0000_, which Excel reads)",
    "parquet": "with half a surrogate pair (now \N{REPLACEMENT CHARACTER})",
}
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


@dataclass(frozen=True)
class Encoded:
    """Rows as bytes, and how many cells were changed."""

    rows: bytes
    changes: Changes = field(default_factory=Changes)


def encoded(columns: Columns, file_format: str, *, first: bool, raw: bool = False) -> Encoded:
    r"""Return the rows of a chunk as bytes, and what was changed in them.

    Parameters
    ----------
    columns : mapping of str to columns of one length
    file_format : {"csv", "xlsx", "jsonl", "parquet"}
    first : bool
        Of CSV and XLSX the first chunk brings the header.
    raw : bool
        Leave as it is what a spreadsheet would take for a formula.

    >>> made = encoded({"text": ["=1+1", "修路;架桥"]}, "csv", first=True)
    >>> made.rows.decode(), made.changes.guarded
    ('text\n\'=1+1\n"修路;架桥"\n', 1)
    """
    return _ENCODERS[file_format](columns, first, raw)


def told_changes(changes: Changes, file_format: str) -> Iterator[str]:
    """Yield the line that tells the user what was changed, where anything was.

    >>> list(told_changes(Changes(cells=2, guarded=2), "csv"))
    ['2 cells changed: 2 guarded with an apostrophe against formulas (--raw: not)']
    """
    guarded = "guarded with an apostrophe against formulas (--raw: not)"
    return changes.told(guarded, _REPLACED.get(file_format, ""))


# --- CSV ---


def _csv(columns: Columns, first: bool, raw: bool) -> Encoded:
    found = [list(columns), *map(_cells, columns.values())]
    holds_text = [True, *(not is_numeric(values) for values in columns.values())]

    def safe(parts: Sequence[list[Any]]) -> list[list[Any]]:
        return [_safe(c) if text and not raw else c for c, text in zip(parts, holds_text, strict=True)]

    written = safe(found)
    data, clean = _csv_bytes(written, first), found
    if data is None:  # rare, so it is looked for no sooner
        clean = [[_without(cell, _NOT_IN_CSV) for cell in cells] for cells in found]
        _refuse_doubled(clean[0])
        written = safe(clean)
        data = _csv_bytes(written, first) or b""
    stages = list(zip(found, clean, written, strict=True))[not first :]
    return Encoded(data, sum((_changes(*stage) for stage in stages), Changes()))


def _cells(values: Column) -> list[Any]:
    """Return a column as values that the CSV library writes as we want them."""
    cells = plain(values)
    if is_numeric(values) or set(map(type, cells)) <= _AS_THEY_ARE:
        return cells
    return [value if type(value) in _AS_THEY_ARE else as_text(value) for value in cells]


def _safe(cells: list[Any]) -> list[Any]:
    """Return cells with their texts guarded; the same object where none need be."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    safe = guarded_texts(texts)
    if safe is texts:
        return cells
    one = iter(safe)
    return [next(one) if isinstance(cell, str) else cell for cell in cells]


def _csv_bytes(parts: Sequence[list[Any]], first: bool) -> bytes | None:
    """Return a header and columns as CSV; None where they hold what CSV does not."""
    header, *table = parts
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=_LINE_END)
    if first:
        writer.writerow(header)
    writer.writerows(zip(*table, strict=True))
    text = stream.getvalue()
    if text.count("\0") != first + (len(table[0]) if table else 0) or "\x1a" in text:
        return None
    try:
        return text.replace(_LINE_END, "\n").encode()
    except UnicodeEncodeError:
        return None


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return a value in which U+FFFD stands for some characters, inside lists and mappings too."""
    if isinstance(value, str):
        return pattern.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [_without(one, pattern) for one in value]
    if isinstance(value, dict):
        return {_without(k, pattern): _without(v, pattern) for k, v in value.items()}
    return value


def _refuse_doubled(names: Column) -> None:
    doubled = next((name for name, times in Counter(names).items() if times > 1), None)
    if doubled is not None:
        raise InputError(
            f"two columns would be called '{doubled}': the format cannot hold what they differ by",
            "rename one of them, or write JSONL",
        )


def _changes(found: Column, clean: Column, safe: Column) -> Changes:
    """Count what became of cells: characters replaced first, then guarded."""
    if found is safe:
        return Changes()
    ways = [
        # what is no number differs from itself
        (b is not c and b != c, a is not b and a != b)
        for a, b, c in zip(found, clean, safe, strict=True)
    ]
    return Changes(sum(map(any, ways)), sum(g for g, _ in ways), sum(r for _, r in ways))


# --- Excel ---


def _xlsx(columns: Columns, first: bool, raw: bool) -> Encoded:
    text, changes = xml_rows(columns, first=first, raw=raw)
    return Encoded(text.encode(), changes)


# --- JSONL ---


def _jsonl(columns: Columns, first: bool, raw: bool) -> Encoded:
    names = list(columns)
    rows = zip(*map(plain, columns.values()), strict=True)
    text = "".join(_JSON.encode(dict(zip(names, row, strict=True))) + "\n" for row in rows)
    try:
        return Encoded(text.encode())
    except UnicodeEncodeError:  # JSON has a way to write half a pair
        return Encoded(SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode())


# --- Parquet ---


def _parquet(columns: Columns, first: bool, raw: bool) -> Encoded:
    try:
        return Encoded(_arrow_bytes(columns))
    except UnicodeEncodeError:
        found = [list(columns), *columns.values()]
        clean = [
            cells if is_numeric(cells) else [_without(cell, SURROGATE) for cell in cells] for cells in found
        ]
        _refuse_doubled(clean[0])
        stages = list(zip(found, clean, clean, strict=True))[not first :]
        changes = sum((_changes(*stage) for stage in stages), Changes())
        return Encoded(_arrow_bytes(dict(zip(clean[0], clean[1:], strict=True))), changes)


def _arrow_bytes(columns: Columns) -> bytes:
    import pyarrow as pa

    table = pa.table({str(name): _arrow(values) for name, values in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _arrow(values: Column) -> pyarrow.Array:
    """Return a column as Arrow has it: probabilities as float32, mixed values as text."""
    import pyarrow as pa
    from pyarrow import compute

    if isinstance(values, Chosen):
        return _arrow(values.values).take(pa.array(values.number))
    if isinstance(values, Numbered):
        numbers = pa.array(values.number).cast(pa.string())
        return compute.binary_join_element_wise(_arrow(values.names), numbers, values.MARK)
    if isinstance(values, Excerpts):
        data, bounds = values.utf8()
        found = pa.LargeStringArray.from_buffers(len(values), pa.py_buffer(bounds), pa.py_buffer(data))
        return found.cast(pa.string())
    if isinstance(values, np.ndarray):
        if values.dtype.kind != "f":
            return pa.array(np.ascontiguousarray(values), from_pandas=True)
        # Arrow looks at each number for a gap; where there is none it need not, and takes float32 as it lies.
        return pa.array(values.astype(np.float32), from_pandas=bool(np.isnan(values).any()))
    found = _of_one_kind(values)
    if found is None or pa.types.is_nested(found.type):
        values = [as_text(v) if isinstance(v, list | dict) else v for v in values]
        found = _of_one_kind(values)
    if found is None:
        found = pa.array([None if is_missing(v) else str(v) for v in values])
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found


def _of_one_kind(values: Column) -> pyarrow.Array | None:
    """Return a column whose values go together; None where they do not."""
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        return None


_ENCODERS: Mapping[str, Callable[[Columns, bool, bool], Encoded]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
