"""The files that `label` writes: rows encoded chunk by chunk, and the file put together from chunks.

A file appears under its name only when it is whole. Until then its bytes stand beside it
in ``OUT.part``. A Parquet file cannot be gone on with once its writer is lost; so its
chunks stand in ``OUT.spool`` too, from which it is written again up to where it was.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.errors import InputError, OutputError
from classifier.whole_file import PART, beside

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

Column = Sequence[Any] | NDArray[Any]
Columns = Mapping[str, Column]
FORMATS = ("csv", "jsonl", "parquet")
SPOOL = ".spool"
_BOM = b"\xef\xbb\xbf"  # so that Excel reads a CSV file as UTF-8


def format_of(out: Path | None, file_format: str | None) -> str:
    """Return the format of an output: the one asked for, else that of its name.

    >>> format_of(Path("out.jsonl"), None), format_of(None, None)
    ('jsonl', 'csv')
    """
    name = file_format or ("csv" if out is None else out.suffix.lower().lstrip("."))
    if name not in FORMATS:
        raise OutputError(f"{out or '--format'}: unknown format '{name}'", f"formats: {', '.join(FORMATS)}")
    return name


def encoded(columns: Columns, file_format: str, *, first: bool) -> bytes:
    """Return the rows of a chunk as bytes; a CSV file's ``first`` chunk brings the header."""
    return _ENCODERS[file_format](columns, first)


def _csv(columns: Columns, first: bool) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    # Before Python 3.13 the library leaves a lone carriage return bare, and cannot read it back.
    quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if first:
        writer.writerow(columns)
    for row in _records(columns):
        cells = ["" if is_missing(v) else v for v in row]
        (quoting if any("\r" in c for c in cells if isinstance(c, str)) else writer).writerow(cells)
    return stream.getvalue().encode("utf-8", "surrogatepass")


def _jsonl(columns: Columns, first: bool) -> bytes:
    rows = (
        {name: None if is_missing(v) else v for name, v in zip(columns, row, strict=True)}
        for row in _records(columns)
    )
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode()


def _records(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Yield rows of plain Python values."""
    return zip(*(c.tolist() if isinstance(c, np.ndarray) else c for c in columns.values()), strict=True)


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: None, not a number, or no time."""
    if value is None or type(value).__name__ == "NAType":  # pandas's own, which pandas alone can name
        return True
    return not isinstance(value, str | list | dict) and bool(value != value)  # noqa: PLR0124


def _parquet(columns: Columns, first: bool) -> bytes:
    import pyarrow as pa

    table = pa.table({str(name): _arrow(values) for name, values in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _arrow(values: Column) -> pyarrow.Array:
    """Return a column as Arrow has it: probabilities as float32, mixed values as text."""
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        kind = pa.float32() if values.dtype.kind == "f" else None
        return pa.array(np.ascontiguousarray(values), type=kind, from_pandas=True)
    found = _of_one_kind(values)
    if found is None or pa.types.is_nested(found.type):
        values = [
            json.dumps(v, ensure_ascii=False, default=str) if isinstance(v, list | dict) else v
            for v in values
        ]
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


_ENCODERS: Mapping[str, Callable[[Columns, bool], bytes]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}


class Sink(Protocol):
    """What takes in encoded chunks, in order."""

    def append(self, chunk: bytes) -> int:
        """Take a chunk; return where its bytes end."""

    def finish(self) -> None:
        """Bring to an end what is written."""

    def close(self) -> None:
        """Let go of files, whether all is written or not."""


class StandardOutput:
    """Chunks go to standard output as they come."""

    def append(self, chunk: bytes) -> int:
        """Write a chunk."""
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return 0

    def finish(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        """Do nothing."""


class TextFile:
    """``OUT.part`` of a CSV or JSONL file: chunks one behind the other."""

    def __init__(self, part: Path, ends: Sequence[int], *, bom: bool) -> None:
        self._stream = _at(part, ends)
        if bom and not ends:
            self._stream.write(_BOM)

    def append(self, chunk: bytes) -> int:
        """Write a chunk to the disk."""
        return _append(self._stream, chunk)

    def finish(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class ParquetFile:
    """``OUT.part`` of a Parquet file, and ``OUT.spool``, its chunks as Arrow streams."""

    def __init__(self, part: Path, spool: Path, ends: Sequence[int]) -> None:
        self._part, self._rows = part, 0
        self._writer: parquet.ParquetWriter | None = None
        self._stream = _at(spool, ends)
        for chunk in _chunks(spool, ends):
            self._encode(chunk)

    def append(self, chunk: bytes) -> int:
        """Write a chunk to both files."""
        self._encode(chunk)
        return _append(self._stream, chunk)

    def _encode(self, chunk: bytes) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.ipc.open_stream(chunk).read_all()
        if self._writer is None:
            text = [f.name for f in table.schema if pa.types.is_string(f.type)]
            repeated = [name for name in text if name != "text"]
            # Numbers that are nearly all different gain nothing from a dictionary, nor from statistics.
            self._writer = parquet.ParquetWriter(
                self._part,
                table.schema,
                use_dictionary=repeated,
                write_statistics=repeated,
                compression="snappy",
            )
        self._writer.write_table(self._alike(table, self._writer.schema))
        self._rows += table.num_rows

    def _alike(self, table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
        """Return a table with the kinds of the first chunk, where nothing is lost by it."""
        import pyarrow as pa

        columns = []
        for field, column in zip(schema, table.columns, strict=True):
            try:
                cast = column.cast(field.type)
                same = cast.cast(column.type).equals(column)
            except pa.ArrowException:
                same = False
            if not same:
                raise InputError(
                    f"{self._part.stem}: column '{field.name}' is {field.type}, later {column.type}",
                    "write CSV or JSONL instead",
                )
            columns.append(cast)
        return pa.Table.from_arrays(columns, schema=schema)

    def finish(self) -> None:
        """Write what stands at the end of a Parquet file, and count its rows again."""
        from pyarrow import parquet

        if self._writer is not None:
            self._writer.close()
            found = parquet.read_metadata(self._part).num_rows
            if found != self._rows:
                raise OutputError(f"{self._part}: {found:,} rows of {self._rows:,}", "run it again")

    def close(self) -> None:
        """Close both files."""
        self._stream.close()
        if self._writer is not None:
            self._writer.close()


def _at(path: Path, ends: Sequence[int]) -> IO[bytes]:
    """Open a file behind the last chunk that is known to be whole; what stands after it is cut off."""
    stream = path.open("r+b" if ends else "wb")
    if ends and stream.seek(0, os.SEEK_END) < ends[-1]:
        stream.close()
        raise OutputError(f"{path}: shorter than its journal says", "run without --resume to start anew")
    stream.truncate(ends[-1] if ends else 0)
    stream.seek(0, os.SEEK_END)
    return stream


def _append(stream: IO[bytes], chunk: bytes) -> int:
    stream.write(chunk)
    stream.flush()
    os.fsync(stream.fileno())  # before the journal says that it is there
    return stream.tell()


def _chunks(spool: Path, ends: Sequence[int]) -> Iterator[bytes]:
    if not ends:
        return
    with spool.open("rb") as stream:
        for start, end in zip([0, *ends], ends, strict=False):
            yield stream.read(end - start)


@contextmanager
def sink_for(out: Path, file_format: str, ends: Sequence[int]) -> Iterator[Sink]:
    """Open what takes in the chunks of ``out``, behind those that are there.

    Raises `OutputError` where the place cannot be written.
    """
    try:
        sink = _sink(out, file_format, ends)
        try:
            yield sink
        finally:
            sink.close()
    except OSError as error:
        raise OutputError(
            f"{out}: {error.strerror or error}", "make room or check the folder, then go on with --resume"
        ) from None


def _sink(out: Path, file_format: str, ends: Sequence[int]) -> Sink:
    if file_format == "parquet":
        return ParquetFile(beside(out, PART), beside(out, SPOOL), ends)
    return TextFile(beside(out, PART), ends, bom=file_format == "csv")


def put_in_place(out: Path) -> None:
    """Give the whole output its name, and delete the spool; what was done before is not done again."""
    part = beside(out, PART)
    try:
        if part.exists():
            part.replace(out)
    except OSError as error:
        raise OutputError(
            f"{out}: {error.strerror or error}", "check the folder and its permissions"
        ) from None
    with suppress(FileNotFoundError):
        beside(out, SPOOL).unlink()


def discard(out: Path) -> None:
    """Delete what is unfinished."""
    for ending in (PART, SPOOL):
        with suppress(FileNotFoundError):
            beside(out, ending).unlink()
