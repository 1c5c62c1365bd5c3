"""The tables of a report that count: overall, over time, between groups, together, and side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier.dates import Periods
from classifier.groups import Groups
from classifier.report_tables import Cell, Column, Picture, Row, Table, Topic
from classifier.report_texts import column, percent
from classifier.shares import Shares, difference
from classifier.views import Counted, View

Texts = Mapping[str, Any]
MOST = 40  # codes shown in the table of measures named together

_INTERVAL = {"value": "share", "low": "low", "high": "high"}


def summary_table(counted: Counted, texts: Texts) -> Table:
    """Return how many documents and segments there are, and how many name a measure."""
    per_segment = counted.labelled.given.to_numpy(dtype=bool).sum(axis=1)
    kinds = np.stack([per_segment > 0, per_segment == 0, per_segment > 1], axis=1)
    found = counted.shares_of(sparse.csr_array(kinds.astype(float)))
    share = {
        name: (found.segments[0, i], found.share[0, i], found.low[0, i], found.high[0, i])
        for i, name in enumerate(("coded", "uncoded", "several"))
    }
    n, of, low, high = (
        float(figure[0, 0])
        for figure in (found.documents, found.document_share, found.document_low, found.document_high)
    )
    share["coded_documents"] = (n, of, low, high)
    share["uncoded_documents"] = (counted.n_documents - n, 1 - of, 1 - high, 1 - low)
    rows: list[Row] = [
        ("documents", texts["items"]["documents"], counted.n_documents, None, None, None),
        ("segments", texts["items"]["segments"], len(counted.labelled), None, None, None),
    ]
    for name, (count, *figures) in share.items():
        rows.append((name, texts["items"][name], int(count), *map(_figure, figures)))
    columns = (
        *(column(texts, "item", "key"), column(texts, "title", "text", "item_title")),
        *(column(texts, "count", "count"), *_share(texts)),
    )
    return Table("summary", texts["tables"]["summary"], texts["intervals"], columns, tuple(rows), "summary")


def shares_table(view: View, counted: Counted, texts: Texts) -> Table:
    """Return how often each category occurs in segments and in documents."""
    found = counted.shares(view)
    columns = (
        *category_columns(view, texts),
        column(texts, "segments", "count"),
        *_share(texts, title="segment_share"),
        column(texts, "documents", "count"),
        *_share(texts, "document_"),
    )
    figures = (
        *(found.segments, found.share, found.low, found.high),
        *(found.documents, found.document_share, found.document_low, found.document_high),
    )
    notes = [texts["notes"]["shares"]]
    if view.source:
        notes.append(texts["notes"]["scheme_source"].format(source=view.source))
    rows = _rows(category_keys(view), columns, figures)
    picture = Picture("bars", "category", **_INTERVAL)
    return _table("shares", view, texts, notes=notes, columns=columns, rows=rows, picture=picture)


def trend_table(view: View, counted: Counted, periods: Periods, texts: Texts) -> Table:
    """Return how often each category occurs in each period."""
    found = counted.shares_in(view, periods.number, len(periods.names))
    notes = [texts["notes"]["trend"]]
    undated = periods.unreadable + periods.empty
    if undated:
        share = percent(undated / len(periods.number))
        notes.append(texts["notes"]["undated"].format(undated=undated, share=share))
    columns = _crossed_columns(view, "period", texts)
    rows = _crossed(view, periods.names, columns, found)
    picture = Picture("lines", "category", across="period", **_INTERVAL)
    return _table("trend", view, texts, notes=notes, columns=columns, rows=rows, picture=picture)


def group_table(view: View, counted: Counted, groups: Groups, texts: Texts) -> Table:
    """Return how often each category occurs in each group of segments."""
    found = counted.shares_in(view, groups.number, len(groups.names))
    notes = [texts["notes"]["groups"]]
    if groups.rest:
        named = {"shown": groups.shown, "rest": groups.rest, "others": groups.others}
        notes.append(texts["notes"]["largest"].format(**named))
    columns = _crossed_columns(view, "group", texts, groups.column)
    rows = _crossed(view, groups.names, columns, found)
    picture = Picture("heat", "category", across="group", **_INTERVAL)
    return _table(
        "groups", view, texts, notes=notes, columns=columns, rows=rows, picture=picture, by=groups.column
    )


def _crossed(view: View, names: Sequence[str], columns: Sequence[Column], found: Shares) -> tuple[Row, ...]:
    """Return a row for each category and group, the categories one after the other."""
    of = np.broadcast_to(found.of_segments, found.segments.shape)
    figures = (found.segments, of, found.share, found.low, found.high, found.documents)
    keys = ((*key, name) for key, name in product(category_keys(view), names))
    return _rows(keys, columns, [figure.T for figure in figures])


def _crossed_columns(view: View, across: str, texts: Texts, title: str = "") -> tuple[Column, ...]:
    return (
        *category_columns(view, texts),
        Column(across, title or texts["columns"][across], "text"),
        column(texts, "segments", "count"),
        column(texts, "of_segments", "count"),
        *_share(texts, title="segment_share"),
        column(texts, "documents", "count"),
    )


def against_table(view: View, counted: Counted, other: Counted, texts: Texts) -> Table:
    """Return how often each category occurs here and in another corpus, and the difference."""
    here, there = counted.shares(view), other.shares(view)
    columns = (
        *category_columns(view, texts),
        column(texts, "segments", "count"),
        *_share(texts, title="here"),
        column(texts, "there_segments", "count"),
        *_share(texts, "there_", title="there"),
        column(texts, "difference", "difference"),
        column(texts, "difference_low", "low"),
        column(texts, "difference_high", "high"),
    )
    figures = (
        *(here.segments, here.share, here.low, here.high),
        *(there.segments, there.share, there.low, there.high),
        *difference(here, there),
    )
    notes = [
        texts["notes"]["against"].format(against=other.labelled.source),
        *_overlap(counted, other, texts),
    ]
    rows = _rows(category_keys(view), columns, figures)
    picture = Picture("bars", "category", "difference", low="difference_low", high="difference_high")
    return _table("against", view, texts, notes=notes, columns=columns, rows=rows, picture=picture)


def _overlap(counted: Counted, other: Counted, texts: Texts) -> Iterator[str]:
    both = len(counted.doc_ids & other.doc_ids)
    if both:
        yield texts["notes"]["overlap"].format(n=both)


def together_table(view: View, counted: Counted, texts: Texts) -> Table:
    """Return which codes stand in the same segments: share of the first's, lift and Jaccard.

    Lift is P(a, b) / (P(a) P(b)) (Brin et al., "Dynamic itemset counting", SIGMOD 1997, there
    called interest); Jaccard is |a ∩ b| / |a ∪ b|.
    """
    marked = counted.marks(view)
    alone = np.asarray(marked.sum(axis=0), dtype=float).ravel()
    shown = sorted(np.argsort(-alone, kind="stable")[:MOST])
    both = np.asarray((marked.T @ marked).toarray(), dtype=float)
    keys, rows = list(category_keys(view)), []
    for a in shown:
        inside = np.where(np.asarray(marked[:, [a]].toarray()).ravel() > 0, 0, -1)
        found = counted.shares_in(view, inside, 1)
        for b in shown:
            if a != b and both[a, b]:
                lift = both[a, b] * len(counted.labelled) / (alone[a] * alone[b])
                jaccard = both[a, b] / (alone[a] + alone[b] - both[a, b])
                ends = (_figure(end[0, b]) for end in (found.share, found.low, found.high))
                rows.append((*keys[a], *keys[b], int(both[a, b]), *ends, float(lift), float(jaccard)))
    notes = [texts["notes"]["together"]]
    if len(shown) < len(alone):
        notes.append(texts["notes"]["most_frequent"].format(shown=MOST))
    picture = Picture("heat", "category", across="second", **_INTERVAL)
    return _table(
        "together",
        view,
        texts,
        notes=notes,
        columns=_together_columns(texts),
        rows=tuple(rows),
        picture=picture,
    )


def _together_columns(texts: Texts) -> tuple[Column, ...]:
    return (
        column(texts, "category", "text", "first"),
        column(texts, "code", "id"),
        column(texts, "second", "text"),
        column(texts, "second_code", "id"),
        column(texts, "both", "count"),
        *_share(texts, title="given_first"),
        column(texts, "lift", "number"),
        column(texts, "jaccard", "number"),
    )


# --- what the tables have in common ---


def _table(
    topic: Topic,
    view: View,
    texts: Texts,
    *,
    notes: Sequence[str],
    columns: tuple[Column, ...],
    rows: tuple[Row, ...],
    picture: Picture,
    by: str = "",
) -> Table:
    """Return a table of a view's categories, titled and named after its topic."""
    title = texts["tables"][topic if view.scheme is None else f"scheme_{topic}"]
    name = topic if view.scheme is None else f"{topic}.{view.scheme}"
    title = title.format(scheme=view.title, by=by)
    return Table(name, title, texts["between"].join(notes), columns, rows, topic, view.scheme, picture)


def category_columns(view: View, texts: Texts) -> tuple[Column, ...]:
    """Return the columns that say which category a row is about; codes have their identifier too."""
    if view.scheme is not None:
        return (column(texts, "category", "text"),)
    return column(texts, "category", "text", "measure"), column(texts, "code", "id")


def category_keys(view: View) -> Iterator[tuple[str, ...]]:
    """Yield what stands in the columns of `category_columns`."""
    if view.scheme is not None:
        return ((title,) for title in view.titles)
    return zip(view.titles, view.categories, strict=True)


def _share(texts: Texts, prefix: str = "", title: str = "") -> tuple[Column, ...]:
    """Return the columns of a share and its interval; ``title`` is the name of the first one's title."""
    return (
        column(texts, f"{prefix}share", "share", title),
        column(texts, f"{prefix}low", "low"),
        column(texts, f"{prefix}high", "high"),
    )


def _rows(
    keys: Iterable[tuple[str, ...]], columns: Sequence[Column], figures: Sequence[NDArray[np.float64]]
) -> tuple[Row, ...]:
    """Return rows of keys and then figures, each of which an array holds, whole where it counts."""
    kinds = [c.kind for c in columns[len(columns) - len(figures) :]]
    cells = [
        list(map(int if kind == "count" else _figure, figure.ravel().tolist()))
        for kind, figure in zip(kinds, figures, strict=True)
    ]
    return tuple((*key, *row) for key, row in zip(keys, zip(*cells, strict=True), strict=True))


def _figure(value: float) -> Cell:
    """Return a figure, None where there is none."""
    return None if np.isnan(value) else float(value)
