"""Adding items to a store, taking over what a new model makes of them, and changing the codebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, insert, select

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.review_items import GOLD, Item, checked_item, codebook_id
from classifier.review_recording import portions
from classifier.review_rows import as_json, item_row, parted
from classifier.review_schema import codebooks, insert_rows, items, sources, standing, update_rows

BATCH = 5_000  # items looked up and written at a time
_TAKEN = ("number", "codes", "probabilities", "rank", "purpose", "drawn")


def add_items(connection: Connection, given: Iterable[Item], codebook: Codebook) -> int:
    """Add items that are new, and return how many that were; see `ReviewStore.add`."""
    return sum(_add(connection, batch, codebook) for batch in _batches(given))


def update_items(connection: Connection, given: Iterable[Item], codebook: Codebook) -> int:
    """Take over what a model makes of items that are there; see `ReviewStore.update`."""
    return sum(_update(connection, batch, codebook) for batch in _batches(given))


def note_source(connection: Connection, name: str, codebook: str, options: Mapping[str, Any]) -> None:
    """Note where items come from, by which codebook they are labelled, and how they were chosen."""
    name = name.encode(errors="replace").decode()  # a file's name need not be text
    values = {"name": name, "codebook": codebook, "options": as_json(options, f"source '{name}'")}
    same = (sources.c[key] == value for key, value in values.items())
    if connection.execute(select(sources.c.number).where(*same)).first() is None:
        number = connection.execute(select(func.count()).select_from(sources)).scalar_one()
        connection.execute(insert(sources), values | {"number": number + 1})


def book_in_use(connection: Connection) -> str | None:
    """Return what events call the codebook in use; None in an empty store."""
    last = select(codebooks.c.name).order_by(codebooks.c.number.desc()).limit(1)
    found: str | None = connection.execute(last).scalar()
    return found


def use_book(connection: Connection, codebook: Codebook) -> None:
    """Take a codebook into use, unless it is already."""
    name = codebook_id(codebook)
    if book_in_use(connection) != name:
        number = connection.execute(select(func.count()).select_from(codebooks)).scalar_one()
        connection.execute(insert(codebooks), {"number": number + 1, "name": name, "yaml": codebook.text})


def check_codes(connection: Connection, codebook: Codebook) -> None:
    """See that no code stands, or was given by the model, that the codebook does not have.

    Raises `InputError` with a code and a segment.
    """
    for table, where, whose in (
        (standing.join(items, standing.c.item == items.c.number), standing.c.codes, "by a coder"),
        (items, items.c.codes, "by the model"),
    ):
        query = select(where, func.min(items.c.segment_id)).select_from(table).group_by(where)
        for stored, segment_id in connection.execute(query):
            unknown = sorted(set(parted(stored) or ()) - set(codebook.columns))
            if unknown:
                raise InputError(
                    f"segment '{segment_id}': code '{unknown[0]}', given {whose}, is not in codebook "
                    f"'{codebook.name}' {codebook.version}",
                    "say what becomes of it: `fupin codebook migrate`",
                )


def _batches(given: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(given)
    while batch := list(islice(left, BATCH)):
        yield batch


def _add(connection: Connection, batch: Sequence[Item], codebook: Codebook) -> int:
    there = _there(connection, batch)
    number = connection.execute(select(func.coalesce(func.max(items.c.number), 0))).scalar_one()
    texts: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for item in batch:
        if texts.setdefault(item.segment_id, item.text) != item.text:
            raise _other_text(item)
        checked = checked_item(item)
        if item.segment_id not in there:  # one that is may have codes from before the codebook changed
            row = item_row(checked, codebook)
            there[item.segment_id] = number + len(rows) + 1, item.purpose
            rows.append(row | {"number": number + len(rows) + 1})
    insert_rows(connection, items, rows)
    return len(rows)


def _update(connection: Connection, batch: Sequence[Item], codebook: Codebook) -> int:
    there = _there(connection, batch)
    rows = []
    for item in batch:
        if item.segment_id not in there:
            raise InputError(f"segment '{item.segment_id[:100]}' is not in this store", "add it first")
        number, purpose = there[item.segment_id]
        row = item_row(checked_item(item), codebook)
        kept = _TAKEN[:4] if purpose == GOLD else _TAKEN
        rows.append({name: row[name] for name in kept if name != "number"} | {"number": number})
    update_rows(connection, items, [row for row in rows if len(row) < len(_TAKEN)])
    update_rows(connection, items, [row for row in rows if len(row) == len(_TAKEN)])
    return len(rows)


def _there(connection: Connection, batch: Sequence[Item]) -> dict[str, tuple[int, str]]:
    """Return number and purpose of each item that is there; raise where it has another text."""
    given = {item.segment_id: item for item in batch}
    query = select(items.c.segment_id, items.c.text, items.c.number, items.c.purpose)
    there = {}
    for names in portions(list(given)):
        for name, text, number, purpose in connection.execute(query.where(items.c.segment_id.in_(names))):
            there[name] = number, purpose
            if text != given[name].text:
                raise _other_text(given[name])
    return there


def _other_text(item: Item) -> InputError:
    begins = " ".join(item.text.split())[:20]
    return InputError(
        f"segment '{item.segment_id}' has another text than the one of that name before: '{begins}…'",
        "give each document its own id and label anew, or make another store",
    )
