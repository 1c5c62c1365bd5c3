"""The tables of a report with shares corrected by hand labels, beside the model's own and those by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from classifier.dates import Periods
from classifier.estimate import WAYS, CodedCorpus, estimate_by_group, estimate_differences, estimate_shares
from classifier.groups import Groups
from classifier.hand_labels import HandLabels
from classifier.report_tables import Cell, Column, Kind, Picture, Row, Table
from classifier.report_texts import column
from classifier.share_tables import category_columns, category_keys
from classifier.views import View

Texts = Mapping[str, Any]
_ORDER = tuple(reversed(WAYS))  # what a reader wants first stands first
_INTERVAL = {"value": _ORDER[0], "low": f"{_ORDER[0]}_low", "high": f"{_ORDER[0]}_high"}
_FEW, _SAVED = "few_positives", "labels_saved"


def corrected_tables(
    view: View,
    hand: HandLabels,
    texts: Texts,
    *,
    periods: Periods | None = None,
    groups: Groups | None = None,
    exclusive: bool = False,
) -> Iterator[Table]:
    """Yield a view's corrected shares: of the corpus, in periods, in groups, and how these differ.

    Parameters
    ----------
    view : View
    hand : HandLabels
        See `read_hand_labels`.
    texts : mapping
        See `report_texts`.
    periods, groups : Periods or None, Groups or None
        What divides the segments of the corpus.
    exclusive : bool
        Whether codes exclude each other.
    """
    corpus = hand.corpus
    if view.scheme is not None:
        corpus = corpus.rolled_up(view.categories, exclusive=exclusive)
    tables = _Tables(view, corpus, texts)
    yield tables.whole(texts["notes"]["corrected"].format(coded=hand.coded, rows=hand.rows))
    if periods is not None:
        over_time = _Parts("period", "", periods, [(i, i + 1) for i in range(len(periods.names) - 1)])
        yield from tables.divided(over_time)
    if groups is not None:
        beside_largest = _Parts("group", groups.column, groups, [(0, i) for i in range(1, groups.shown)])
        yield from tables.divided(beside_largest)


@dataclass(frozen=True)
class _Parts:
    """What divides a corpus, what that is called, and which parts are compared: the second less the first."""

    across: str
    by: str
    into: Periods | Groups
    pairs: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class _Tables:
    """The tables of one view."""

    view: View
    corpus: CodedCorpus
    texts: Texts

    def whole(self, note: str) -> Table:
        """Return the shares of the whole corpus."""
        columns = (*category_columns(self.view, self.texts), *self._figures("share"), *self._behind())
        rows = _rows(category_keys(self.view), columns, estimate_shares(self.corpus))
        return self._table("corrected", note, columns, rows, Picture("bars", "category", **_INTERVAL))

    def divided(self, parts: _Parts) -> Iterator[Table]:
        """Yield the shares in parts of the corpus, and the differences of pairs of them."""
        across, names = parts.across, parts.into.names
        coded = column(self.texts, "coded", "count")
        kind: Any = "lines" if across == "period" else "heat"
        columns = (
            *category_columns(self.view, self.texts),
            self._part(parts),
            *self._figures("share"),
            coded,
            *self._behind(),
        )
        found = self._turned(estimate_by_group(self.corpus, parts.into.number, names), len(names))
        yield self._table(
            f"corrected_{across}",
            self.texts["notes"]["corrected_parts"],
            columns,
            _rows(self._crossed(names), columns, found),
            Picture(kind, "category", across=across, **_INTERVAL),
            by=parts.by,
        )
        if parts.pairs:
            yield self._differences(parts)

    def _differences(self, parts: _Parts) -> Table:
        into, between = parts.into, self.texts["against_part"]
        names = [between.format(one=into.names[j], other=into.names[i]) for i, j in parts.pairs]
        found = estimate_differences(self.corpus, into.number, into.names, parts.pairs)
        few = column(self.texts, _FEW, "flag")
        columns = (
            *category_columns(self.view, self.texts),
            self._part(parts),
            *self._figures("difference"),
            few,
        )
        return self._table(
            f"corrected_{parts.across}_differences",
            self.texts["notes"]["corrected_differences"],
            columns,
            _rows(self._crossed(names), columns, self._turned(found, len(names))),
            None,
            by=parts.by,
        )

    def _table(
        self,
        what: str,
        note: str,
        columns: tuple[Column, ...],
        rows: tuple[Row, ...],
        picture: Picture | None,
        *,
        by: str = "",
    ) -> Table:
        view, title = self.view, self.texts["tables"][what].format(by=by)
        if view.scheme is None:
            return Table(what, title, note, columns, rows, "corrected", None, picture)
        title = self.texts["in_scheme"].format(scheme=view.title, table=title)
        return Table(f"{what}.{view.scheme}", title, note, columns, rows, "corrected", view.scheme, picture)

    def _turned(self, found: pd.DataFrame, n_parts: int) -> pd.DataFrame:
        """Return rows with the categories one after the other, where the parts were."""
        n = len(self.view.categories)
        return found.iloc[[p * n + c for c, p in product(range(n), range(n_parts))]]

    def _part(self, parts: _Parts) -> Column:
        return Column(parts.across, parts.by or self.texts["columns"][parts.across], "text")

    def _crossed(self, parts: Sequence[str]) -> Iterator[tuple[str, ...]]:
        return ((*key, part) for key, part in product(category_keys(self.view), parts))

    def _figures(self, kind: Kind) -> tuple[Column, ...]:
        """Return the columns of the three kinds of share, or of difference, with their intervals."""
        return tuple(
            made
            for way in _ORDER
            for made in (
                column(self.texts, way, kind, f"{way}_{kind}"),
                column(self.texts, f"{way}_low", "low"),
                column(self.texts, f"{way}_high", "high"),
            )
        )

    def _behind(self) -> tuple[Column, ...]:
        counts = (column(self.texts, name, "count") for name in ("positives", _SAVED))
        return (*counts, column(self.texts, _FEW, "flag"))


def _rows(keys: Iterable[tuple[str, ...]], columns: Sequence[Column], found: pd.DataFrame) -> tuple[Row, ...]:
    """Return rows of keys and then the figures that the columns behind them name."""
    if _SAVED in found:  # the width of an interval from a handful of positives is itself a guess
        found = found.assign(**{_SAVED: found[_SAVED].mask(found[_FEW])})
    cells = [[_cell(value, c.kind) for value in found[c.name].tolist()] for c in columns if c.name in found]
    return tuple((*key, *row) for key, row in zip(keys, zip(*cells, strict=True), strict=True))


def _cell(value: Any, kind: Kind) -> Cell:
    if kind == "flag":
        return bool(value)
    if np.isnan(value):
        return None
    return int(value) if kind == "count" else float(value)
