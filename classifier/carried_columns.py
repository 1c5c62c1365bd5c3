"""Columns that documents carry, beside their text, into each row of an output."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.cells import Column, Columns, plain
from classifier.documents import Document

ABOUT = ("title", "date", "source")


def carried_columns(documents: Sequence[Document]) -> Columns:
    """Return what documents carry beside id and text, as columns; None where one has no such cell.

    >>> carried_columns([Document("甲", "修路。", meta={"地区": "东"}), Document("乙", "架桥。")])["地区"]
    ['东', None]
    """
    names = dict.fromkeys(name for d in documents for name in d.meta)
    about = {name: [getattr(d, name) for d in documents] for name in ABOUT}
    return {**about, **{name: [d.meta.get(name) for d in documents] for name in names}}


def renamed(columns: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return a free name for each column whose own is taken: ``in_`` before it, more than once if need be.

    >>> renamed(["codes", "地区"], {"codes"})
    {'codes': 'in_codes'}
    """
    used, names = {*taken, *columns}, {}
    for column in columns:
        if column in taken:
            new = f"in_{column}"
            while new in used:
                new = f"in_{new}"
            used.add(new)
            names[column] = new
    return names


def fitted(columns: Columns, header: list[str], file_format: str) -> tuple[dict[str, Column], int]:
    """Line a later chunk up with the header already written; return how many cells have no place there too.

    JSONL has no header, so each row there may have columns of its own.
    """
    nothing = [None] * len(columns["text"])
    lined_up = {name: columns.get(name, nothing) for name in header}
    late = {name: values for name, values in columns.items() if name not in lined_up}
    if file_format == "jsonl":
        return {**lined_up, **late}, 0
    return lined_up, sum(value is not None for values in late.values() for value in plain(values))
