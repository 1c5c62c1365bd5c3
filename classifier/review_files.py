"""A review store as a file of lines, and back, exactly: to keep it, to move it, to put two together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from classifier.codebook import Codebook, codebook_from_text
from classifier.errors import FupinError, InputError
from classifier.review_adding import add_items, check_codes, note_source, use_book
from classifier.review_items import codebook_id
from classifier.review_lines import (
    CODEBOOK,
    END,
    EVENT,
    FORM,
    ITEM,
    SOURCE,
    VERSION,
    Line,
    read_lines,
    written,
)
from classifier.review_recording import Recording, whole_events
from classifier.review_rows import event_of, item_of
from classifier.review_schema import codebooks, events, items, sources
from classifier.review_store import ReviewStore
from classifier.whole_file import whole_file

BATCH = 5_000  # lines taken in at a time


@dataclass(frozen=True)
class Imported:
    """How many lines of each kind a file had, and how many of these were new."""

    items: int = 0
    new_items: int = 0
    events: int = 0
    new_events: int = 0


def export_store(store: ReviewStore, out: Path) -> None:
    """Write all that a store holds, as it was at one moment, whole or not at all.

    Raises `ReviewError` where the store cannot be read, `OutputError` where the place cannot be
    written.
    """
    with whole_file(out) as stream:
        stream.writelines(exported_lines(store))


def exported_lines(store: ReviewStore) -> Iterator[str]:
    """Yield the lines of an export."""
    yield written(VERSION, {"form": FORM})
    counts = dict.fromkeys((CODEBOOK, SOURCE, ITEM, EVENT), 0)
    with store.reading(snapshot=True) as connection:
        for kind, values in _all(connection):
            counts[kind] += 1
            yield written(kind, values)
    yield written(END, {f"{kind}s": count for kind, count in counts.items()})


def _all(connection: Connection) -> Iterator[tuple[str, Any]]:
    for row in connection.execute(select(codebooks).order_by(codebooks.c.number)):
        yield CODEBOOK, {"name": row.name, "yaml": row.yaml}
    for row in connection.execute(select(sources).order_by(sources.c.number)):
        yield SOURCE, {"name": row.name, "codebook": row.codebook, "options": json.loads(row.options)}
    streaming = connection.execution_options(yield_per=BATCH)
    for found in streaming.execute(select(items).order_by(items.c.number)).mappings():
        yield ITEM, item_of(found)
    for found in streaming.execute(whole_events().order_by(events.c.number)).mappings():
        yield EVENT, event_of(found)


def import_store(path: Path, store: ReviewStore) -> Imported:
    """Take in what `export_store` wrote: all of it or, where something does not fit, nothing.

    An empty store becomes what the other one was. A store that has part of it gets the rest: what
    it has stays as it is, and decisions follow its own. What a coder decided about a segment in two
    stores, differently and without knowing of the other, cannot be put together and is refused.

    Parameters
    ----------
    path : Path
    store : ReviewStore

    Raises
    ------
    InputError
        With file, line and value.
    """
    with closing(read_lines(path)) as found, store.writing() as connection:
        taking = _Taking(connection, path.name)
        for kind, lines in groupby(found, key=lambda line: line.kind):
            while batch := list(islice(lines, BATCH)):
                taking.take(kind, batch)
        return Imported(**taking.counts)


class _Taking:
    """Takes in lines, inside a transaction."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self._books: dict[str, Codebook] = {}
        self._order: list[str] = []
        self.counts = {"items": 0, "new_items": 0, "events": 0, "new_events": 0}

    def take(self, kind: str, lines: list[Line]) -> None:
        """Take in lines of one kind."""
        if kind == CODEBOOK:
            self._codebooks(lines)
        elif kind == SOURCE:
            for line in lines:
                note_source(self._connection, **line.values)
        elif kind == ITEM:
            self.counts["items"] += len(lines)
            self.counts["new_items"] += self._items(lines)
        elif kind == EVENT:
            self.counts["events"] += len(lines)
            self.counts["new_events"] += self._events(lines)
        elif kind == END and self._order:
            check_codes(self._connection, self._in_use())

    def _codebooks(self, lines: list[Line]) -> None:
        """Take in codebooks: those of the file go on from those of the store, or the other way round."""
        for line in lines:
            book = _book(line)
            self._books[line.values["name"]] = book
            self._order.append(line.values["name"])
        found = self._connection.execute(select(codebooks).order_by(codebooks.c.number)).all()
        ours = [row.name for row in found]
        both = min(len(ours), len(self._order))
        if ours[:both] != self._order[:both]:
            raise InputError(
                f"{lines[0].place}: codebook '{self._order[-1]}' does not go on from that of the store, "
                f"'{ours[-1]}'",
                "change one of the two with `fupin codebook migrate` before they are put together",
            )
        self._books |= {row.name: codebook_from_text(row.yaml, row.name) for row in found[both:]}
        for name in self._order[both:]:
            use_book(self._connection, self._books[name])
        self._order = max(ours, self._order, key=len)

    def _in_use(self) -> Codebook:
        return self._books[self._order[-1]]

    def _items(self, lines: list[Line]) -> int:
        self._check_begun(lines[0])
        try:
            return add_items(self._connection, [line.item() for line in lines], self._in_use())
        except InputError:
            for line in lines:
                self._item(line)
            raise

    def _item(self, line: Line) -> None:
        """Take in one item, to find the one that does not fit."""
        try:
            add_items(self._connection, [line.item()], self._in_use())
        except InputError as error:
            raise line.wrong(error) from None

    def _events(self, lines: list[Line]) -> int:
        self._check_begun(lines[0])
        decisions = [line.event() for line in lines]
        recording = Recording(self._connection, self._books, self._order[-1], decisions)
        for line, event in zip(lines, decisions, strict=True):
            try:
                recording.add(event, past=True)
            except FupinError as error:
                raise line.wrong(error) from None
        return recording.finish()

    def _check_begun(self, line: Line) -> None:
        if not self._order:
            raise InputError(f"{line.place}: no codebook stands before it", "export it again")


def _book(line: Line) -> Codebook:
    """Return the codebook of a line, which must be called as its text has it."""
    try:
        book = codebook_from_text(line.values["yaml"], "codebook")
    except FupinError as error:
        raise line.wrong(error) from None
    if codebook_id(book) != line.values["name"]:
        raise InputError(
            f"{line.place}: 'name' is '{line.values['name'][:60]}', but it is '{codebook_id(book)}'",
            "export it again; a codebook is not changed there",
        )
    return book
