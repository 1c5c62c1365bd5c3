"""Reading what users have: texts, web pages, Word, PDF, tables and archives, as a stream of documents."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from classifier.archives import ZIP
from classifier.confined import Parsers
from classifier.document import SHORT, Document, Reading
from classifier.errors import InputError, NothingReadError, SkippedError
from classifier.file_readers import FileReader, Work
from classifier.inert_text import on_one_line
from classifier.limits import MB
from classifier.sources import PAGE_SUFFIXES, PDF, WORD, Source, sources_of
from classifier.table_documents import Parcel
from classifier.text_files import BLOCK, STDIN, Place, shown, size_in_bytes, suffix_of

__all__ = ["SHORT", "Document", "Parcel", "Reading", "documents", "fingerprint", "parcels", "size_of"]

AS_FOUND = Reading()
PARSERS = 4  # processes that parse at the same time, at most
NAMES = 100_000  # ids of documents held in memory
HELD = 64 * MB  # bytes of files that are waiting to be parsed, or are being parsed


def documents(
    inputs: Sequence[str | Path],
    reading: Reading = AS_FOUND,
    on_error: Callable[[SkippedError], None] | None = None,
    on_read: Callable[[int], None] = lambda _: None,
    *,
    on_note: Callable[[str], None] = lambda _: None,
    parsers: int = 1,
) -> Iterator[Document]:
    """Yield the documents of files, folders, globs and ``-`` (standard input, as plain text).

    A text, web page, Word or PDF file is one document, named by its path below the input; one in
    a zip archive by the path of that and its path inside. A row of a table is one, named by its
    ``id``, else ``doc_id``, else ``doc``, else, and where that is empty, its number: alone where
    there is one table, else behind the table's name and a colon. The column of a table that holds
    the text is the one of `Reading`, else found by `text_columns.text_column`.

    What is known of a document is in its fields; the address of a web page in ``meta["url"]``, the
    day on which a Word or PDF file says that it was saved in ``meta["file_date"]``: it need not
    be that of the text.

    Parameters
    ----------
    inputs : sequence of str or Path
    reading : Reading
    on_error : callable, optional
        Is given each file, and each row of a table or page of a PDF file, that cannot be read;
        the rest is read. By default the first is raised.
    on_read, on_note : callable
        Are told of bytes read, and in a line of what was chosen.
    parsers : int
        Web pages, Word and PDF files parsed at the same time, each in a process of its own; at
        most `PARSERS`. What is yielded does not depend on it.

    Raises
    ------
    InputError
        For an input that is missing, and a doubled id; without ``on_error`` for what cannot be
        read. `NothingReadError` where there was nothing else.
    """
    found = parcels(inputs, reading, on_error, on_read, on_note=on_note, parsers=parsers)
    for one in found:
        if isinstance(one, Parcel):
            yield from one.documents()
        else:
            yield one


def parcels(
    inputs: Sequence[str | Path],
    reading: Reading = AS_FOUND,
    on_error: Callable[[SkippedError], None] | None = None,
    on_read: Callable[[int], None] = lambda _: None,
    *,
    on_note: Callable[[str], None] = lambda _: None,
    parsers: int = 1,
) -> Iterator[Document | Parcel]:
    """Yield the same as `documents`; rows of JSONL behind the first ones in parcels that nobody has parsed.

    Of a parcel, errors and doubled ids are told when it is parsed or settled; that is to be done in order.
    """
    sources = [source for name in inputs for source in sources_of(name)]
    skipped, parsers = _Skipped(on_error), min(parsers, PARSERS)
    seen = _Names()
    with Parsers(reading.limits, parsers) as processes:
        reader = FileReader(reading, processes, skipped.leave, on_read, on_note)
        for work in _ahead(reader.works(sources), 2 * parsers):
            found, place = work.documents(), shown(work.place)
            while (one := skipped.next_of(found, work.place)) is not None:
                if isinstance(one, Parcel):
                    yield replace(one, admit=partial(seen.admit, place))
                    continue
                seen.admit(place, one.id)
                yield one if seen.count > 1 else _with_columns(one, sources)
    if skipped.first is not None and not seen.count:
        raise skipped.nothing_read()


def _ahead(works: Iterator[Work], count: int) -> Iterator[Work]:
    """Yield works in order while the next ones have begun: so many, and so many bytes of them."""
    waiting, held = deque[Work](), 0
    for work in works:
        waiting.append(work)
        held += work.held
        while len(waiting) > count or (held > HELD and waiting):
            held -= waiting[0].held
            yield waiting.popleft()
    yield from waiting


def _with_columns(first: Document, sources: Sequence[Source]) -> Document:
    """Return the first document with a place for all that may be known of later ones.

    What the first documents bring settles the columns of an output.
    """
    suffixes = {suffix_of(source.place) for source in sources}
    columns = {
        "url": suffixes & {ZIP, *PAGE_SUFFIXES},
        "file_date": suffixes & {ZIP, WORD, PDF},
    }
    extra = {column: None for column, needed in columns.items() if needed}
    return replace(first, meta={**extra, **first.meta}) if extra else first


class _Skipped:
    """What is left out: told one by one, and counted."""

    def __init__(self, on_error: Callable[[SkippedError], None] | None) -> None:
        self._on_error, self._more = on_error, 0
        self.first: SkippedError | None = None

    def leave(self, place: Place, error: InputError) -> None:
        """Tell of a file, or of a part of one; raise its error where nobody is there to be told."""
        name = shown(place)
        skipped = SkippedError(name, on_one_line(str(error).removeprefix(f"{name}: ")), error.hint)
        if self._on_error is None:
            raise skipped
        if self.first is None:
            self.first = skipped
        else:
            self._more += 1
        self._on_error(skipped)

    def next_of(self, found: Iterator[Document | Parcel], place: Place) -> Document | Parcel | None:
        """Return what comes next of a file; None where there are no more, or it cannot be read on."""
        try:
            return next(found, None)
        except InputError as error:
            self.leave(place, error)
            return None

    def nothing_read(self) -> NothingReadError:
        """Return the error where nothing else was there."""
        assert self.first is not None  # noqa: S101 - asked where something was left out
        more = f" (and {self._more} more that cannot be read)" if self._more else ""
        return NothingReadError(f"{self.first}{more}", self.first.hint)


class _Names:
    """The ids seen so far and where, the first in memory, the rest in a temporary database.

    There may be more than memory should hold.
    """

    def __init__(self) -> None:
        self.count = 0
        self._held = dict[bytes, int]()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE name (id BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID")
        self._database.execute("BEGIN")
        self._places: dict[str, int] = {}

    def __del__(self) -> None:  # parcels may be settled when all is read
        self._database.close()

    def admit(self, place: str, identifier: str) -> None:
        """Take in an id; raise `InputError` where it stood before."""
        first = self.add(identifier, place)
        if first is not None:
            raise InputError(
                f"{place}: id '{on_one_line(identifier)}' stands twice (first in {first})",
                "give each document a name of its own: another --id-column, other file names",
            )

    def add(self, identifier: str, place: str) -> str | None:
        """Take in an id; return the place where it stood before, if it did."""
        self.count += 1
        key = identifier.encode("utf-8", "surrogatepass")
        number = self._places.setdefault(place, len(self._places))
        first = self._held.get(key)
        if first is None and len(self._held) < NAMES:
            self._held[key] = number
        elif first is None:
            try:
                self._database.execute("INSERT INTO name VALUES (?, ?)", (key, number))
            except sqlite3.IntegrityError:
                ((first,),) = self._database.execute("SELECT place FROM name WHERE id = ?", (key,))
        return None if first is None else list(self._places)[int(first)]


def fingerprint(inputs: Sequence[str | Path]) -> str:
    """Return a hash of the names and contents of inputs; "" where standard input is among them.

    Raises `InputError` where an input is missing. A file that cannot be read counts as empty.
    """
    whole = hashlib.sha256()
    for name in inputs:
        if str(name) == STDIN:
            return ""
        for source in sources_of(name):
            own = hashlib.sha256()
            with suppress(OSError):
                for block in _blocks(source.place):
                    own.update(block)
            whole.update(f"{source.id}\0{own.hexdigest()}\n".encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _blocks(place: Place) -> Iterator[bytes]:
    """Yield the bytes of a file as it lies there; of what is no file none."""
    if isinstance(place, Path) and place.is_file():
        with place.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield block


def size_of(inputs: Sequence[str | Path]) -> int | None:
    """Return the bytes of the files of inputs, to tell how far a run is; None with standard input."""
    if STDIN in map(str, inputs):
        return None
    return sum(size_in_bytes(source.place) for name in inputs for source in sources_of(name))
