"""Labels after a codebook changed: those of a review store, and those in tables."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from classifier.codebook import Codebook
from classifier.codebook_changes import Changes, Followed
from classifier.corpus import split_codes
from classifier.encoded_rows import encoded
from classifier.errors import InputError, OutputError
from classifier.review_items import CONTEXT, MIGRATED, SETTLEMENT, Codes, Event, Item, codebook_id, standings
from classifier.review_store import ReviewStore
from classifier.spreadsheet_guard import unguarded_row
from classifier.tables import table_rows
from classifier.text_files import suffix_of
from classifier.whole_file import whole_place

BY = "codebook"  # who migrates a settlement
WHY = "decide"  # the column that says what must be decided
_FORMATS = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True)
class Migrated:
    """How many labels there were, how many of them changed, and how many somebody must look at."""

    labels: int
    changed: int
    look: int


def migrate_store(store: ReviewStore, changes: Changes, codebook: Codebook, at: str) -> Migrated:
    """Let the labels of a store follow a change of its codebook: all of them or none.

    A MIGRATED event says of each decision what stood before and after. What must be looked at is
    decided again by all who coded the segment, and goes to the front of the queue. The codes and
    probabilities that the model gave follow too, as far as they can.

    Parameters
    ----------
    store : ReviewStore
    changes : Changes
        Of the store's codebook.
    codebook : Codebook
        The new one.
    at : str
        The time, as events have it.

    Raises
    ------
    InputError
        Where the store's codebook is not the one that the changes are for.
    """
    check_fits(store, changes)
    lanes = _standing(store.events())
    look = {segment for (segment, _), codes in lanes.items() if changes.follow(codes).look}
    events = list(_events(lanes, look, changes, codebook, at))
    store.set_codebook(codebook, events, _items(store.items(), look, changes))
    return Migrated(len(lanes), len(events), len(look))


def check_fits(store: ReviewStore, changes: Changes) -> None:
    """Raise `InputError` where a store has another codebook than the one that is changed."""
    if codebook_id(store.codebook) != codebook_id(changes.old):
        raise InputError(
            f"{store.shown_url}: its codebook is '{codebook_id(store.codebook)}', "
            f"the changes are for '{codebook_id(changes.old)}'",
            "name the codebook of the store",
        )


def _standing(events: Iterable[Event]) -> dict[tuple[str, str], Codes]:
    """Return the codes that stand, by segment and lane, the settlement among the lanes."""
    return {
        key: stack[-1].codes
        for key, stack in standings(events).items()
        if stack and stack[-1].codes is not None
    }


def _events(
    lanes: Mapping[tuple[str, str], Codes], look: set[str], changes: Changes, codebook: Codebook, at: str
) -> Iterator[Event]:
    """Yield a MIGRATED event for each decision that changes, or must be made again."""
    name = codebook_id(codebook)
    for (segment, lane), codes in lanes.items():
        followed = changes.follow(codes)
        after = None if segment in look else followed.codes
        if after is None or set(after) != set(codes):
            yield Event(
                event_id=uuid5(NAMESPACE_OID, f"fupin migrate {name} {segment} {lane}").hex,
                segment_id=segment,
                coder=lane or BY,
                kind=MIGRATED,
                before=codes,
                after=after,
                codebook=name,
                at=at,
                note=f"{changes.old.version} → {changes.version}"
                + (f": {followed.why}" if followed.why else ""),
                settles=lane == SETTLEMENT,
            )


def _items(items: Sequence[Item], look: set[str], changes: Changes) -> Iterator[Item]:
    """Yield the items that change: codes follow, and what must be looked at goes to the front."""
    front = [item for item in items if item.segment_id in look]
    rank = {item.segment_id: n for n, item in enumerate(front)}
    behind = len(front) if any(item.rank is not None for item in items) else 0
    for item in items:
        place = None if item.rank is None else item.rank + behind
        # what the model gave of a split code is open: nobody has asked the model again
        new = replace(
            item,
            codes=changes.follow(item.codes).codes,
            probabilities=_probabilities(item.probabilities, changes),
            rank=rank.get(item.segment_id, place),
            purpose="queue" if item.segment_id in look and item.purpose == CONTEXT else item.purpose,
        )
        if new != item:
            yield new


def _probabilities(given: Mapping[str, float], changes: Changes) -> dict[str, float]:
    """Return probabilities of the new codes; that of a merged one is at least the largest of its parts'."""
    out: dict[str, float] = {}
    for code, p in given.items():
        if code not in changes.split:
            for new in changes.becomes.get(code, ()):
                out[new] = max(p, out.get(new, 0.0))
    return out


# --- tables ---


@dataclass(frozen=True)
class Table:
    """The rows of a table after a change: those whose codes are sure, and those to look at.

    The latter have one column more, `WHY`; their codes are those that are sure.
    """

    sure: tuple[dict[str, Any], ...]
    look: tuple[dict[str, Any], ...]
    changed: int


def migrate_rows(rows: Iterable[Mapping[str, Any]], name: str, changes: Changes, codebook: Codebook) -> Table:
    """Let the column ``codes`` of a table follow a change; columns named by codes follow too.

    Raises `InputError` where there is no such column, or `CorpusError` for an unknown code.
    """
    sure, look, changed = list[dict[str, Any]](), list[dict[str, Any]](), 0
    for number, row in enumerate(rows, 1):
        place = f"{name}: row {number}"
        if "codes" not in row:
            raise InputError(f"{place}: no column 'codes'", f"columns: {', '.join(map(str, row))}")
        codes = split_codes(row["codes"], place)
        unknown = next((code for code in codes if code not in changes.old.columns), None)
        if unknown is not None:
            raise InputError(f"{place}: unknown code '{unknown}'", f"codes: {', '.join(changes.old.columns)}")
        followed = changes.follow(codes)
        new = _row(row, followed, changes, codebook)
        changed += set(followed.codes) != set(codes)
        if followed.look:
            look.append(new | {WHY: followed.why})
        else:
            sure.append(new)
    return Table(tuple(sure), tuple(look), changed)


def _row(row: Mapping[str, Any], followed: Followed, changes: Changes, codebook: Codebook) -> dict[str, Any]:
    """Return a row with its new codes, in their form; categories and split codes' columns are left out."""
    codes = codebook.join(followed.codes)
    made: dict[str, Any] = {}
    for name, value in row.items():
        for new in (name,) if name not in changes.old.columns else _columns_of(name, changes):
            made[new] = value if new not in made else max(made[new], value, key=_number)
    made.pop("categories", None)
    return made | {"codes": codes.split(";") * bool(codes) if isinstance(row["codes"], list) else codes}


def _columns_of(code: str, changes: Changes) -> tuple[str, ...]:
    return () if code in changes.split else changes.becomes[code]


def _number(value: Any) -> float:
    """Return a probability as it stands in a table; what is none counts least."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return -1.0


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table, or raise `InputError` where it has none or cannot be written again."""
    if suffix_of(path) not in _FORMATS:
        raise InputError(f"{path}: tables to migrate are {', '.join(_FORMATS)}", "save it in one of these")
    rows = [unguarded_row(row, suffix_of(path)) for row in table_rows(path)]
    if not rows:
        raise InputError(f"{path}: no rows", "give a table with a column 'codes'")
    return rows


def table_bytes(rows: Sequence[Mapping[str, Any]], suffix: str) -> bytes:
    """Return rows as a file of a format, such as ``.csv``."""
    if suffix == ".jsonl":
        return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows).encode()
    frame = pd.DataFrame([dict(row) for row in rows])
    if suffix == ".parquet":
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        return stream.getvalue()
    columns = {str(name): ["" if v is None else str(v) for v in frame[name]] for name in frame}
    return b"\xef\xbb\xbf" + bytes(encoded(columns, "csv", first=True).rows)


def write_new(out: Path, content: bytes) -> None:
    """Write a file whole; raises `OutputError` where it cannot be, or is there already."""
    if out.exists():
        raise OutputError(f"{out}: is there already", "name another folder with -o")
    with whole_place(out) as part:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
