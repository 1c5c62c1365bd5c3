"""The tables of a report that say how right the model is, so that nobody reads too much into the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from classifier.evaluation_page import HELD_OUT
from classifier.evaluation_tables import CodeFigures, ModelFigures
from classifier.report_tables import Cell, Column, Picture, Table
from classifier.report_texts import column
from classifier.views import View

Texts = Mapping[str, Any]


def quality_tables(figures: ModelFigures, view: View, texts: Texts) -> Iterator[Table]:
    """Yield precision, recall and F1 per code, and F1 per text that the model was checked on.

    Parameters
    ----------
    figures : ModelFigures
    view : View
        The codes; see `views`.
    texts : mapping
        See `report_texts`.
    """
    if figures.codes:
        yield _per_code(figures.codes, view, texts)
    if figures.texts:
        yield _per_text(figures, texts)


def _per_code(codes: tuple[CodeFigures, ...], view: View, texts: Texts) -> Table:
    titles = dict(zip(view.categories, view.titles, strict=True))
    golds = dict.fromkeys(name for code in codes for name in code.golds)
    rows = tuple((titles[c.code], c.code, *_figures(c), *_on_golds(c, golds)) for c in codes)
    columns = (
        column(texts, "category", "text", "measure"),
        column(texts, "code", "id"),
        column(texts, "trained", "flag"),
        column(texts, "support", "count"),
        *(column(texts, name, "number") for name in ("precision", "recall", "f1")),
        *(made for name in golds for made in _gold_columns(name, texts)),
    )
    title, note = texts["tables"]["quality"], texts["notes"]["quality"]
    return Table("quality", title, note, columns, rows, "quality", None, Picture("bars", "category", "f1"))


def _figures(code: CodeFigures) -> tuple[Cell, ...]:
    return code.trained, code.support, code.precision, code.recall, code.f1


def _on_golds(code: CodeFigures, golds: Mapping[str, None]) -> Iterator[Cell]:
    for name in golds:
        yield from code.golds.get(name, (None, None))


def _gold_columns(gold: str, texts: Texts) -> Iterator[Column]:
    yield Column(f"f1.{gold}", texts["columns"]["gold_f1"].format(gold=gold), "number")
    yield Column(f"support.{gold}", texts["columns"]["gold_support"].format(gold=gold), "count")


def _per_text(figures: ModelFigures, texts: Texts) -> Table:
    rows = tuple(
        (
            *(texts["held_out"] if t.text == HELD_OUT else t.text, t.segments, t.documents, t.support),
            *(t.f1, t.low, t.high, t.lexicon_f1, t.coders_f1),
        )
        for t in figures.texts
    )
    columns = (
        column(texts, "text", "text"),
        *(column(texts, name, "count") for name in ("segments", "documents", "support")),
        *(column(texts, "f1", "number"), column(texts, "low", "low"), column(texts, "high", "high")),
        *(column(texts, name, "number") for name in ("lexicon_f1", "coders_f1")),
    )
    title, note = texts["tables"]["quality_texts"], texts["notes"]["quality_texts"]
    picture = Picture("bars", "text", "f1", low="low", high="high")
    return Table("quality.texts", title, note, columns, rows, "quality", None, picture)
