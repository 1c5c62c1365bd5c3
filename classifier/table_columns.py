"""Reading whole tables column by column, many times as fast as row by row.

Where a file holds anything out of the ordinary, it is read again by `table_rows`, which knows
more kinds of files and names the row of an error.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from classifier.errors import InputError
from classifier.tables import NO_VALUE, fixed_limits, parquet_parts, table_rows
from classifier.text_files import suffix_of
from classifier.text_lines import lines_of

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 20_000  # rows of a CSV file turned into columns at a time
Columns = Mapping[str, "pd.Series[Any]"]


def table_columns(path: Path, needed: Sequence[str], hint: str) -> Columns:
    """Read a CSV, TSV, JSONL, Parquet or XLSX file as columns.

    Parameters
    ----------
    path : Path
    needed : sequence of str
        Columns that must be there, in each row.
    hint : str
        The remedy named where one is not.

    Returns
    -------
    mapping of str to Series, index 0 … n - 1
        In the file's order. Of CSV, TSV and XLSX all values are str; of the others what the file
        has, None or NaN where it has nothing. An empty JSONL file has the columns needed.

    Raises
    ------
    InputError
        Naming file and row, as `table_rows` does, or for a missing column.
    """
    columns = _parquet(path) if suffix_of(path) == ".parquet" and path.is_file() else _quickly(path)
    if columns is None or (suffix_of(path) == ".jsonl" and _gaps(columns, needed)):
        columns = _row_by_row(path, needed, hint)
    missing = next((name for name in needed if name not in columns), None)
    if missing is not None:
        raise InputError(f"{path}: no column '{missing}'", hint)
    return columns


def _gaps(columns: Columns, needed: Sequence[str]) -> bool:
    """Whether rows of JSONL may lack a column: read as columns, null looks the same."""
    return any(columns[name].isna().any() for name in needed if name in columns)


def _quickly(path: Path) -> Columns | None:
    """Return the columns of a file without peculiarities, None for any other."""
    import pyarrow as pa

    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl}
    suffix = suffix_of(path)
    if suffix not in readers or not path.is_file():
        return None
    try:
        table = readers[suffix](path)
    except (csv.Error, pa.ArrowException, OSError, UnicodeError, ValueError, InputError):
        return None  # whatever it was: row by row it is named
    if table is None or len(set(table.column_names)) < table.num_columns:
        return None
    return _as_series(table)


def _as_series(table: pa.Table) -> Columns:
    return {name: table.column(name).to_pandas() for name in table.column_names}


def _csv(path: Path) -> pa.Table:
    import pyarrow as pa

    csv.field_size_limit(2**31 - 1)
    delimiter = "\t" if suffix_of(path) == ".tsv" else ","
    rows = csv.reader(lines_of(path), delimiter=delimiter, strict=True)
    names = next(rows, [])
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_batches(_batches(rows, schema), schema)


def _batches(rows: Iterator[list[str]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield rows as batches of columns; raises ValueError where a row has too many or too few cells."""
    import pyarrow as pa

    while some := list(islice(filter(None, rows), ROWS)):
        columns = list(zip(*some, strict=True))
        yield pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=schema)


def _jsonl(path: Path) -> pa.Table | None:
    """Read JSONL; None where Arrow might read it otherwise than `json` would."""
    import pyarrow as pa
    from pyarrow import json as arrow_json

    data = path.read_bytes() if path.suffix.lower() == ".jsonl" else b""
    first = data.partition(b"\n")[0]
    if not first.startswith(b"{") or b"\\ud" in data or b"\\uD" in data:
        return None  # packed, empty, with a mark in front, or perhaps half a surrogate pair
    names = list(json.loads(first))
    # Named as text, dates stay what they are: Arrow would turn them into times.
    text = pa.schema([(name, pa.string()) for name, value in json.loads(first).items() if _is_text(value)])
    options = arrow_json.ParseOptions(explicit_schema=text, newlines_in_values=False)
    table = arrow_json.read_json(pa.BufferReader(data), parse_options=options)
    if table.num_rows != data.count(b"\n") + (not data.endswith(b"\n")) or set(names) != set(
        table.column_names
    ):
        return None
    return table.select(names)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _parquet(path: Path) -> Columns | None:
    """Return the columns of a Parquet file, which another process parses; None where pandas has no such."""
    import pyarrow as pa

    try:
        with fixed_limits():
            return _as_series(pa.Table.from_batches(parquet_parts(path)))
    except (pa.ArrowException, *NO_VALUE):
        return None


def _row_by_row(path: Path, needed: Sequence[str], hint: str) -> Columns:
    rows = list(table_rows(path))
    for number, row in enumerate(rows, 1):
        missing = next((name for name in needed if name not in row), None)
        if missing is not None:
            raise InputError(f"{path}: row {number}: no column '{missing}'", hint)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names or needed}
