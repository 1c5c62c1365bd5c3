"""One file → its documents: whichever way its format is read, within the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any

from classifier.archives import ZIP, Member
from classifier.confined import Parsers
from classifier.errors import InputError
from classifier.inert_text import on_one_line
from classifier.limits import LIMITS, MB, Limits, raised
from classifier.parsed import Parsed
from classifier.sources import (
    FOREIGN,
    PAGE_SUFFIXES,
    PDF,
    READABLE,
    TEXT_SUFFIXES,
    WORD,
    Source,
    refuse_special,
    wanted_endings,
)
from classifier.spreadsheet_guard import GUARDED, unguarded_row
from classifier.tables import TABLE_SUFFIXES, Row, numbered_rows
from classifier.text_columns import LOOKED_AT, LOOKED_AT_CHARACTERS, TEXT, fields_of, text_column
from classifier.text_files import (
    STDIN,
    Held,
    Place,
    common_share,
    decode_page,
    read_bytes,
    read_text,
    shown,
    size_in_bytes,
    suffix_of,
)
from classifier.web_pages import declared_encoding

BAD_ROWS = 1000  # of one table that are told one by one
GARBLED = 0.4  # share of common characters below which a PDF file's text is no text
SNAPSHOTS = (".mhtml", ".mht")
SHORT = 10  # characters of a short segment
FACT = 1_000  # characters of a title, source or address that a file gives: what is longer is none
# What to do about parts that were left out
_REST = {
    PDF: "look at these pages; recognise their text, such as with ocrmypdf",
    WORD: "open it in Word, save it anew",
}


@dataclass(frozen=True)
class Document:
    """One article, or one row of a table; ``meta`` holds the row's other columns."""

    id: str
    text: str
    title: str = ""
    date: str = ""
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def repeated(self) -> int:
        """How many characters stand beside the text, said again for each of its segments if short.

        >>> Document("甲", "村里修好了三条水泥路。", "修路").repeated
        6
        """
        beside = len(self.id) + len(self.title) + len(self.date) + len(self.source)
        if self.meta:
            beside += sum(map(len, self.meta)) + sum(map(_length, self.meta.values()))
        return (len(self.text) // SHORT + 1) * beside


@dataclass(frozen=True)
class Reading:
    """How files are to be read; None leaves the choice to the rules in `documents`."""

    text_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    limits: Limits = LIMITS


@dataclass(frozen=True)
class Work:
    """A file whose reading has begun: where it is, the bytes that it holds in memory, and its documents."""

    place: Place
    held: int
    documents: Callable[[], Iterator[Document]]


@dataclass
class _Room:
    """The bytes that an archive, with all archives in it, may still unpack to."""

    left: int


class FileReader:
    """Reads files as documents.

    Parameters
    ----------
    reading : Reading
    parsers : Parsers
    leave : callable
        Is given the place and the error of a part that is left out: a row, some pages.
    on_read : callable
        Is told of bytes read.
    note : callable
        Is told, in a line, what was chosen.
    """

    def __init__(
        self,
        reading: Reading,
        parsers: Parsers,
        leave: Callable[[Place, InputError], None],
        on_read: Callable[[int], None],
        note: Callable[[str], None],
    ) -> None:
        self._reading, self._parsers = reading, parsers
        self._leave, self._on_read, self._note = leave, on_read, note
        self._column_told: str | None = None
        self._many_tables = False

    def works(self, sources: Sequence[Source]) -> Iterator[Work]:
        """Begin to read files, those of archives one by one, in order."""
        self._many_tables |= sum(suffix_of(source.place) in TABLE_SUFFIXES for source in sources) > 1
        for source in sources:
            if source.error is not None:
                yield _failing(source.place, source.error)
            elif suffix_of(source.place) == ZIP:
                room = _Room(self._reading.limits.unpacked_mb * MB)
                yield from self._archive(source.place, source.id, 1, room)
                self._has_read(source.place)
            else:
                yield self._work(source)

    def _has_read(self, place: Place) -> None:
        """Tell that a file is read; those of an archive count with it."""
        if not isinstance(place, Held):
            self._on_read(size_in_bytes(place))

    # --- archives ---

    def _archive(self, place: Place, identifier: str, depth: int, room: _Room) -> Iterator[Work]:
        limits, some = self._reading.limits, False
        try:
            if depth > limits.nesting:
                raise InputError(f"{shown(place)}: deeper than {limits.nesting} archives", raised("nesting"))
            for member in self._members(place, room):
                some = True
                held = Held(PurePosixPath(shown(place), member.name.lstrip("/")), member.data)
                source = Source(f"{identifier}/{member.name}", held, member.error)
                if member.error is None and suffix_of(held) == ZIP:
                    yield from self._archive(held, source.id, depth + 1, room)
                else:
                    yield from self.works([source])
            if not some:
                raise InputError(f"{shown(place)}: no readable file in it", f"read are {', '.join(READABLE)}")
        except InputError as error:
            yield _failing(place, error)

    def _members(self, place: Place, room: _Room) -> Iterator[Member]:
        """Yield the files in an archive."""
        path, data = None, b""
        if isinstance(place, Held) or place.suffix.lower() != ZIP:
            data = read_bytes(place, self._reading.limits)
        else:
            refuse_special(place)
            path = bytes(place).hex()  # so that it need not be in memory
        for member in self._parsers.members(
            shown(place), data, path=path, wanted=wanted_endings(), room=room.left
        ):
            room.left -= len(member.data)
            yield member

    # --- single files ---

    def _work(self, source: Source) -> Work:
        """Begin to read a file: what other processes do is begun now, the rest when its turn comes."""
        suffix, place = suffix_of(source.place), source.place
        held = len(place.data) if isinstance(place, Held) else 0
        try:
            if str(place) != STDIN and not isinstance(place, Held):
                refuse_special(place)
            if suffix in TABLE_SUFFIXES:
                return Work(place, held, lambda: self._rows(source))
            if suffix in TEXT_SUFFIXES or str(place) == STDIN:
                return Work(place, held, lambda: self._text(source))
            if suffix not in (WORD, PDF, *PAGE_SUFFIXES):
                raise InputError(
                    f"{shown(place)}: unknown format '{suffix}'",
                    FOREIGN.get(suffix, f"read are {', '.join(READABLE)}"),
                )
            data = read_bytes(place, self._reading.limits)
        except InputError as error:
            return _failing(place, error)
        if suffix in PAGE_SUFFIXES:
            parsed = self._parsers.later(self._page, place, data, suffix)
        else:
            parsed = self._parsers.later(
                self._parsers.document, "pdf" if suffix == PDF else "word", shown(place), data
            )
        return Work(place, len(data), lambda: self._parsed(source, parsed))

    def _text(self, source: Source) -> Iterator[Document]:
        limits, name = self._reading.limits, shown(source.place)
        text = read_text(source.place, self._reading.encoding, limits)
        if "\0" in text:
            hint = "if it is a text, name its encoding, such as --encoding utf-16-le"
            raise InputError(f"{name}: NUL characters, as no text has them", hint)
        if len(text) > limits.characters:
            raise InputError(f"{name}: more than {limits.characters:,} characters", raised("characters"))
        self._has_read(source.place)
        yield Document(source.id, text)

    def _page(self, place: Place, data: bytes, suffix: str) -> Parsed:
        name, address, encoding = shown(place), "", None
        if suffix in SNAPSHOTS:
            data, encoding, address = self._parsers.snapshot(name, data)
        declared = encoding or declared_encoding(data)
        text = decode_page(data, name, declared, self._reading.encoding)
        parsed = self._parsers.document("page", name, text.encode())
        return replace(parsed, url=parsed.url or address)

    def _parsed(self, source: Source, parsed: Future[Parsed]) -> Iterator[Document]:
        found, place = parsed.result(), source.place
        if suffix_of(place) == PDF and common_share(found.text) < GARBLED:
            raise InputError(
                f"{shown(place)}: its text layer is garbled", "recognise its text anew, such as with ocrmypdf"
            )
        for problem in found.left_out:
            self._leave(place, InputError(f"{shown(place)}: {problem}", _REST[suffix_of(place)]))
        self._has_read(place)
        url = found.url if len(found.url) <= FACT else ""
        meta = {"url": url} if suffix_of(place) in PAGE_SUFFIXES else {"file_date": found.file_date}
        title, origin = _cut(found.title), _cut(found.source)
        yield Document(source.id, found.text, title, found.date, origin, meta)

    # --- tables ---

    def _rows(self, source: Source) -> Iterator[Document]:
        place = source.place
        bad = _BadRows(place, self._leave)
        # Of many tables the rows' numbers alone would be doubled; in an archive there may be many.
        within = f"{source.id}:" if self._many_tables or isinstance(place, Held) else ""
        found = numbered_rows(
            place,
            self._reading.encoding,
            (lambda _: None) if isinstance(place, Held) else self._on_read,
            on_bad=bad,
            limits=self._reading.limits,
            parsers=self._parsers,
        )
        suffix = suffix_of(place)
        every = found
        if suffix in GUARDED:
            every = ((number, unguarded_row(row, suffix)) for number, row in found)
        first = self._first(every)
        if first:
            name = shown(place)
            column = self._text_column(name, first)
            bad.release()
            for number, row in chain(first, every):
                try:
                    yield self._row(row, f"{within}{number}", column)
                except ValueError as error:
                    problem, hint = error.args
                    bad(InputError(f"{name}: row {number}: {problem}", hint))
        bad.conclude()

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

    def _text_column(self, name: str, first: Sequence[tuple[int, Row]]) -> str:
        """Return the column with the text, and say which, where nobody named it; check the names given."""
        allowed = self._reading.limits.columns
        if min(len(row) for _, row in first) > allowed:  # all of them, so that it need not be told of each
            raise InputError(f"{name}: more than {allowed:,} columns", raised("columns"))
        columns = dict.fromkeys(column for _, row in first for column in row)
        for named in (self._reading.text_column, self._reading.id_column):
            if named is not None and named not in columns:
                problem, hint = self._lacking(named, columns)
                raise InputError(f"{name}: row {first[0][0]}: {problem}", hint)
        if self._reading.text_column is not None:
            return self._reading.text_column
        found = text_column([row for _, row in first])
        if found is None:
            raise InputError(
                f"{name}: no column with Chinese text; columns: {', '.join(columns)}",
                "name it with --text-column",
            )
        if found not in (TEXT, self._column_told):
            told = f"{on_one_line(found):.60}"
            self._note(f"{name}: the text is taken from column '{told}'; another: --text-column")
            self._column_told = found
        return found

    def _lacking(self, column: str, columns: Iterable[str]) -> tuple[str, str]:
        option = "--id-column" if column == self._reading.id_column else "--text-column"
        return f"no column '{column}'; columns: {', '.join(columns)}", f"name it with {option}"

    def _row(self, row: Row, number: str, column: str) -> Document:
        """Return a row as a document; raises ValueError with what is wrong with it, and a hint."""
        limits, id_column = self._reading.limits, self._reading.id_column
        if len(row) > limits.columns:
            raise ValueError(f"more than {limits.columns:,} columns", raised("columns"))
        if column not in row:
            raise ValueError(*self._lacking(column, row))
        if id_column is not None and id_column not in row:
            raise ValueError(*self._lacking(id_column, row))
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


class _BadRows:
    """Leaves out bad rows of one table, the first ones with a word on each."""

    def __init__(self, place: Place, leave: Callable[[Place, InputError], None]) -> None:
        self._place, self._leave, self._count = place, leave, 0
        self._waiting: list[InputError] | None = []

    def __call__(self, error: InputError) -> None:
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

    def conclude(self) -> None:
        """Tell how many there were beyond those."""
        self.release()
        if self._count > BAD_ROWS:
            rest = f"{shown(self._place)}: {self._count - BAD_ROWS:,} more rows that cannot be read"
            self._leave(self._place, InputError(rest, "mend those that are named, and read it again"))


def _failing(place: Place, error: InputError) -> Work:
    """Return the work of a file that cannot be read: its error, when its turn comes."""

    def fail() -> Iterator[Document]:
        raise error
        yield  # makes this a generator

    return Work(place, 0, fail)


def _cut(fact: str) -> str:
    return fact if len(fact) <= FACT else f"{fact[: FACT - 1]}…"


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0 if value is None else len(str(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
