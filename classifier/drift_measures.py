"""What is measured on labelled segments to see whether they are like the training text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.decisions import Decisions
from classifier.errors import InputError
from classifier.excerpts import bounds_of, code_points
from classifier.normalise import normalise_all
from classifier.scoring import Features
from classifier.segments import HAN, without_speaker
from classifier.spread import Array, Observed, Whole

Labels = NDArray[np.bool_]
Numbers = NDArray[np.uint64]

NEAR = 0.1  # of its threshold: what a probability counts as near to
_SIZE = 2  # characters of the n-grams looked at, where the model has any of them
_MIX = np.uint64(0x1E3779B97F4A7C15)  # an odd multiplier: different n-grams get different numbers


@dataclass(frozen=True)
class Judged:
    """How a measure is judged: what it is, from which effect on, and in which direction.

    ``effect`` is the odds ratio against the training corpus of a share, the plain ratio of a
    length. They were chosen on real documents: docs/drift.md.
    """

    share: bool
    effect: float
    both_ways: bool = False


MEASURES: Mapping[str, Judged] = {
    "unseen": Judged(share=True, effect=1.7),
    "near": Judged(share=True, effect=2.0),
    "disagreement": Judged(share=True, effect=2.0),
    "uncoded": Judged(share=True, effect=6.0),
    "length": Judged(share=False, effect=2.0, both_ways=True),
    "no_han": Judged(share=True, effect=2.0),
}


class Judge(Protocol):
    """What must be known of the model that labelled: a `PolicyClassifier` or a `Predictor`."""

    codes_: tuple[str, ...]
    trained_: Labels
    decisions_: Decisions

    def scored_features(self) -> Features:
        """Return the terms and the lexicon that the weights are for."""


@dataclass(frozen=True)
class Part:
    """Labelled segments, their documents numbered from 0; see `part`."""

    texts: Sequence[str]
    document: Whole
    n_documents: int
    probabilities: Array
    given: Labels


def part(
    model: Judge, texts: Sequence[str], documents: Sequence[str], probabilities: Any, given: Any
) -> Part:
    """Line up labelled segments; raises `InputError` where the lengths differ."""
    shape = (len(texts), len(model.codes_))
    probabilities, given = np.asarray(probabilities, dtype=float), np.asarray(given, dtype=bool)
    if len(documents) != len(texts) or probabilities.shape != shape or given.shape != shape:
        raise InputError(
            f"{len(texts)} texts with {len(documents)} documents, probabilities of shape "
            f"{probabilities.shape} and codes of shape {given.shape}",
            "give a document and a row for each text, and a column for each code of the model",
        )
    names, document = np.unique(np.asarray(documents, dtype=str), return_inverse=True)
    return Part(texts, document, len(names), probabilities, given)


def observe(model: Judge, labelled: Part, min_df: int | None = None) -> dict[str, Observed]:
    """Return each of the `MEASURES` that there can be on these segments, in their order.

    With ``min_df`` they are those that the model was trained on; see `unseen`.
    """
    one = np.ones(len(labelled.texts))
    coded = np.asarray(labelled.given.any(axis=1), dtype=bool)
    of_segments: dict[str, NDArray[Any] | None] = {
        "near": near(labelled.probabilities[:, model.trained_], model.decisions_),
        "disagreement": disagreement(model, labelled),
        "uncoded": None if model.decisions_.exclusive else ~coded,
        "length": np.diff(bounds_of(labelled.texts)),
        "no_han": np.array([HAN.search(text) is None for text in labelled.texts]),
    }
    missed, all_of_them = unseen(model, labelled, min_df)
    out = {"unseen": Observed(missed, all_of_them, labelled.document)}
    for name, values in of_segments.items():
        if values is not None:
            out[name] = Observed(values.astype(np.float64), one, labelled.document)
    return {name: observed for name, observed in out.items() if observed.weight.any()}


def near(probabilities: Array, decisions: Decisions) -> Labels | None:
    """Return which segments have a code that is within `NEAR` of being decided otherwise.

    A code is where its probability is as near to its threshold; where codes exclude each other,
    where the two highest probabilities are as near to each other. None where no probability is known.

    >>> one = Decisions(np.ones(1), np.zeros(1), np.array([0.4]))
    >>> near(np.array([[0.31], [0.29], [0.55]]), one).tolist()
    [True, False, False]
    """
    if np.isnan(probabilities).all():
        return None
    if not decisions.exclusive:
        return np.asarray((np.abs(probabilities - decisions.threshold) <= NEAR).any(axis=1), dtype=bool)
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=bool)
    ranked = np.sort(probabilities, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2] <= NEAR, dtype=bool)


def disagreement(model: Judge, labelled: Part) -> Labels | None:
    """Return on which segments model and lexicon differ, in the codes that both can give.

    None where there is no such code.
    """
    lexicon, codes = model.scored_features().lexicon, model.codes_
    both = [c for c, yes in zip(codes, model.trained_, strict=True) if yes and c in lexicon.cue_codes]
    if not both:
        return None
    hit = lexicon.hit_codes(labelled.texts)[:, [lexicon.codes.index(code) for code in both]]
    given = labelled.given[:, [codes.index(code) for code in both]]
    return np.asarray((hit != given).any(axis=1), dtype=bool)


def unseen(model: Judge, labelled: Part, min_df: int | None = None) -> tuple[Array, Array]:
    """Return for each segment how many of its n-grams are no terms of the model, and how many it has.

    The n-grams are pairs of neighbouring characters, or of the size next to two that the model has.

    Parameters
    ----------
    min_df : int, optional
        Given with the text that the model was trained on: in how many segments an n-gram must
        stand to become a term. A document is then judged by the terms that there would be without
        it, which is exactly what is seen of it by a model trained on the others.
    """
    terms, n_texts = model.scored_features().terms, len(labelled.texts)
    size = min(set(map(len, terms)), key=lambda length: abs(length - _SIZE))
    known = np.sort(_numbered([term for term in terms if len(term) == size], size)[0])
    number, segment = _numbered(
        normalise_all(list(map(without_speaker, labelled.texts)), numbers=False), size
    )
    place = np.minimum(np.searchsorted(known, number), len(known) - 1)
    seen = known[place] == number
    if min_df is not None:
        others = _other_segments(place[seen], segment[seen], labelled.document)
        seen[seen] = others >= min_df
    missed, all_of_them = (np.bincount(s, minlength=n_texts) for s in (segment[~seen], segment))
    return missed.astype(np.float64), all_of_them.astype(np.float64)


def _numbered(texts: Sequence[str], size: int) -> tuple[Numbers, Whole]:
    """Return a number for each n-gram of ``size`` characters, and in which text it stands."""
    codes, bounds = code_points("".join(texts)).astype(np.uint64), bounds_of(texts)
    text = np.repeat(np.arange(len(texts)), np.diff(bounds))
    n = max(0, len(codes) - size + 1)
    number = np.zeros(n, dtype=np.uint64)
    for i in range(size):
        number = number * _MIX + codes[i : i + n]
    whole = text[:n] == text[size - 1 :][:n]
    return number[whole], text[:n][whole]


def _other_segments(term: Whole, segment: Whole, document: Whole) -> Whole:
    """Return for each occurrence of a term how many segments of other documents have the term.

    ``document`` is that of each segment.
    """
    width = len(document)
    pairs = np.unique(term * width + segment)  # each term once in a segment
    of_term, in_document = pairs // width, document[pairs % width]
    everywhere = np.bincount(of_term)
    own, counts = np.unique(of_term * width + in_document, return_counts=True)
    return np.asarray(everywhere[term] - counts[np.searchsorted(own, term * width + document[segment])])
