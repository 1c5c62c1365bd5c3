"""From labelled segments to a report: every table, the sentences, and what to know before reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from classifier.corrected_tables import corrected_tables
from classifier.dates import Periods, periods
from classifier.drift import Drift
from classifier.drift_tables import drift_of, drift_tables
from classifier.errors import InputError
from classifier.evaluation_tables import ModelFigures
from classifier.groups import Groups, groups
from classifier.hand_labels import HandLabels
from classifier.labelled import Labelled
from classifier.model import PolicyClassifier
from classifier.quality_tables import quality_tables
from classifier.report_sentences import sentences_of_codes
from classifier.report_tables import Report, SchemeView, Table
from classifier.report_texts import percent, report_texts
from classifier.share_tables import (
    against_table,
    group_table,
    shares_table,
    summary_table,
    together_table,
    trend_table,
)
from classifier.views import Counted, View, views

SENTENCES = 5  # of each kind shown for a code
DATE = "date"  # the column that tells the date where none is named
FEW_DOCUMENTS = 20
ROUNDED = 1e-4  # labelled files have probabilities with four decimals
OTHER_MODEL = 0.05  # share of decisions against the thresholds from which the reader is told

Texts = Mapping[str, Any]


def make_report(
    labelled: Labelled,
    *,
    model: PolicyClassifier | None = None,
    figures: ModelFigures | None = None,
    schemes: Sequence[str] | None = None,
    lang: str = "zh",
    date_column: str | None = None,
    by: str | None = None,
    against: Labelled | None = None,
    hand: HandLabels | None = None,
    sentences: int = SENTENCES,
) -> Report:
    """Count, compare and explain labelled segments.

    Parameters
    ----------
    labelled, against : Labelled
        A corpus, and another to compare it with.
    hand : HandLabels
        Hand labels of a sample of the corpus, for shares corrected for the model's errors.
    model, figures : PolicyClassifier, ModelFigures
        The model that labelled, for what decided and what is doubtful; and how good it is.
    schemes : sequence of str
        Schemes to show; by default all of the codebook.
    lang : {"zh", "en"}
        The language of all but sentences, and names that have only one.
    date_column, by : str
        The column of dates, by default ``date``; and that whose values divide segments into groups.
    sentences : int
        Sentences of each kind shown for each code.

    Raises `InputError` for a column that is not there, or named for its dates and without any, and
    `CodebookError` for an unknown scheme.
    """
    texts, book = report_texts(lang), labelled.codebook
    shown = views(book, tuple(book.schemes) if schemes is None else schemes, lang)
    counted, other = Counted(labelled), None if against is None else Counted(against)
    dated, told = _dated(labelled, date_column, texts)
    grouped = _grouped(labelled, by, texts)
    drift = None if model is None or not len(labelled) else drift_of(labelled, model)
    tables = (
        *_counts(counted, shown, texts, dated=dated, grouped=grouped, other=other, hand=hand),
        *(() if drift is None else drift_tables(drift, lang, texts)),
        *(() if figures is None else quality_tables(figures, shown[0], texts)),
    )
    return Report(
        source=labelled.source,
        against="" if against is None else against.source,
        lang=lang,
        heading=texts["heading"],
        about=texts["about"],
        codebook=f"{book.name} {book.version}",
        parts={table.topic: texts["parts"][table.topic] for table in tables},
        schemes=tuple(SchemeView(str(v.scheme), v.title, v.source, v.categories) for v in shown[1:]),
        tables=tables,
        codes=sentences_of_codes(labelled, model, lang, sentences),
        warnings=(*_warnings(counted, model, shown[0], texts), *_unlike(drift, lang), *told),
    )


def _counts(
    counted: Counted,
    shown: Sequence[View],
    texts: Texts,
    *,
    dated: Periods | None,
    grouped: Groups | None,
    other: Counted | None,
    hand: HandLabels | None,
) -> Iterator[Table]:
    """Yield the tables that count, in the order in which people read it."""
    book = counted.labelled.codebook
    yield summary_table(counted, texts)
    yield from (shares_table(view, counted, texts) for view in shown)
    if hand is not None:
        for view in shown:
            yield from corrected_tables(
                view, hand, texts, periods=dated, groups=grouped, exclusive=book.exclusive
            )
    if dated is not None:
        yield from (trend_table(view, counted, dated, texts) for view in shown)
    if grouped is not None:
        yield from (group_table(view, counted, grouped, texts) for view in shown)
    if not book.exclusive and len(book.columns) > 1:
        yield together_table(shown[0], counted, texts)
    if other is not None:
        yield from (against_table(view, counted, other, texts) for view in shown)


def _dated(labelled: Labelled, column: str | None, texts: Texts) -> tuple[Periods | None, list[str]]:
    """Return the periods of the segments, None without any to compare, and what to say of it."""
    if column is None and DATE not in labelled.frame:
        return None, []
    name = _known_column(labelled, column or DATE)
    found = periods(labelled.frame[name])
    if not found.names and column is not None:
        raise InputError(
            f"{labelled.source}: column '{name}' has no date that can be read",
            "dates such as 2019-10-17, 2019年10月17日, 2019/10 or 2019",
        )
    if not found.names:
        told = texts["warnings_of"]["no_dates"].format(column=name, n=found.unreadable)
        return None, [told] if found.unreadable else []
    return (found if len(found.names) > 1 else None), []


def _grouped(labelled: Labelled, column: str | None, texts: Texts) -> Groups | None:
    if column is None:
        return None
    words = texts["groups"]
    return groups(labelled.frame[_known_column(labelled, column)], words["others"], words["missing"])


def _known_column(labelled: Labelled, column: str) -> str:
    if column not in labelled.frame:
        raise InputError(
            f"{labelled.source}: no column '{column}'", f"columns: {', '.join(map(str, labelled.frame))}"
        )
    return column


def _warnings(counted: Counted, model: PolicyClassifier | None, codes: View, texts: Texts) -> Iterator[str]:
    """Yield what a reader must know before the figures."""
    words = texts["warnings_of"]
    if not len(counted.labelled):
        yield words["empty"]
    elif counted.n_documents == 1:
        yield words["no_document_interval"]
    elif counted.n_documents < FEW_DOCUMENTS:
        yield words["few_documents"].format(documents=counted.n_documents)
    if model is None:
        return
    titles = dict(zip(codes.categories, codes.titles, strict=True))
    if model.untrained_:
        yield words["untrained"].format(codes=texts["comma"].join(titles[c] for c in model.untrained_))
    share = against_thresholds(counted.labelled, model)
    if share > OTHER_MODEL:
        yield words["other_model"].format(share=percent(share))


def _unlike(drift: Drift | None, lang: str) -> tuple[str, ...]:
    """Return what to say where the text is unlike the training corpus; nothing where nobody can tell."""
    return drift.warnings(lang) if drift is not None and drift.unlike else ()


def against_thresholds(labelled: Labelled, model: PolicyClassifier) -> float:
    """Return the share of decisions that are not those of the model's thresholds; 0 where there are none.

    Counted are codes given and codes that should have been; probabilities on the edge of a
    threshold, where rounding decides, count for nothing.
    """
    if labelled.codebook.exclusive:
        return 0.0
    p, given = labelled.probabilities.to_numpy(dtype=float), labelled.given.to_numpy(dtype=bool)
    threshold = np.full(p.shape[1], np.nan)
    threshold[np.asarray(model.trained_, dtype=bool)] = model.decisions_.threshold
    settled = np.abs(p - threshold) > ROUNDED  # not where either is unknown
    due = p >= threshold
    decisions = int((settled & (given | due)).sum())
    return int((settled & (given ^ due)).sum()) / decisions if decisions else 0.0
