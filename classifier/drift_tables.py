"""The tables of a report that say how unlike the training corpus the labelled text is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from classifier.drift import Drift, Row, drift_texts, measure
from classifier.labelled import Labelled
from classifier.model import PolicyClassifier
from classifier.report_tables import Column, Kind, Table
from classifier.report_tables import Row as Cells
from classifier.report_texts import column

Texts = Mapping[str, Any]


def drift_of(labelled: Labelled, model: PolicyClassifier) -> Drift:
    """Compare labelled segments with the text that a model was trained on; see `measure`."""
    frame = labelled.frame
    probabilities, given = (f.to_numpy() for f in (labelled.probabilities, labelled.given))
    return measure(model, frame["text"].tolist(), frame["doc_id"].tolist(), probabilities, given)


def drift_tables(drift: Drift, lang: str, texts: Texts) -> Iterator[Table]:
    """Yield a table of the measures that are shares, and one of those that are not.

    Parameters
    ----------
    drift : Drift
    lang : {"zh", "en"}
    texts : mapping
        See `report_texts`.
    """
    shares = [row for row in drift.rows if row.share]
    others = [row for row in drift.rows if not row.share]
    title, verdict = texts["tables"]["drift"], drift.verdict(lang)
    yield Table("drift", title, verdict, _columns("share", texts), _rows(shares, lang), "drift")
    if others:
        title = texts["tables"]["drift_lengths"]
        yield Table("drift.lengths", title, "", _columns("number", texts), _rows(others, lang), "drift")


def _columns(kind: Kind, texts: Texts) -> tuple[Column, ...]:
    return (
        column(texts, "item", "key"),
        column(texts, "measured", "text"),
        column(texts, "value", kind),
        column(texts, "reference", kind),
        column(texts, "usual_low", "low"),
        column(texts, "usual_high", "high"),
        column(texts, "unlike", "flag"),
        column(texts, "meaning", "text"),
    )


def _rows(rows: Sequence[Row], lang: str) -> tuple[Cells, ...]:
    words = drift_texts(lang)["measures"]
    return tuple(
        (
            *(row.name, words[row.name]["title"], row.value, row.reference, row.low, row.high),
            *(row.unlike if row.reference is not None else None, words[row.name]["about"]),
        )
        for row in rows
    )
