"""The files that `label` writes, put together from the chunks of `encoded_rows`.

A file appears under its name only when it is whole. Until then its bytes stand beside it
in ``OUT.part``. A Parquet file cannot be gone on with once its writer is lost; so its
chunks stand in ``OUT.spool`` too, from which it is written again up to where it was. Those of
a workbook stand there until all are made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from classifier.background import Background
from classifier.errors import InputError, OutputError
from classifier.sheet_xml import ROWS, write_workbook
from classifier.whole_file import PART, beside

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

TEXT = "text"  # half of snappy's time goes into it, for a fifth of its size
FORMATS = ("csv", "xlsx", "jsonl", "parquet")
STREAMED = ("csv", "jsonl")  # what can go to standard output
SPOOL = ".spool"
WAITING = 4  # chunks that may wait to be encoded as Parquet, while the next are made
DIFFERENT = ("segment_id", TEXT)  # columns of text in which each row has its own
GROUP = 16_000_000  # bytes of chunks that become a row group of a Parquet file
_BOM = b"\xef\xbb\xbf"  # so that Excel reads a CSV file as UTF-8


def format_of(out: Path | None, file_format: str | None) -> str:
    """Return the format of an output: the one asked for, else that of its name.

    >>> format_of(Path("out.jsonl"), None), format_of(None, None)
    ('jsonl', 'csv')
    """
    name = file_format or ("csv" if out is None else out.suffix.lower().lstrip("."))
    if name not in FORMATS:
        raise OutputError(f"{out or '--format'}: unknown format '{name}'", f"formats: {', '.join(FORMATS)}")
    if out is None and name not in STREAMED:
        raise OutputError(f"--format {name}: not to standard output", f"name a file: -o OUT.{name}")
    return name


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
        if sys.stdout is None:  # as Python has it where the shell closed it: >&-
            raise OutputError("standard output is closed", "name a file: -o OUT.csv")
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
        self._group: list[pyarrow.Table] = []  # of the next row group
        self._size = 0  # bytes of their chunks
        self._encoder = Background[None](WAITING)
        self._stream = _at(spool, ends)
        for chunk in _chunks(spool, ends):
            self._encode(chunk)

    def append(self, chunk: bytes) -> int:
        """Write a chunk to the spool, and in the background to the file, which can be made from the spool."""
        end = _append(self._stream, chunk)
        self._encoder.call(self._encode, chunk)
        return end

    def _encode(self, chunk: bytes) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.ipc.open_stream(chunk).read_all()
        if self._writer is None:
            text = [f.name for f in table.schema if pa.types.is_string(f.type)]
            repeated = [name for name in text if name not in DIFFERENT]
            self._part.unlink(missing_ok=True)  # a writer that failed may still hold the file that was there
            # What is nearly all different gains nothing from a dictionary, nor from statistics.
            self._writer = parquet.ParquetWriter(
                self._part,
                table.schema,
                use_dictionary=repeated,
                write_statistics=repeated,
                compression={name: "none" if name == TEXT else "snappy" for name in table.column_names},
            )
        self._group.append(self._alike(table, self._writer.schema))
        self._rows, self._size = self._rows + table.num_rows, self._size + len(chunk)
        if self._size >= GROUP:
            self._write_group()

    def _write_group(self) -> None:
        """Write a row group; what a file notes of each stays in memory until it is closed."""
        import pyarrow as pa

        if self._writer is not None and self._group:
            self._writer.write_table(pa.concat_tables(self._group), row_group_size=max(1, self._rows))
        self._group, self._size = [], 0

    def _alike(self, table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
        """Return a table with the kinds of the first chunk, where nothing is lost by it."""
        import pyarrow as pa

        columns = []
        for field, column in zip(schema, table.columns, strict=True):
            if column.type == field.type:
                columns.append(column)
                continue
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

        self._encoder.settled()
        self._write_group()
        if self._writer is not None:
            self._close_writer()
            found = parquet.read_metadata(self._part).num_rows
            if found != self._rows:
                raise OutputError(f"{self._part}: {found:,} rows of {self._rows:,}", "run it again")

    def close(self) -> None:
        """Close both files, each also where the other cannot be."""
        with ExitStack() as last_first:
            last_first.callback(self._close_writer)
            last_first.callback(self._stream.close)
            last_first.callback(self._encoder.close)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()


class WorkbookFile:
    """``OUT.spool``, rows as XML one behind the other, and ``OUT.part``, the workbook made of them."""

    def __init__(self, part: Path, spool: Path, ends: Sequence[int]) -> None:
        self._part, self._spool = part, spool
        self._stream = _at(spool, ends)
        self._lines = sum(chunk.count(b"\n") for chunk in _chunks(spool, ends))

    def append(self, chunk: bytes) -> int:
        """Write a chunk to the spool; raise `InputError` where the sheet would be overfull."""
        self._lines += chunk.count(b"\n")
        if self._lines - 1 > ROWS:  # the first line holds the widths of columns
            raise InputError(
                f"{self._part.stem}: more than the {ROWS - 1:,} rows that a sheet holds beside its header",
                "write CSV or Parquet instead",
            )
        return _append(self._stream, chunk)

    def finish(self) -> None:
        """Make the workbook."""
        with self._spool.open("rb") as lines, self._part.open("w+b") as out:
            write_workbook(lines, self._lines - 1, out)
            out.flush()
            os.fsync(out.fileno())

    def close(self) -> None:
        """Close the spool."""
        self._stream.close()


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
    if file_format == "xlsx":
        return WorkbookFile(beside(out, PART), beside(out, SPOOL), ends)
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
