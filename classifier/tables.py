"""Reading tables: CSV, TSV, JSONL, Parquet and Excel workbooks, row by row."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from classifier.errors import InputError
from classifier.text_files import UNPACKED_LIMIT, lines_of, read_bytes, suffix_of
from classifier.yaml_lines import unreadable

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
BATCH = 1000  # rows of a Parquet file read at a time

_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can write one; no file can hold it
OnRead = Callable[[int], None]


def table_rows(
    path: Path, encoding: str | None = None, on_read: OnRead = lambda _: None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a CSV, TSV, JSONL, Parquet or XLSX file; cells of CSV and XLSX are text.

    The encoding of a file is settled before the first row; but for workbooks, of which the
    first sheet is read, memory holds a few rows only. ``on_read`` is told of bytes read.
    Raises `InputError` with file and row where a row does not fit the header.
    """
    suffix = suffix_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder", "check the path")
    if suffix not in TABLE_SUFFIXES:
        raise InputError(f"{path}: unknown format '{suffix}'", f"tables: {', '.join(TABLE_SUFFIXES)}")
    if suffix == ".xlsx":
        return _sheet_rows(path)
    if suffix == ".parquet":
        return _parquet_rows(path, on_read)
    if suffix == ".jsonl":
        return _json_rows(lines_of(path, encoding, newline="\n", on_read=on_read), path)
    lines = lines_of(path, encoding, on_read=on_read)
    return _csv_rows(lines, path, "\t" if suffix == ".tsv" else ",")


def _csv_rows(lines: Iterator[str], path: Path, delimiter: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)  # an article in one cell is longer than the library's default allows
    # Strict: a quote that never closes is an error; else the rest of the table would become one cell.
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    last = 0  # the line on which the last whole row ended
    try:
        header = next(rows, [])
        last = rows.line_num
        _refuse_doubled(header, path)
        for number, cells in enumerate((r for r in rows if r), 1):
            last = rows.line_num
            if len(cells) != len(header):
                raise InputError(
                    f"{path}: row {number} has {len(cells)} cells, the header {len(header)}",
                    "cells that hold a comma, a quote or a line break must be quoted",
                )
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}: row on line {last + 1}: {error}",
            "quote cells that begin with a quote, and double it inside",
        ) from None


def _json_rows(lines: Iterator[str], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: line {number} is not JSON ({error})", "one JSON object a line"
            ) from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is no JSON object", 'such as {"id": "1", "text": "…"}')
        if "\\ud" in line.lower() and _SURROGATE.search(json.dumps(row, ensure_ascii=False)):
            raise InputError(
                f"{path}: line {number} holds half a surrogate pair", "write the character whole"
            )
        yield row


def _parquet_rows(path: Path, on_read: OnRead) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _refuse_doubled(file.schema_arrow.names, path)
            share = path.stat().st_size / max(1, file.metadata.num_rows)
    except pyarrow.ArrowException as error:
        raise InputError(
            f"{path}: no Parquet file ({_first_line(error)})", "write it again, or as CSV"
        ) from None
    except OSError as error:  # damaged ones are of this kind too
        raise unreadable(path, error) from None
    return _batches(path, share, on_read)


def _batches(path: Path, share: float, on_read: OnRead) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from batch.to_pylist()
                on_read(int(share * batch.num_rows))
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: damaged ({_first_line(error)})", "write it again, or as CSV") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _refuse_doubled(header: Sequence[str], path: Path) -> None:
    doubled = next((c for i, c in enumerate(header) if c in header[:i]), None)
    if doubled is not None:
        raise InputError(
            f"{path}: column '{doubled}' stands twice in the header", "give each column its own name"
        )


def _sheet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a workbook's first sheet; empty rows are left out."""
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{path}: reading Excel files needs openpyxl", 'pip install "fupin-classifier[files]"'
        ) from None
    data = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > UNPACKED_LIMIT:
            raise InputError(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes", "divide the file")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = ([_cell(value) for value in row] for row in book.worksheets[0].values)
        header = _trimmed(next(rows, []))
        _refuse_doubled(header, path)
        for cells in rows:
            if any(cells):
                yield dict(zip(header, [*cells, *[""] * len(header)], strict=False))
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, SyntaxError) as error:
        raise InputError(f"{path}: no Excel workbook ({error})", "save it as .xlsx or .csv") from None


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
    return value.isoformat() if isinstance(value, date) else str(value)
