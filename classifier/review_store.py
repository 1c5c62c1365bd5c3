"""The review store: items and events in a database, for one coder or for a team."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, select

from classifier.codebook import Codebook, codebook_from_text
from classifier.errors import InputError, ReviewError
from classifier.review_adding import (
    add_items,
    book_in_use,
    check_codes,
    note_source,
    update_items,
    use_book,
)
from classifier.review_database import Place, check_file, check_whole, prepare_file, told
from classifier.review_items import (
    MIGRATED,
    SETTLEMENT,
    Codes,
    Event,
    Item,
    codebook_id,
    undo_of,
    verdict,
)
from classifier.review_progress import Progress, progress_of
from classifier.review_recording import Recording, begin_writing, whole_events
from classifier.review_rows import event_of, item_of, parted
from classifier.review_schema import check_kind, codebooks, events, items, migrate, standing

__all__ = ["Progress", "ReviewStore", "open_existing", "open_store"]


def open_store(url_or_path: str | Path) -> ReviewStore:
    """Open a store, or make it where there is none.

    Parameters
    ----------
    url_or_path : str or Path
        A file, or ``postgresql://user:password@host/database``; see `review_database.Place`.

    Raises
    ------
    ReviewError
        Where it cannot be opened: one line and a hint, without the password.
    """
    return ReviewStore(Place(url_or_path))


def open_existing(url_or_path: str | Path) -> ReviewStore:
    """Open a store as `open_store` does, but make none: raise `ReviewError` where there is no file."""
    place = Place(url_or_path)
    if place.path and not place.path.exists():
        raise ReviewError(f"{place.shown}: no such review store", "make one with `fupin review LABELLED`")
    return ReviewStore(place)


class ReviewStore:
    """Items to review and the events that say what was decided; see `open_store`.

    Safe to use from several threads and processes at once. All methods raise `ReviewError` where
    the database does not answer as it should.
    """

    def __init__(self, place: Place) -> None:
        self._place, self._books = place, dict[str, Codebook]()
        if place.path:
            check_file(place.path)
        self._engine = place.engine()
        try:
            with self.reading() as connection:
                check_whole(connection, place)
                check_kind(connection, place.shown)
            with told(place):
                prepare_file(self._engine)
            with self.writing() as connection:
                migrate(connection, place.shown)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def url(self) -> str:
        """The address with its password, to open the store elsewhere; never to be shown."""
        return self._place.url

    @property
    def shown_url(self) -> str:
        """The address without its password."""
        return self._place.shown

    def __repr__(self) -> str:
        return f"ReviewStore({self.shown_url!r})"

    def __enter__(self) -> ReviewStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # --- the codebook ---

    @property
    def codebook(self) -> Codebook:
        """The codebook in use."""
        with self.reading() as connection:
            books, in_use = self._books_of(connection)
            return books[in_use]

    @property
    def codebook_text(self) -> str:
        """The YAML of the codebook in use."""
        return self.codebook.text

    def codebook_texts(self) -> dict[str, str]:
        """Return the YAML of each codebook that was ever in use, by its `codebook_id`, in that order."""
        with self.reading() as connection:
            found = connection.execute(select(codebooks).order_by(codebooks.c.number))
            return {row.name: row.yaml for row in found}

    def set_codebook(
        self, codebook: Codebook, migrated: Iterable[Event] = (), items: Iterable[Item] = ()
    ) -> None:
        """Take another codebook into use, and what follows from that: all of it or nothing.

        Parameters
        ----------
        codebook : Codebook
        migrated : iterable of Event
            MIGRATED events, which name the new codebook.
        items : iterable of Item
            As the new codebook has them; see `update`.

        Raises
        ------
        InputError, Outdated
            As `record` does; and where codes stand that the new codebook does not have.
        """
        with self.writing() as connection:
            use_book(connection, codebook)
            update_items(connection, items, codebook)
            self._record(connection, list(migrated))
            check_codes(connection, codebook)

    # --- items ---

    def add(
        self, items: Iterable[Item], codebook: Codebook, source: str, options: Mapping[str, Any] | None = None
    ) -> int:
        """Add items; those that are there already stay as they are.

        Parameters
        ----------
        items : iterable of Item
        codebook : Codebook
            The one in use; a new store takes it into use.
        source : str
            The name of the file that they come from.
        options : mapping, optional
            With which they were chosen, to be kept.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        InputError
            Where an item has another text than the one of its name, is none, has a code that is
            unknown, or the codebook is not the one in use. Then nothing was added.
        """
        with self.writing() as connection:
            name, in_use = codebook_id(codebook), book_in_use(connection)
            if in_use not in (None, name):
                raise InputError(
                    f"{self.shown_url}: its codebook is '{in_use}', not '{name}'",
                    "change it with `fupin codebook migrate`, or make another store",
                )
            use_book(connection, codebook)
            note_source(connection, source, name, options or {})
            return add_items(connection, items, codebook)

    def update(self, items: Iterable[Item]) -> int:
        """Take over what a model makes of items that are there: codes, probabilities, rank, purpose.

        Gold stays gold. Returns how many; raises `InputError` for one that is not there or has
        another text.
        """
        with self.writing() as connection:
            books, in_use = self._books_of(connection)
            return update_items(connection, items, books[in_use])

    def items(self, purpose: str | None = None, order: Literal["rank", "place"] = "rank") -> list[Item]:
        """Return all items, or those of a purpose, in the order of the queue or of the file."""
        by = (items.c.rank.is_(None), items.c.rank) if order == "rank" else ()
        query = select(items).order_by(*by, items.c.place, items.c.number)
        if purpose is not None:
            query = query.where(items.c.purpose == purpose)
        return self._items(query)

    def item(self, segment_id: str) -> Item:
        """Return an item; raise `InputError` where there is none of that name."""
        found = self._items(select(items).where(items.c.segment_id == segment_id))
        if not found:
            raise InputError(f"{self.shown_url}: no segment '{segment_id[:100]}'", "open the page anew")
        return found[0]

    def around(self, segment_id: str, n: int = 2) -> list[Item]:
        """Return an item between its neighbours in the same document, up to ``n`` on each side."""
        item = self.item(segment_id)
        same = select(items).where(items.c.doc_id == item.doc_id)
        before = same.where(items.c.place < item.place).order_by(items.c.place.desc()).limit(n)
        after = same.where(items.c.place > item.place).order_by(items.c.place).limit(n)
        return [*reversed(self._items(before)), item, *self._items(after)]

    def next_for(self, coder: str, after_rank: int | None = None) -> Item | None:
        """Return the first item of the queue that a coder has neither coded nor skipped.

        With ``after_rank`` the first one behind that rank; None where there is none.
        """
        done = select(standing.c.item).where(standing.c.lane == coder, standing.c.item == items.c.number)
        query = (
            select(items)
            .where(items.c.rank.is_not(None), ~done.exists())
            .order_by(items.c.rank, items.c.number)
        )
        if after_rank is not None:
            query = query.where(items.c.rank > after_rank)
        found = self._items(query.limit(1))
        return found[0] if found else None

    # --- events ---

    def record(self, event: Event) -> Event:
        """Record a decision; it lies on the disk when this returns.

        Returns
        -------
        Event
            As recorded: numbered, its codes in the codebook's order. One of the same name and content
            that was recorded before is returned as it was then, so that it may be sent twice.

        Raises
        ------
        Outdated
            Where ``before`` is not what stands in the event's lane, an UNDONE event is not about the
            last event there, or another codebook is in use.
        InputError
            Where it is no proper event, names an unknown segment or code, or its name was used for
            another one.
        """
        return self.record_all([event])[0]

    def record_all(self, decisions: Iterable[Event]) -> list[Event]:
        """Record several decisions, all of them or none; see `record`."""
        with self.writing() as connection:
            return self._record(connection, list(decisions))

    def events(self, since: int = 0) -> list[Event]:
        """Return the events with a number above ``since``, in the order in which they were recorded."""
        return self._events(whole_events().where(events.c.number > since))

    def events_of(self, segment_id: str) -> list[Event]:
        """Return the events about one segment."""
        return self._events(whole_events().where(items.c.segment_id == segment_id))

    def undo_of(self, coder: str) -> Event:
        """Return what undoes a coder's last decision; to be recorded, with its time. See `undo_of`."""
        undoing = events.alias()
        undone = select(undoing.c.number).where(undoing.c.undoes == events.c.event_id)
        decided = events.c.kind.in_(("coded", "skipped", "settled")) & (events.c.coder == coder)
        last = whole_events().where(decided, ~undone.exists()).order_by(events.c.number.desc()).limit(1)
        found = self._events(last, ordered=False)
        of_lane = [e for f in found for e in self.events_of(f.segment_id) if e.lane == f.lane]
        return undo_of(of_lane, coder)

    # --- what follows from the events ---

    def current(self, segment_id: str | None = None) -> dict[tuple[str, str], Codes]:
        """Return the codes that stand, by segment and coder: of all segments, or of one."""
        return {
            (segment, lane): codes
            for segment, lane, codes, _ in self._standing(segment_id)
            if lane != SETTLEMENT
        }

    def settlement(self, segment_id: str) -> Codes | None:
        """Return how a segment was settled; None where it was not."""
        found = (codes for _, lane, codes, _ in self._standing(segment_id) if lane == SETTLEMENT)
        return next(found, None)

    def disputed(self) -> list[str]:
        """Return the segments that someone must settle, in the order of the file; see `review_items`."""
        return [segment_id for segment_id, codes in self._verdicts().items() if codes is None]

    def settled(self) -> dict[str, Codes]:
        """Return the codes that hold for each segment, in the order of the file; see `review_items`."""
        return {segment_id: codes for segment_id, codes in self._verdicts().items() if codes is not None}

    def coders(self) -> list[str]:
        """Return who has decided anything, sorted by name; a change of the codebook is nobody's decision."""
        query = select(events.c.coder).where(events.c.kind != MIGRATED).distinct()
        with self.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def progress(self, coder: str) -> Progress:
        """Return how far a coder has come."""
        with self.reading() as connection:
            return progress_of(connection, coder)

    # --- inside ---

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """Open a transaction that reads; with ``snapshot`` all its queries see the same moment."""
        options = {"isolation_level": "REPEATABLE READ"} if snapshot and not self._place.path else {}
        engine = self._engine.execution_options(**options)
        with told(self._place), engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes, one at a time; it is undone where an error leaves it."""
        engine = self._engine.execution_options(writes=True)
        with self._place.turn(), told(self._place), engine.begin() as connection:
            begin_writing(connection)
            yield connection

    def _items(self, query: Select[Any]) -> list[Item]:
        with self.reading() as connection:
            return [item_of(row) for row in connection.execute(query).mappings()]

    def _events(self, query: Select[Any], *, ordered: bool = True) -> list[Event]:
        query = query.order_by(events.c.number) if ordered else query
        with self.reading() as connection:
            return [event_of(row) for row in connection.execute(query).mappings()]

    def _standing(self, segment_id: str | None = None) -> list[tuple[str, str, Codes, int]]:
        """Return segment, lane, codes and when they were decided, wherever codes stand."""
        query = (
            select(items.c.segment_id, standing.c.lane, standing.c.codes, standing.c.decided)
            .join(items, items.c.number == standing.c.item)
            .where(standing.c.codes.is_not(None))
            .order_by(items.c.place, items.c.number, standing.c.lane)
        )
        if segment_id is not None:
            query = query.where(items.c.segment_id == segment_id)
        with self.reading() as connection:
            return [(s, lane, parted(codes) or (), at) for s, lane, codes, at in connection.execute(query)]

    def _verdicts(self) -> dict[str, Codes | None]:
        lanes: dict[str, dict[str, tuple[Codes, int]]] = {}
        for segment_id, lane, codes, decided in self._standing():
            lanes.setdefault(segment_id, {})[lane] = codes, decided
        return {segment_id: verdict(of) for segment_id, of in lanes.items()}

    def _books_of(self, connection: Connection) -> tuple[dict[str, Codebook], str]:
        """Return all codebooks by what events call them, and the one in use; each is parsed once."""
        in_use = book_in_use(connection)
        if in_use is None:
            raise ReviewError(f"{self.shown_url}: an empty store", "fill it: fupin review LABELLED")
        new = select(codebooks).where(codebooks.c.name.not_in(list(self._books)))
        for row in connection.execute(new):
            self._books[row.name] = codebook_from_text(row.yaml, self.shown_url)
        return self._books, in_use

    def _record(self, connection: Connection, decisions: Sequence[Event]) -> list[Event]:
        recording = Recording(connection, *self._books_of(connection), decisions)
        recorded = [recording.add(event) for event in decisions]
        recording.finish()
        return recorded
