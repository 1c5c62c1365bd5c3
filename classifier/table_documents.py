"""The rows of one table → its documents; those of JSONL may be parsed by whoever labels them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from classifier.confined import Parsers
from classifier.document import Document, Reading
from classifier.errors import InputError
from classifier.limits import MB, raised
from classifier.spreadsheet_guard import GUARDED, unguarded_row
from classifier.tables import JSONL, JsonLines, OnBad, OnRead, Row, json_parts, numbered_rows
from classifier.text_columns import LOOKED_AT, LOOKED_AT_CHARACTERS, TEXT, fields_of, text_column
from classifier.text_files import Place, shown, suffix_of

BAD_ROWS = 1000  # of one table that are told one by one
Rows = Iterator[tuple[int, Row]]


@dataclass(frozen=True)
class RowReader:
    """What makes documents of the rows of a table.

    ``within`` stands before the number by which a row without an id is named, ``column`` holds the text.
    """

    name: str
    within: str
    column: str
    reading: Reading

    def documents(self, rows: Rows, on_bad: OnBad) -> Iterator[Document]:
        """Yield a document for each row; ``on_bad`` is given the error of each that is none."""
        for number, row in rows:
            try:
                yield self._document(row, f"{self.within}{number}")
            except ValueError as error:
                problem, hint = error.args
                on_bad(InputError(f"{self.name}: row {number}: {problem}", hint))

    def _document(self, row: Row, number: str) -> Document:
        """Return a row as a document; raises ValueError with what is wrong with it, and a hint."""
        limits, id_column, column = self.reading.limits, self.reading.id_column, self.column
        if len(row) > limits.columns:
            raise ValueError(f"more than {limits.columns:,} columns", raised("columns"))
        if column not in row:
            raise ValueError(*_lacking(self.reading, column, row))
        if id_column is not None and id_column not in row:
            raise ValueError(*_lacking(self.reading, id_column, row))
        fields = fields_of(tuple(row), column, id_column)
        text, limit = row[column], limits.characters
        if text is not None and not isinstance(text, str):
            raise ValueError(f"'{column}' is not text: {text!r:.60}", "quote the value")
        for value in row.values():
            if isinstance(value, str) and len(value) > limit:
                raise ValueError(f"a cell of more than {limit:,} characters", raised("characters"))
        known = {fact: _text(row[c]) for fact, c in fields.facts.items()}
        meta = {c: row[c] for c in fields.rest}
        found = Document((fields.id and _text(row[fields.id])) or number, text or "", **known, meta=meta)
        if found.repeated > limits.repeated_mb * MB:
            most = f"{limits.repeated_mb:,} MB"
            problem = f"id and other columns come to more than {most} beside its segments"
            raise ValueError(problem, raised("repeated_mb"))
        return found


@dataclass(frozen=True)
class UnparsedRows:
    """Lines of a JSONL file, and what makes documents of them."""

    lines: JsonLines
    reader: RowReader

    def documents(self, on_bad: OnBad) -> Iterator[Document]:
        """Parse the lines; ``on_bad`` is given the error of each that is no document."""
        return self.reader.documents(self.lines.rows(on_bad, self.reader.reading.limits), on_bad)

    def parsed(self) -> tuple[list[Document], list[InputError]]:
        """Parse the lines; return documents, and the error of each line that is none."""
        errors = list[InputError]()
        return list(self.documents(errors.append)), errors

    def apart(self) -> tuple[UnparsedRows, bytes]:
        """Return them without the lines, and these."""
        return replace(self, lines=replace(self.lines, lines=[])), self.lines.joined()

    def whole(self, bulk: bytes) -> UnparsedRows:
        """Return them with the lines that were taken from them."""
        return replace(self, lines=self.lines.divided(bulk))


@dataclass(frozen=True)
class Parcel:
    """Rows to be parsed by whoever labels them, and who is to be told of their ids and errors."""

    rows: UnparsedRows
    bad: BadRows
    admit: Callable[[str], None] = lambda _: None

    def documents(self) -> Iterator[Document]:
        """Parse the rows here and now."""
        for document in self.rows.documents(self.bad):
            self.admit(document.id)
            yield document
        self.bad.settled()

    def settle(self, ids: Iterable[str], errors: Iterable[InputError]) -> None:
        """Tell what was found in the rows where they were parsed."""
        for error in errors:
            self.bad(error)
        for identifier in ids:
            self.admit(identifier)
        self.bad.settled()


class TableReader:
    """Reads one table as documents.

    Parameters
    ----------
    place : Path or Held
    within : str
        Stands before the number by which a row without an id is named.
    reading : Reading
    leave : callable
        Is given the place and the error of each row that is left out.
    on_column : callable
        Is given the column that was found to hold the text.
    """

    def __init__(
        self,
        place: Place,
        within: str,
        reading: Reading,
        leave: Callable[[Place, InputError], None],
        on_column: Callable[[str], None],
    ) -> None:
        self._place, self._name, self._within, self._reading = place, shown(place), within, reading
        self._bad, self._on_column = BadRows(place, leave), on_column

    def documents(self, on_read: OnRead, parsers: Parsers) -> Iterator[Document | Parcel]:
        """Yield documents; those of JSONL, behind the first ones, in parcels."""
        limits, encoding, suffix = self._reading.limits, self._reading.encoding, suffix_of(self._place)
        if suffix == JSONL:
            yield from self._of_parts(json_parts(self._place, encoding, on_read, limits))
        else:
            options: dict[str, Any] = {"on_bad": self._bad, "limits": limits, "parsers": parsers}
            rows = numbered_rows(self._place, encoding, on_read, **options)
            if suffix in GUARDED:
                rows = ((number, unguarded_row(row, suffix)) for number, row in rows)
            if first := self._first(rows):
                yield from self._reader(first).documents(chain(first, rows), self._bad)
        self._bad.end()

    def _of_parts(self, parts: Iterator[JsonLines]) -> Iterator[Document | Parcel]:
        limits, begun = self._reading.limits, iter(list[tuple[int, Row]]())

        def rows() -> Rows:
            nonlocal begun
            for part in parts:
                begun = part.rows(self._bad, limits)
                for row in begun:  # noqa: UP028 - what is yielded from cannot be gone on with below
                    yield row

        first = self._first(rows())
        if not first:
            return
        reader, some = self._reader(first), False
        for document in reader.documents(chain(first, begun), self._bad):
            some = True
            yield document
        for part in parts:
            if some and not part.long:
                self._bad.expect()
                yield Parcel(UnparsedRows(part, reader), self._bad)
                continue
            for document in reader.documents(part.rows(self._bad, limits), self._bad):
                some = True
                yield document

    def _reader(self, first: Sequence[tuple[int, Row]]) -> RowReader:
        """Return what reads the rows, by the first of them; those that were bad are told."""
        reader = RowReader(self._name, self._within, self._text_column(first), self._reading)
        self._bad.release()
        return reader

    def _first(self, every: Iterator[tuple[int, Row]]) -> list[tuple[int, Row]]:
        """Return the first rows, as many as tell the columns that are needed."""
        needed = {self._reading.text_column or TEXT, self._reading.id_column or TEXT}
        first, size = list[tuple[int, Row]](), 0
        for number, row in islice(every, LOOKED_AT):
            first.append((number, row))
            needed -= set(row)
            size += sum(len(value) for value in row.values() if isinstance(value, str))
            if not needed or size > LOOKED_AT_CHARACTERS:
                break
        return first

    def _text_column(self, first: Sequence[tuple[int, Row]]) -> str:
        """Return the column with the text; check the names given."""
        name = self._name
        allowed = self._reading.limits.columns
        if min(len(row) for _, row in first) > allowed:  # all of them, so that it need not be told of each
            raise InputError(f"{name}: more than {allowed:,} columns", raised("columns"))
        columns = dict.fromkeys(column for _, row in first for column in row)
        for named in (self._reading.text_column, self._reading.id_column):
            if named is not None and named not in columns:
                problem, hint = _lacking(self._reading, named, columns)
                raise InputError(f"{name}: row {first[0][0]}: {problem}", hint)
        if self._reading.text_column is not None:
            return self._reading.text_column
        found = text_column([row for _, row in first])
        if found is None:
            raise InputError(
                f"{name}: no column with Chinese text; columns: {', '.join(columns)}",
                "name it with --text-column",
            )
        self._on_column(found)
        return found


def _lacking(reading: Reading, column: str, columns: Iterable[str]) -> tuple[str, str]:
    option = "--id-column" if column == reading.id_column else "--text-column"
    return f"no column '{column}'; columns: {', '.join(columns)}", f"name it with {option}"


class BadRows:
    """Leaves out bad rows of one table, the first ones with a word on each."""

    def __init__(self, place: Place, leave: Callable[[Place, InputError], None]) -> None:
        self._place, self._leave, self._count = place, leave, 0
        self._waiting: list[InputError] | None = []
        self._under_way, self._ended, self._last = 0, False, ""

    def __call__(self, error: InputError) -> None:
        """Take in the error of a row."""
        if str(error) == self._last:  # that of the file, found anew further down
            return
        self._last = str(error)
        self._count += 1
        if self._count > BAD_ROWS:
            return
        if self._waiting is None:
            self._leave(self._place, error)
        else:
            self._waiting.append(error)

    def release(self) -> None:
        """Tell of those that have come so far: the table itself is not refused."""
        waiting, self._waiting = self._waiting or [], None
        for error in waiting:
            self._leave(self._place, error)

    def expect(self) -> None:
        """Note that rows were handed out, to be parsed elsewhere."""
        self._under_way += 1

    def settled(self) -> None:
        """Note that rows which were handed out have been parsed."""
        self._under_way -= 1
        self._conclude()

    def end(self) -> None:
        """Note that no more rows are read, nor handed out."""
        self._ended = True
        self._conclude()

    def _conclude(self) -> None:
        """Tell, when all are parsed, how many bad ones there were beyond those that were told."""
        if self._under_way or not self._ended:
            return
        self.release()
        if self._count > BAD_ROWS:
            rest = f"{shown(self._place)}: {self._count - BAD_ROWS:,} more rows that cannot be read"
            self._leave(self._place, InputError(rest, "mend those that are named, and read it again"))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
