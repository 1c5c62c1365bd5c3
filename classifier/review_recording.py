"""Recording decisions inside a transaction: what is refused, what is added, what then stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, text

from classifier.codebook import Codebook
from classifier.errors import InputError, Outdated
from classifier.review_items import MIGRATED, UNDONE, Codes, Event, Standing, checked_event, standings
from classifier.review_rows import event_of, joined, known
from classifier.review_schema import LOCK, codebooks, events, insert_rows, items, standing

AT_ONCE = 500  # names in a query
_ANEW = "look at it as it is now, and decide anew"


def whole_events() -> Select[Any]:
    """Return the query of events, with the names of their segments and codebooks."""
    own = [column for column in events.c if column.name not in ("item", "codebook", "revision")]
    return (
        select(*own, items.c.segment_id, codebooks.c.name.label("codebook"))
        .join_from(events, items, events.c.item == items.c.number)
        .join(codebooks, events.c.codebook == codebooks.c.number)
    )


def begin_writing(connection: Connection) -> None:
    """Let writers go one after the other, so that events become visible in the order of their numbers.

    On SQLite the transaction has begun so. A PostgreSQL server that was told not to wait for its
    disk is told to wait this time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        off = "current_setting('synchronous_commit') = 'off'"
        connection.execute(text(f"SELECT set_config('synchronous_commit', 'on', true) WHERE {off}"))


def portions(names: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield so many at a time as a query can name."""
    return (names[first : first + AT_ONCE] for first in range(0, len(names), AT_ONCE))


class Recording:
    """Takes in decisions one by one; `finish` writes what is new.

    Parameters
    ----------
    connection : Connection
        In a transaction that writes, after `begin_writing`.
    books : mapping of str to Codebook
        By `codebook_id`.
    in_use : str
        The one in use.
    decisions : sequence of Event
        Those that will be given to `add`; what is known about them is read at once.
    """

    def __init__(
        self, connection: Connection, books: Mapping[str, Codebook], in_use: str, decisions: Sequence[Event]
    ) -> None:
        self._connection, self._books, self._in_use = connection, books, in_use
        self._number: int = connection.execute(
            select(func.coalesce(func.max(events.c.number), 0))
        ).scalar_one()
        self._items = self._known_items({event.segment_id: None for event in decisions})
        self._lanes: dict[tuple[str, str], list[Event]] = {}
        self._named: dict[str, Event] = {}
        self._new: list[Event] = []
        for numbers in portions(list(self._items.values())):
            self._read(events.c.item.in_(numbers))
        for names in portions([event.event_id for event in decisions]):
            self._read(events.c.event_id.in_(names))

    def _known_items(self, segments: Mapping[str, None]) -> dict[str, int]:
        query = select(items.c.segment_id, items.c.number)
        return {
            row.segment_id: row.number
            for names in portions(list(segments))
            for row in self._connection.execute(query.where(items.c.segment_id.in_(names)))
        }

    def _read(self, wanted: Any) -> None:
        query = whole_events().where(wanted).order_by(events.c.number)
        for row in self._connection.execute(query).mappings():
            event = event_of(row)
            if event.event_id not in self._named:
                self._named[event.event_id] = event
                self._lanes.setdefault((event.segment_id, event.lane), []).append(event)

    def add(self, event: Event, *, past: bool = False) -> Event:
        """Take in a decision, or return the one of its name that is there; see `ReviewStore.record`.

        With ``past`` it was recorded elsewhere: by any codebook that is known, and at its own time.
        """
        event = checked_event(event)
        if event.event_id in self._named:
            return _same(event, self._named[event.event_id], timed=past)
        if event.codebook != self._in_use and not (past and event.codebook in self._books):
            raise Outdated(
                f"segment '{event.segment_id}': coded by codebook '{event.codebook[:100]}', "
                f"in use is '{self._in_use}'",
                _ANEW,
            )
        if event.segment_id not in self._items:
            raise InputError(f"segment '{event.segment_id}' is not in this store", "open the page anew")
        lane = self._lanes.setdefault((event.segment_id, event.lane), [])
        self._number += 1
        event = replace(_following(event, lane, self._books[event.codebook]), number=self._number)
        lane.append(event)
        self._named[event.event_id] = event
        self._new.append(event)
        return event

    def finish(self) -> int:
        """Write what was new, and what now stands; return how many were new."""
        found = self._connection.execute(select(codebooks).order_by(codebooks.c.number))
        book_numbers = {row.name: row.number for row in found}
        insert_rows(self._connection, events, [self._row(event, book_numbers) for event in self._new])
        lanes = {(event.segment_id, event.lane) for event in self._new}
        changed = list({segment_id: self._items[segment_id] for segment_id, _ in sorted(lanes)}.items())
        for portion in portions(changed):
            numbers = [number for _, number in portion]
            self._connection.execute(delete(standing).where(standing.c.item.in_(numbers)))
        segments = dict(changed)
        rows = [
            row
            for (segment_id, lane), played in self._lanes.items()
            if segment_id in segments
            for row in _standing_rows(segments[segment_id], lane, played)
        ]
        insert_rows(self._connection, standing, rows)
        return len(self._new)

    def _row(self, event: Event, books: Mapping[str, int]) -> dict[str, Any]:
        lane = self._lanes[event.segment_id, event.lane]
        same = ("number", "event_id", "coder", "kind", "at", "note", "lane")
        return {name: getattr(event, name) for name in same} | {
            "item": self._items[event.segment_id],
            "revision": lane.index(event) + 1,
            "before": joined(event.before),
            "after": joined(event.after),
            "codebook": books[event.codebook],
            "undoes": event.undoes or None,
        }


def _standing_rows(item: int, lane: str, played: list[Event]) -> Iterator[dict[str, Any]]:
    """Yield what stands in a lane after all its events, if anything."""
    for stack in standings(played).values():
        if stack and (stack[-1].skipped or stack[-1].codes is not None):
            codes, decided = joined(stack[-1].codes), played[stack[-1].place].number
            yield {"lane": lane, "item": item, "codes": codes, "decided": decided}


def _following(event: Event, lane: Sequence[Event], codebook: Codebook) -> Event:
    """Return an event that follows what stands in its lane, its codes in the codebook's order."""
    where = f"event '{event.event_id}'"
    stack = next(iter(standings(lane).values()), [])
    now = stack[-1].codes if stack else None
    if not _alike(event.before, now):
        whose = f"coder '{event.lane}'" if event.lane else "its settlement"
        raise Outdated(
            f"segment '{event.segment_id}': {whose} has {_told(now)} now, not {_told(event.before)}", _ANEW
        )
    if event.kind == MIGRATED and not stack:
        raise InputError(f"{where}: nothing to migrate", "MIGRATED follows a decision")
    after = _undone(event, stack) if event.kind == UNDONE else event.after
    if after is not None:
        after = known(after, codebook, where)
        if codebook.exclusive and len(after) != 1:
            raise InputError(
                f"{where}: {len(after)} codes, but '{codebook.name}' wants exactly one", "give one code"
            )
    return replace(event, before=now, after=after)


def _undone(event: Event, stack: Sequence[Standing]) -> Codes | None:
    """Return the codes that stand once an event is undone; only the last one of a lane can be."""
    top = stack[-1].event if stack else None
    below = stack[-2].codes if stack[1:] else None
    if top is None or top.event_id != event.undoes or top.coder != event.coder or top.kind == MIGRATED:
        raise Outdated(
            f"segment '{event.segment_id}': '{event.undoes[:64]}' is not the last decision of "
            f"coder '{event.coder}' there",
            _ANEW,
        )
    if not _alike(event.after, below):
        raise InputError(
            f"event '{event.event_id}': it would leave {_told(event.after)}, not {_told(below)}",
            "take what `undo_of` gives",
        )
    return below


def _same(event: Event, stored: Event, *, timed: bool) -> Event:
    """Return the stored event; raise `InputError` where another one has its name.

    Unless ``timed`` the times are not compared: what is sent a second time is sent later.
    """
    at = event.at if timed else stored.at
    bare = replace(event, number=stored.number, at=at, before=stored.before, after=stored.after)
    if bare == stored and _alike(event.before, stored.before) and _alike(event.after, stored.after):
        return stored
    raise InputError(
        f"event '{event.event_id}' was recorded with other content", "give each decision a name of its own"
    )


def _alike(one: Codes | None, other: Codes | None) -> bool:
    """Return whether the same codes are meant, in whatever order."""
    return one is other or (one is not None and other is not None and set(one) == set(other))


def _told(codes: Codes | None) -> str:
    if codes is None:
        return "no codes"
    return f"codes '{';'.join(codes)[:100]}'"
