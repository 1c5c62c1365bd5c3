"""Items and events as rows of the tables, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.review_items import SETTLEMENT, Codes, Event, Item


def joined(codes: Codes | None) -> str | None:
    """Return codes as they are stored; None where there are none yet."""
    return None if codes is None else ";".join(codes)


def parted(stored: str | None) -> Codes | None:
    """Return what `joined` stored.

    >>> parted(joined(())), parted(joined(None)), parted(joined(("a", "b")))
    ((), None, ('a', 'b'))
    """
    return None if stored is None else tuple(filter(None, stored.split(";")))


def item_row(item: Item, codebook: Codebook) -> dict[str, Any]:
    """Return an item as a row; its codes in the codebook's order."""
    where = f"segment '{item.segment_id}'"
    return {
        **{name: getattr(item, name) for name in _SAME},
        "codes": joined(known(item.codes, codebook, where)),
        "probabilities": as_json(item.probabilities, where),
        "drawn": None if item.drawn is None else as_json(item.drawn, where),
    }


_SAME = (
    *("segment_id", "doc_id", "paragraph", "start", "end", "text", "title", "date", "source"),
    *("place", "rank", "purpose"),
)


def item_of(row: RowMapping) -> Item:
    """Return the item of a row."""
    drawn = row["drawn"]
    return Item(
        **{name: row[name] for name in _SAME},
        codes=parted(row["codes"]) or (),
        probabilities=json.loads(row["probabilities"]),
        drawn=None if drawn is None else json.loads(drawn),
    )


def event_of(row: RowMapping) -> Event:
    """Return the event of a row, which has ``segment_id`` and the codebook's name too."""
    same = ("event_id", "segment_id", "coder", "kind", "codebook", "at", "note", "number")
    return Event(
        **{name: row[name] for name in same},
        before=parted(row["before"]),
        after=parted(row["after"]),
        undoes=row["undoes"] or "",
        settles=row["lane"] == SETTLEMENT,
    )


def known(codes: Codes, codebook: Codebook, where: str) -> Codes:
    """Return codes in the codebook's order; raise `InputError` for one that it does not have."""
    columns = codebook.columns
    unknown = next((code for code in codes if code not in columns), None)
    if unknown is not None:
        raise InputError(
            f"{where}: unknown code '{unknown[:60]}'",
            f"codes of '{codebook.name}': {', '.join(columns)}",
        )
    return tuple(code for code in columns if code in codes)


def as_json(value: Mapping[str, Any], where: str) -> str:
    """Return plain data as JSON; raise `InputError` where it is none, or holds NaN."""
    try:
        written = json.dumps(dict(value), ensure_ascii=False, allow_nan=False, default=_plain)
        written.encode()  # half a surrogate pair cannot be
    except (TypeError, ValueError, AttributeError):
        raise InputError(
            f"{where}: what it holds cannot be written as JSON", "give numbers and texts"
        ) from None
    return written


def _plain(value: Any) -> Any:
    """Return a number of NumPy as Python's own."""
    return value.item()
