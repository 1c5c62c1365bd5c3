"""One file → its documents: whichever way its format is read, within the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

from classifier.archives import ZIP, Member
from classifier.confined import Parsers
from classifier.document import Document, Reading
from classifier.errors import InputError
from classifier.inert_text import on_one_line
from classifier.limits import MB, raised
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
from classifier.table_documents import Parcel, TableReader
from classifier.tables import TABLE_SUFFIXES
from classifier.text_columns import TEXT
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

GARBLED = 0.4  # share of common characters below which a PDF file's text is no text
SNAPSHOTS = (".mhtml", ".mht")
FACT = 1_000  # characters of a title, source or address that a file gives: what is longer is none
# What to do about parts that were left out
_REST = {
    PDF: "look at these pages; recognise their text, such as with ocrmypdf",
    WORD: "open it in Word, save it anew",
}


@dataclass(frozen=True)
class Work:
    """A file whose reading has begun: where it is, the bytes that it holds in memory, and its documents."""

    place: Place
    held: int
    documents: Callable[[], Iterator[Document | Parcel]]


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
                return Work(place, held, lambda: self._table(source))
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

    def _table(self, source: Source) -> Iterator[Document | Parcel]:
        place = source.place
        # Of many tables the rows' numbers alone would be doubled; in an archive there may be many.
        within = f"{source.id}:" if self._many_tables or isinstance(place, Held) else ""
        on_read = (lambda _: None) if isinstance(place, Held) else self._on_read
        table = TableReader(place, within, self._reading, self._leave, partial(self._tell, shown(place)))
        return table.documents(on_read, self._parsers)

    def _tell(self, name: str, column: str) -> None:
        """Say which column holds the text, where that is not plain."""
        if column not in (TEXT, self._column_told):
            told = f"{on_one_line(column):.60}"
            self._note(f"{name}: the text is taken from column '{told}'; another: --text-column")
            self._column_told = column


def _failing(place: Place, error: InputError) -> Work:
    """Return the work of a file that cannot be read: its error, when its turn comes."""

    def fail() -> Iterator[Document]:
        raise error
        yield  # makes this a generator

    return Work(place, 0, fail)


def _cut(fact: str) -> str:
    return fact if len(fact) <= FACT else f"{fact[: FACT - 1]}…"
