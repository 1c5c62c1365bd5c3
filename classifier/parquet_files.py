"""Parquet files: their rows in batches small enough to be handed on, however small they were packed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from classifier.errors import InputError
from classifier.limits import FREE, Limits, raised

BATCH = 1000  # rows of a batch, at most
BATCH_BYTES = 10_000_000  # of a batch, at most, but for a single row that is larger
ROW = 8  # times the characters of a cell that a row may have: other cells
_BUFFER = 1 << 20  # bytes of a file that are read ahead
_DAMAGED = "write it again, or as CSV"
_FLATTER = "give a table without lists in lists"


def parquet_batches(source: bytes | Path, name: str, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Yield the number of rows that a file says it has, with each batch of them as an Arrow stream.

    Values are dense: what a file says once and repeats by number stands there each time, so that
    what is handed on is as large as it looks. Of a file without rows there is a batch without any.

    Raises `InputError` for what is no Parquet file, is damaged, or has a row beyond the limits; and
    where it unpacks to more than these allow, behind the batches that they do.
    """
    import pyarrow
    from pyarrow import parquet

    packed = len(source) if isinstance(source, bytes) else source.stat().st_size
    room = max(FREE, packed * limits.ratio)

    where = pyarrow.BufferReader(source) if isinstance(source, bytes) else source
    try:
        with parquet.ParquetFile(where, buffer_size=_BUFFER, pre_buffer=False) as file:
            count = file.metadata.num_rows
            if count > room:
                raise _bomb(name, limits)
            at_once = _rows_at_once(file.metadata)
            if not count:
                yield 0, _as_stream(_dense(_empty(file.schema_arrow)))
            for batch in file.iter_batches(batch_size=at_once, use_threads=False):
                for part in _parts(_dense(batch), name, limits):
                    room -= part.nbytes
                    if room < 0:
                        raise _bomb(name, limits)
                    yield count, _as_stream(part)
    except MemoryError:  # Arrow's own is one too
        raise
    except (OSError, pyarrow.ArrowException, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if "too deeply nested" in reason:
            raise InputError(f"{name}: nested too deeply", _FLATTER) from None
        raise InputError(f"{name}: no Parquet file, or a damaged one ({reason:.100})", _DAMAGED) from None


def _bomb(name: str, limits: Limits) -> InputError:
    return InputError(f"{name}: unpacks to more than {limits.ratio} times its size", raised("ratio"))


def _rows_at_once(metadata: Any) -> int:
    """Return how many rows to unpack at a time, by what a file says of itself."""
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    size = max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=0)
    return max(1, min(BATCH, int(BATCH_BYTES / max(1, size))))


def _dense(batch: Any) -> Any:
    """Return a batch whose columns hold their values themselves."""
    import pyarrow

    columns = [_plain(column) for column in batch.columns]
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _empty(schema: Any) -> Any:
    """Return a batch without rows."""
    import pyarrow

    columns = [pyarrow.array([], field.type) for field in schema]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _plain(column: Any) -> Any:
    import pyarrow

    if isinstance(column, pyarrow.ExtensionArray):
        column = column.storage
    return column.dictionary_decode() if isinstance(column, pyarrow.DictionaryArray) else column


def _parts(batch: Any, name: str, limits: Limits) -> Iterator[Any]:
    """Yield a batch in parts that are as small as they may be."""
    size = sum(_size(column) for column in batch.columns)
    if size <= BATCH_BYTES:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _parts(batch.slice(0, half), name, limits)
        yield from _parts(batch.slice(half), name, limits)
    elif size <= ROW * limits.characters:
        yield batch
    else:
        raise InputError(
            f"{name}: a row of more than {ROW * limits.characters:,} bytes", raised("characters")
        )


def _size(column: Any) -> int:
    """Return about the bytes that a column takes as values: those of lists too that hold nothing."""
    import pyarrow

    inner = list[Any]()
    if isinstance(column, pyarrow.StructArray):
        inner = column.flatten()
    elif isinstance(column, pyarrow.MapArray):
        parts = (column.keys, column.items)
        inner = [pyarrow.ListArray.from_arrays(column.offsets, part).flatten() for part in parts]
    elif pyarrow.types.is_nested(column.type) and hasattr(column, "flatten"):
        inner = [column.flatten()]
    own = 8 * len(column) if inner else int(column.nbytes) + 8 * len(column)
    return own + sum(_size(one) for one in inner)


def _as_stream(batch: Any) -> bytes:
    import pyarrow

    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, batch.schema) as stream:
        stream.write_batch(batch)
    return out.getvalue()
