"""Whether labelled text is like the text that the model was trained on, and in what it is not.

What is measured on a corpus is compared with the same measured on the training documents, each
judged by a model that has not seen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from classifier.drift_measures import MEASURES, Judge, Judged, observe, part
from classifier.errors import InputError
from classifier.spread import Observed, Typical, typical
from classifier.yaml_lines import parse

LANGUAGES = ("zh", "en")
BAND = 0.99  # of corpora like the training corpus lie inside the band
MIN_DIFFERENCE = 0.05  # of shares that is worth a warning, however sure it is
FEW_DOCUMENTS = 5
_FILE = "drift_texts.yaml"


@dataclass(frozen=True)
class Reference:
    """The measures on the training documents, as a model folder keeps them in its manifest."""

    documents: int
    measures: Mapping[str, Typical]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as values for JSON."""
        return {"documents": self.documents, "measures": {n: dict(vars(t)) for n, t in self.measures.items()}}

    @classmethod
    def from_json(cls, value: Any) -> Reference:
        """Read what `to_json` gave; raises ValueError for anything else."""
        if not isinstance(value, dict) or set(value) != {"documents", "measures"}:
            raise ValueError("the reference for drift is not one of documents and measures")
        documents, measures = value["documents"], value["measures"]
        if type(documents) is not int or documents < 1 or not isinstance(measures, dict):
            raise ValueError("the reference for drift has no documents, or no measures")
        if not set(measures) <= set(MEASURES):
            raise ValueError("the reference for drift has measures that are unknown")
        read = {name: Typical.from_json(measures[name]) for name in MEASURES if name in measures}
        if any(found.mean > 1 for name, found in read.items() if MEASURES[name].share):
            raise ValueError("the reference for drift has a share above 1")
        return cls(documents, read)


class Known(Judge, Protocol):
    """A model that knows what its training text was like."""

    reference_: Reference | None


@dataclass(frozen=True)
class Row:
    """One measure: its value, and what is usual where text is like the training text.

    ``reference``, ``low`` and ``high`` are None where the model folder has none. ``unlike``
    says that the value lies outside the band from ``low`` to ``high``, and so far from the
    reference that it matters.
    """

    name: str
    value: float
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    unlike: bool = False

    @property
    def share(self) -> bool:
        """Whether the figures are shares, in [0, 1]; a length is in characters."""
        return MEASURES[self.name].share

    def shown(self, figure: float | None) -> str:
        """Return one of the figures as people read it; a dash where there is none.

        >>> Row("unseen", 0.1654).shown(0.1654), Row("length", 38.9).shown(38.9)
        ('16.5%', '38.9')
        """
        if figure is None:
            return "–"
        return f"{100 * figure:.1f}%" if self.share else f"{figure:.1f}"


@dataclass(frozen=True)
class Drift:
    """How a labelled corpus compares with the training corpus; made by `measure`.

    A measure that there cannot be has no row: near thresholds without probabilities,
    disagreement without a lexicon, segments without a code where codes exclude each other.
    ``compared`` says whether the model folder had anything to compare with.
    """

    documents: int
    segments: int
    rows: tuple[Row, ...]
    compared: bool

    @property
    def unlike(self) -> bool:
        """Whether the corpus is unlike the training corpus in any measure."""
        return any(row.unlike for row in self.rows)

    def verdict(self, lang: str) -> str:
        """Return in a sentence or two whether the corpus is like the training corpus."""
        texts = drift_texts(lang)
        if not self.segments:
            return str(texts["nothing"])
        if not self.compared:
            return str(texts["no_reference"])
        if self.unlike:
            told = [texts["measures"][row.name]["name"] for row in self.rows if row.unlike]
            return str(texts["unlike"]).format(measures=texts["comma"].join(told))
        kind = "like" if self.documents >= FEW_DOCUMENTS else "like_few"
        return str(texts[kind]).format(documents=self.documents)

    def warnings(self, lang: str) -> tuple[str, ...]:
        """Return what a reader must be told: the verdict, then what is unlike; nothing where all is like."""
        if not self.segments or (self.compared and not self.unlike):
            return ()
        return (self.verdict(lang), *(_warning(row, lang) for row in self.rows if row.unlike))


def measure(
    model: Known, texts: Sequence[str], documents: Sequence[str], probabilities: Any, given: Any
) -> Drift:
    """Compare a labelled corpus with the text that the model was trained on.

    A measure is `unlike` where it lies outside the band that holds `BAND` of corpora of so many
    documents of such sizes drawn like the training documents, and where the effect matters: as
    `MEASURES` says and, for shares, by `MIN_DIFFERENCE`.

    Parameters
    ----------
    model : PolicyClassifier or Predictor
        The one that labelled.
    texts : sequence of str, length n_segments
    documents : sequence of str, length n_segments
        The document of each segment.
    probabilities : array of float, shape (n_segments, n_codes)
        In [0, 1]; NaN where unknown.
    given : array of bool, shape (n_segments, n_codes)
        The codes given; columns are the model's ``codes_``.

    Raises `InputError` where the lengths differ.
    """
    labelled = part(model, texts, documents, probabilities, given)
    usual = {} if model.reference_ is None else model.reference_.measures
    rows = (_row(name, seen, usual.get(name)) for name, seen in observe(model, labelled).items())
    return Drift(labelled.n_documents, len(texts), tuple(rows), model.reference_ is not None)


def reference(
    model: Judge,
    texts: Sequence[str],
    documents: Sequence[str],
    probabilities: Any,
    given: Any,
    *,
    min_df: int,
) -> Reference:
    """Return the measures on the training documents, for the model's folder.

    Parameters
    ----------
    model, texts, documents
        The model, and what it was trained on.
    probabilities, given
        As `measure` takes them, but out of fold: text that a model has seen flatters it.
    min_df : int
        Segments in which an n-gram had to stand to become a term.
    """
    labelled = part(model, texts, documents, probabilities, given)
    found = observe(model, labelled, min_df)
    return Reference(labelled.n_documents, {name: typical(observed) for name, observed in found.items()})


def _row(name: str, observed: Observed, usual: Typical | None) -> Row:
    value, judged = observed.value, MEASURES[name]
    if usual is None:
        return Row(name, value)
    low, high = usual.band(observed.per_document()[1], BAND, share=judged.share)
    more = value > high and _matters(value, usual.mean, judged)
    less = judged.both_ways and value < low and _matters(usual.mean, value, judged)
    return Row(name, value, usual.mean, low, high, more or less)


def _matters(larger: float, smaller: float, judged: Judged) -> bool:
    if not judged.share:
        return larger >= judged.effect * smaller
    # The odds ratio, multiplied out: no odds of nothing, and none of all
    odds = larger * (1 - smaller) >= judged.effect * smaller * (1 - larger)
    return odds and larger - smaller >= MIN_DIFFERENCE


@lru_cache(maxsize=len(LANGUAGES))
def drift_texts(lang: str) -> Mapping[str, Any]:
    """Return the words of a language, as ``templates/drift_texts.yaml`` has them.

    ``measures`` has for each measure its ``title`` and what it is ``about``; ``note`` tells how to
    read a table of rows. Raises `InputError` for a language that there is not.

    >>> drift_texts("zh")["measures"]["length"]["title"]
    '语段平均字数'
    """
    if lang not in LANGUAGES:
        raise InputError(f"no texts in '{lang}'", f"languages: {', '.join(LANGUAGES)}")
    file = Path(__file__).with_name("templates") / _FILE
    value, _ = parse(file.read_text(encoding="utf-8"), _FILE)
    texts: Mapping[str, Any] = value[lang]
    return texts


def _warning(row: Row, lang: str) -> str:
    """Return what a measure that is unlike means for the reader."""
    direction = "low" if row.low is not None and row.value < row.low else "high"
    figures = {name: row.shown(getattr(row, name)) for name in ("value", "reference", "low", "high")}
    return str(drift_texts(lang)["measures"][row.name][direction]).format(**figures)
