"""Scoring decisions against gold: precision, recall and F1, with intervals by document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from rich.cells import cell_len

from classifier.codebook import Codebook
from classifier.corpus import Corpus
from classifier.model import LexiconClassifier, PolicyClassifier
from classifier.predictor import Classifier

Labels = NDArray[np.bool_]
Counts = NDArray[np.float64]  # shape (…, n_codes, 3): true positives, false positives, false negatives

REPLICATIONS = 2000
MACRO_SUPPORT = 5  # the macro average runs over codes with at least so many gold positives


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Evaluation:
    """How well decisions fit gold.

    ``table`` has one row a code (or category) with precision, recall, F1, support
    and the number given; ``micro`` and ``macro`` are F1 with intervals.
    """

    table: pd.DataFrame
    micro: Estimate
    macro: Estimate
    segments: int
    documents: int


def count(given: Labels, gold: Labels) -> Counts:
    """Return true positives, false positives and false negatives per column, shape (n_codes, 3)."""
    return np.asarray(_kinds(given, gold).sum(axis=0))


def _kinds(given: Labels, gold: Labels) -> Counts:
    """Return for each cell whether it is a true positive, a false positive, a false negative."""
    return np.stack([given & gold, given & ~gold, ~given & gold], axis=-1).astype(float)


def f1(counts: Counts) -> NDArray[np.float64]:
    """Return F1 = 2 TP / (2 TP + FP + FN); 0 where nothing is given and nothing is gold.

    >>> f1(np.array([[3.0, 1.0, 1.0]]))
    array([0.75])
    """
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))


def micro_f1(counts: Counts) -> NDArray[np.float64]:
    """Return F1 over all columns together."""
    return f1(counts.sum(axis=-2))


def _per_document(given: Labels, gold: Labels, groups: Sequence[str]) -> Counts:
    """Return counts for each document, shape (n_documents, n_codes, 3)."""
    names, document = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    single = _kinds(given, gold)
    out = np.zeros((len(names), *single.shape[1:]))
    np.add.at(out, document, single)
    return out


def _resampled(n_documents: int) -> NDArray[np.float64]:
    """Return how often each document is drawn in each bootstrap replication; the seed is fixed.

    Documents, not segments, are drawn with replacement: segments of one document are
    alike (cluster bootstrap; Davison & Hinkley, "Bootstrap Methods", 1997, section 3.8).
    """
    rng = np.random.default_rng(20181121)
    return rng.multinomial(n_documents, np.full(n_documents, 1 / n_documents), size=REPLICATIONS).astype(
        float
    )


def _interval(value: ArrayLike, replications: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(replications, [0.025, 0.975])
    return Estimate(float(np.asarray(value)), float(low), float(high))


def _macro(counts: Counts, wide_enough: Labels) -> NDArray[np.float64]:
    """Return F1 averaged over the columns that have gold enough; NaN where none has."""
    if not wide_enough.any():
        return np.full(counts.shape[:-2], np.nan)
    return np.asarray(f1(counts)[..., wide_enough].mean(axis=-1))


def evaluate_decisions(
    given: Labels, gold: Labels, groups: Sequence[str], columns: Sequence[str]
) -> Evaluation:
    """Score decisions against gold.

    Parameters
    ----------
    given, gold : ndarray of bool, shape (n_segments, n_columns)
    groups : sequence of str, length n_segments
        The document of each segment; intervals resample documents.
    columns : sequence of str
        Codes or categories.

    >>> gold = np.array([[True, False], [True, True]])
    >>> evaluate_decisions(gold, gold, ["甲", "乙"], ["health", "housing"]).micro.value
    1.0
    """
    by_document = _per_document(given, gold, groups)
    counts = by_document.sum(axis=0)
    drawn = np.einsum("rd,dcx->rcx", _resampled(len(by_document)), by_document)
    wide_enough = gold.sum(axis=0) >= MACRO_SUPPORT
    return Evaluation(
        table=_table(counts, columns),
        micro=_interval(micro_f1(counts), micro_f1(drawn)),
        macro=_interval(_macro(counts, wide_enough), _macro(drawn, wide_enough)),
        segments=len(gold),
        documents=len(by_document),
    )


def _table(counts: Counts, columns: Sequence[str]) -> pd.DataFrame:
    tp, fp, fn = counts.T
    return pd.DataFrame(
        {
            "precision": tp / np.where(tp + fp, tp + fp, np.nan),
            "recall": tp / np.where(tp + fn, tp + fn, np.nan),
            "f1": np.where(tp + fp + fn, f1(counts), np.nan),
            "support": (tp + fn).astype(int),
            "given": (tp + fp).astype(int),
        },
        index=pd.Index(columns, name="code"),
    )


def paired_difference(given: Labels, baseline: Labels, gold: Labels, groups: Sequence[str]) -> Estimate:
    """Return micro-F1 of ``given`` minus that of ``baseline``, on the same resampled documents."""
    first, second = (_per_document(g, gold, groups) for g in (given, baseline))
    drawn = _resampled(len(first))
    draws = (np.einsum("rd,dcx->rcx", drawn, counts) for counts in (first, second))
    difference = [micro_f1(c) for c in draws]
    return _interval(
        micro_f1(first.sum(axis=0)) - micro_f1(second.sum(axis=0)), difference[0] - difference[1]
    )


@dataclass(frozen=True)
class Comparison:
    """A model and, where there is a lexicon, the baseline on the same gold, in one view."""

    view: str
    model: Evaluation
    baseline: Evaluation | None
    difference: Estimate | None


def compare(gold: Corpus, given: Labels, baseline: Labels | None, scheme: str | None = None) -> Comparison:
    """Score a model's decisions beside the lexicon's, per code or per category of a scheme."""
    columns: Sequence[str] = gold.codebook.columns
    labels = gold.labels
    if scheme is not None:
        columns = tuple(gold.codebook.scheme(scheme).categories)
        labels, given = _rolled_up(gold, labels, scheme), _rolled_up(gold, given, scheme)
        baseline = None if baseline is None else _rolled_up(gold, baseline, scheme)
    groups = gold.groups
    return Comparison(
        view=scheme or gold.codebook.name,
        model=evaluate_decisions(given, labels, groups, columns),
        baseline=None if baseline is None else evaluate_decisions(baseline, labels, groups, columns),
        difference=None if baseline is None else paired_difference(given, baseline, labels, groups),
    )


def _rolled_up(gold: Corpus, labels: Labels, scheme: str) -> Labels:
    frame = pd.DataFrame(labels, columns=list(gold.codebook.columns))
    return gold.codebook.roll_up(frame, scheme).to_numpy(dtype=bool)


def baseline_of(model: PolicyClassifier) -> LexiconClassifier | None:
    """Return the model's lexicon as a classifier, or None where it has none."""
    return None if model.lexicon is None else LexiconClassifier(model.codebook, model.lexicon).fit()


def evaluate(model: PolicyClassifier, gold: Corpus, scheme: str | None = None) -> Comparison:
    """Score a model and its lexicon on gold, per code or per category of ``scheme``.

    The gold's own segments are scored; nothing is cut anew.
    """
    baseline: Classifier | None = baseline_of(model)
    return compare(
        gold, model.predict(gold.texts), None if baseline is None else baseline.predict(gold.texts), scheme
    )


def to_text(comparison: Comparison, codebook: Codebook) -> str:
    """Return a comparison as a table of at most 80 columns: a line a code, then the averages."""
    model, baseline = comparison.model, comparison.baseline
    names = {c.code: f"{c.code} {c.name.get('zh', '')}".strip() for c in codebook.codes}
    shown = [names.get(str(code), str(code)) for code in model.table.index]
    width = max(map(cell_len, [*shown, "code"]))
    heading = (
        f"code{' ' * (width - 4)}  support  precision  recall     F1{'  lexicon F1' if baseline else ''}"
    )
    others = baseline.table["f1"] if baseline else [None] * len(shown)
    lines = [f"\n{comparison.view}: {model.segments:,} segments, {model.documents:,} documents", heading]
    for name, (_, row), other in zip(shown, model.table.iterrows(), others, strict=True):
        cells = [
            f"{row['support']:9.0f}",
            _cell(row["precision"], 11),
            _cell(row["recall"], 8),
            _cell(row["f1"], 7),
        ]
        lines.append(
            name
            + " " * (width - cell_len(name))
            + "".join([*cells, *([_cell(other, 12)] if baseline else [])])
        )
    for kind, of_model, of_baseline in (
        ("micro", model.micro, baseline and baseline.micro),
        ("macro", model.macro, baseline and baseline.macro),
    ):
        lines.append(f"{kind}-F1 {of_model}" + (f"   lexicon {of_baseline}" if of_baseline else ""))
    if comparison.difference is not None:
        lines.append(f"model − lexicon, micro-F1 {comparison.difference}")
    return "\n".join(lines)


def shown(value: float | None, digits: int = 2) -> str:
    """Return a figure for people; a dash where it does not exist.

    >>> shown(0.825, 2), shown(float("nan"))
    ('0.82', '–')
    """
    return "–" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def _cell(value: float | None, width: int) -> str:
    return f"{shown(value):>{width}}"
