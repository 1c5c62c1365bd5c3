"""How far a coder has come in a review store, and how far he agrees with the model and with others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, text

from classifier.review_items import GOLD, SETTLEMENT
from classifier.review_schema import items, standing


@dataclass(frozen=True)
class Progress:
    """How far a coder has come, and how far he agrees.

    Parameters
    ----------
    total, coded, skipped : int
        Items in the queue (gold among them); of these, coded and skipped by the coder.
    gold_total, gold_coded : int
        The same of gold only.
    with_model : (int, int)
        To how many items the coder gave just the codes that the model gave, and of how many.
    with_coders : mapping of str to (int, int)
        The same of each other coder, where they coded the same items.
    """

    total: int
    coded: int
    skipped: int
    gold_total: int
    gold_coded: int
    with_model: tuple[int, int]
    with_coders: Mapping[str, tuple[int, int]] = field(default_factory=dict)


# INDEXED BY, which SQLite alone knows: the index holds all that is asked, the table the texts too.
_OWN = """
SELECT count(own.codes) FILTER (WHERE item.rank IS NOT NULL),
       count(*) FILTER (WHERE own.codes IS NULL AND item.rank IS NOT NULL),
       count(own.codes) FILTER (WHERE item.rank IS NOT NULL AND item.purpose = :gold),
       count(*) FILTER (WHERE own.codes = item.codes),
       count(own.codes)
FROM review_standing AS own JOIN review_item AS item {indexed} ON own.item = item.number
WHERE own.lane = :coder
"""


def progress_of(connection: Connection, coder: str) -> Progress:
    """Return how far a coder has come."""
    indexed = "INDEXED BY review_item_facts" if connection.dialect.name == "sqlite" else ""
    own = connection.execute(text(_OWN.format(indexed=indexed)), {"coder": coder, "gold": GOLD})
    coded, skipped, gold_coded, alike, all_coded = own.one()
    ranked = items.c.rank.is_not(None)
    total = connection.execute(select(func.count()).where(ranked)).scalar_one()
    gold_total = connection.execute(select(func.count()).where(ranked, items.c.purpose == GOLD)).scalar_one()
    with_coders = _with_coders(connection, coder)
    return Progress(total, coded, skipped, gold_total, gold_coded, (alike, all_coded), with_coders)


def _with_coders(connection: Connection, coder: str) -> dict[str, tuple[int, int]]:
    """Return for each other coder to how many items both gave the same codes, and how many both coded."""
    one, other = standing.alias(), standing.alias()
    query = (
        select(other.c.lane, func.count().filter(one.c.codes == other.c.codes), func.count())
        .join_from(one, other, one.c.item == other.c.item)
        .where(one.c.lane == coder, other.c.lane.not_in((coder, SETTLEMENT)))
        .where(one.c.codes.is_not(None), other.c.codes.is_not(None))
        .group_by(other.c.lane)
    )
    rows = sorted(connection.execute(query), key=lambda row: row[0])
    return {lane: (same, both) for lane, same, both in rows}
