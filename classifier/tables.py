"""Reading tables: CSV, TSV, JSONL, Parquet and Excel workbooks, row by row."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from classifier.document import CHUNK
from classifier.errors import InputError
from classifier.json_values import refuse_deep, refuse_halves
from classifier.limits import LIMITS, Limits, raised
from classifier.text_files import (
    Held,
    Place,
    changed,
    opened,
    read_bytes,
    shown,
    size_in_bytes,
    suffix_of,
)
from classifier.text_lines import LINE, LongLine, lines_of, utf8_lines_of

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from classifier.confined import Parsers

JSONL = ".jsonl"
TABLE_SUFFIXES = (".csv", ".tsv", JSONL, ".parquet", ".xlsx")
CHUNK_BYTES = 1_500_000  # of lines in a part, about
LONG = 8_000  # characters of a line that stands alone in its part: see `JsonLines.long`
NO_VALUE = (ValueError, ArithmeticError, LookupError)  # of days beyond the year 9999, unknown time zones
OnRead = Callable[[int], None]
OnBad = Callable[[InputError], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class JsonLines:
    """Some lines of a JSONL file, not yet parsed; ``before`` and ``rows_before`` count what stands above."""

    name: str
    lines: Sequence[bytes] = ()
    before: int = 0
    rows_before: int = 0

    @property
    def long(self) -> bool:
        """Whether this is one long line: a document of it may come to more rows than a chunk should."""
        return len(self.lines) == 1 and _is_long(self.lines[0])

    def behind(self, lines: Sequence[bytes]) -> JsonLines:
        """Return the lines that follow these."""
        rows = len(self.lines) - sum(map(_is_blank, self.lines))
        return JsonLines(self.name, lines, self.before + len(self.lines), self.rows_before + rows)

    def rows(self, leave: OnBad, limits: Limits = LIMITS) -> Iterator[tuple[int, Row]]:
        """Yield the rows, numbered from 1 for the first of the file; ``leave`` is given errors."""
        number = self.rows_before
        for at, line in enumerate(self.lines, self.before + 1):
            if _is_blank(line):
                continue
            number += 1
            try:
                yield number, _json_row(line, f"{self.name}: line {at}", limits)
            except InputError as error:
                leave(error)
            except UnicodeDecodeError:
                leave(changed(self.name))
                return

    def joined(self) -> bytes:
        """Return the lines as bytes."""
        return b"".join(self.lines)

    def divided(self, joined: bytes) -> JsonLines:
        """Return these with the lines that were `joined`."""
        return replace(self, lines=list(io.BytesIO(joined)))


def json_parts(
    place: Place, encoding: str | None = None, on_read: OnRead = lambda _: None, limits: Limits = LIMITS
) -> Iterator[JsonLines]:
    """Return the lines of a JSONL file in parts of a chunk at most.

    Raises `InputError` as `numbered_rows` does.
    """
    options: dict[str, Any] = {"longest": LINE * limits.characters, "on_read": on_read, "limits": limits}
    return _parts(utf8_lines_of(place, encoding, **options), shown(place))


def _parts(lines: Iterator[bytes], name: str) -> Iterator[JsonLines]:
    part, held, size, alone = JsonLines(name), list[bytes](), 0, False
    try:
        for line in lines:
            long = _is_long(line)
            if held and (long or alone or len(held) >= CHUNK or size >= CHUNK_BYTES):
                part = part.behind(held)
                yield part
                held, size = [], 0
            held.append(line)
            size, alone = size + len(line), long
    except InputError:
        if held:  # what was read before is not lost
            yield part.behind(held)
        raise
    if held:
        yield part.behind(held)


def _is_long(line: bytes) -> bool:
    return len(line) > LONG and len(line.decode(errors="replace")) > LONG


def _is_blank(line: bytes) -> bool:
    return not line.startswith(b"{") and line.decode(errors="replace").isspace()


def table_rows(place: Place, encoding: str | None = None, on_read: OnRead = lambda _: None) -> Iterator[Row]:
    """Yield the rows of a CSV, TSV, JSONL, Parquet or XLSX file; see `numbered_rows`.

    Raises `InputError` with file and row where a row does not fit the header.
    """
    return _within_fixed_limits(numbered_rows(place, encoding, on_read))


def _within_fixed_limits(found: Iterator[tuple[int, Row]]) -> Iterator[Row]:
    with fixed_limits():
        for _, row in found:
            yield row


@contextmanager
def fixed_limits() -> Iterator[None]:
    """Name another remedy where an error names a limit, and the command has no option to raise it."""
    try:
        yield
    except InputError as error:
        if "--limit" in error.hint:
            raise InputError(str(error), "this is as much as is read; split it, or write it as CSV") from None
        raise


def numbered_rows(
    place: Place,
    encoding: str | None = None,
    on_read: OnRead = lambda _: None,
    *,
    on_bad: OnBad | None = None,
    limits: Limits = LIMITS,
    parsers: Parsers | None = None,
) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a table, numbered from 1, bad ones counted; cells of CSV and XLSX are text.

    The encoding of a file is settled before the first row; memory holds a few hundred rows only, but for
    workbooks, of which the first sheet is read. These and Parquet files are read in another process.

    Parameters
    ----------
    place : Path or Held
    encoding : str, optional
        Of CSV, TSV and JSONL; by default it is found out.
    on_read : callable
        Is told of bytes read.
    on_bad : callable, optional
        Is given the error of a row that cannot be read, and the rest is read; by default the
        error is raised.
    limits : Limits
    parsers : Parsers, optional
        Who parses workbooks and Parquet files; by default a process started for this one.

    Raises
    ------
    InputError
        With file and row where a row does not fit the header.
    """
    suffix = suffix_of(place)
    if not isinstance(place, Held) and not place.exists():
        raise InputError(f"{shown(place)}: no such file or folder", "check the path")
    if suffix not in TABLE_SUFFIXES:
        raise InputError(f"{shown(place)}: unknown format '{suffix}'", f"tables: {', '.join(TABLE_SUFFIXES)}")
    if suffix == ".xlsx":
        return enumerate(_sheet_rows(place, limits, parsers), 1)
    if suffix == ".parquet":
        return enumerate(_parquet_rows(place, on_read, limits, parsers), 1)
    leave, longest = on_bad or _raise, LINE * limits.characters
    if suffix == JSONL:
        parts = json_parts(place, encoding, on_read, limits)
        return chain.from_iterable(part.rows(leave, limits) for part in parts)
    lines = lines_of(place, encoding, longest=longest, on_read=on_read, limits=limits)
    return _csv_rows(_Rows(lines, longest, limits), shown(place), "\t" if suffix == ".tsv" else ",", leave)


def _raise(error: InputError) -> None:
    raise error


class _Rows:
    """The lines of a CSV file, counted from the start of each row, of which none may be too long."""

    def __init__(self, lines: Iterator[str], longest: int, limits: Limits) -> None:
        self._lines, self._longest, self._limits, self._so_far = lines, longest, limits, 0

    def begin(self) -> None:
        """Note that a row begins with the next line."""
        self._so_far = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._so_far += len(line)
        if isinstance(line, LongLine) or self._so_far > self._longest:
            raise _too_long(self._limits)
        return line


def _too_long(limits: Limits) -> ValueError:
    return ValueError(f"longer than {LINE * limits.characters:,} characters")


def _csv_rows(lines: _Rows, name: str, delimiter: str, leave: OnBad) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(2**31 - 1)  # an article in one cell is longer than the library's default allows
    # Strict: a quote that never closes is an error; else the rest of the table would become one cell.
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header, number, last = list[str](), 0, 0  # last: the line on which the last whole row ended
    while True:
        lines.begin()
        try:
            cells = next(rows, None)
        except csv.Error as error:
            problem = f"{name}: row on line {last + 1}: {error}"
            found = InputError(problem, "quote cells that begin with a quote, and double it inside")
        except ValueError as error:
            found = InputError(f"{name}: row on line {last + 1}: {error}", raised("characters"))
        else:
            if cells is None:
                return
            last = rows.line_num
            if not header:
                _refuse_doubled(cells, name)
                header = cells
            elif cells:
                number += 1
                if len(cells) == len(header):
                    yield number, dict(zip(header, cells, strict=True))
                else:
                    leave(_of_other_length(name, number, len(cells), len(header)))
            continue
        last = rows.line_num
        if not header:
            raise found
        number += 1
        leave(found)


def _of_other_length(name: str, number: int, cells: int, columns: int) -> InputError:
    return InputError(
        f"{name}: row {number} has {cells} cells, the header {columns}",
        "cells that hold a comma, a quote or a line break must be quoted",
    )


def _json_row(raw: bytes, where: str, limits: Limits) -> Row:
    if len(raw) > LINE * limits.characters and len(raw.decode(errors="replace")) > LINE * limits.characters:
        raise InputError(f"{where} is {_too_long(limits)}", raised("characters"))
    line = raw.decode("utf-8", "surrogatepass")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON ({error})", "one JSON object a line") from None
    if not isinstance(row, dict):
        raise InputError(f"{where} is no JSON object", 'such as {"id": "1", "text": "…"}')
    refuse_deep(row, line, where, limits)
    refuse_halves(row, line, where)
    return row


def _parquet_rows(place: Place, on_read: OnRead, limits: Limits, parsers: Parsers | None) -> Iterator[Row]:
    for batch in parquet_parts(place, on_read, limits, parsers):
        columns = [
            _values(column, name, shown(place))
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield from (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True))


def _values(column: Any, name: str, file: str) -> list[Any]:
    """Return what a column of a batch holds, as Python has it."""
    import pyarrow

    try:
        found: list[Any] = column.to_pylist()
    except (pyarrow.ArrowException, *NO_VALUE) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{file}: column '{name}' holds what cannot be read ({reason:.100})",
            "write it as text, or leave it out",
        ) from None
    return found


def parquet_parts(
    place: Place, on_read: OnRead = lambda _: None, limits: Limits = LIMITS, parsers: Parsers | None = None
) -> Iterator[RecordBatch]:
    """Yield the rows of a Parquet file as batches of columns, at least one; see `numbered_rows`."""
    from classifier.confined import Parsers

    name, path, data, so_far = shown(place), None, b"", 0
    if isinstance(place, Held) or place.suffix.lower() != ".parquet":
        data = read_bytes(place, limits)
    else:
        path = bytes(place).hex()  # so that it need not be in memory
        with opened(place):  # what the system refuses is told in its words
            pass
    with Parsers(limits) if parsers is None else nullcontext(parsers) as ours:
        for count, stream in ours.batches(name, data, path=path):
            batch = _batch(stream, name)
            if not so_far:
                _refuse_doubled(batch.schema.names, name)
            so_far += batch.num_rows
            yield batch
            on_read(int(size_in_bytes(place) / max(1, count) * batch.num_rows))


def _batch(stream: bytes, name: str) -> RecordBatch:
    """Return the rows in an Arrow stream that another process has made, once they make sense."""
    import pyarrow

    try:
        with pyarrow.ipc.open_stream(stream) as batches:
            batch = batches.read_next_batch()
            batch.validate(full=True)
    except (OSError, pyarrow.ArrowException, StopIteration) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(f"{name}: damaged ({reason:.100})", "write it again, or as CSV") from None
    return batch


def _refuse_doubled(header: Sequence[str], name: str) -> None:
    count = Counter(header)
    doubled = next((column for column in header if count[column] > 1), None)
    if doubled is not None:
        above = "" if doubled else ", and delete rows above the header"
        raise InputError(
            f"{name}: column '{doubled}' stands twice in the header", f"give each column its own name{above}"
        )


def _sheet_rows(place: Place, limits: Limits, parsers: Parsers | None) -> Iterator[Row]:
    """Yield the rows of a workbook's first sheet; empty rows are left out."""
    from classifier.confined import Parsers

    name, data = shown(place), read_bytes(place, limits)
    header: list[str] | None = None
    with Parsers(limits) if parsers is None else nullcontext(parsers) as ours:
        for cells in ours.rows(name, data):
            if header is None:
                header = cells
                _refuse_doubled(header, name)
            else:
                yield dict(zip(header, cells, strict=True))
