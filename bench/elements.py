"""What the elements of the model bring: F1 without each of them, by plain scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC

from classifier import load_codebook, load_lexicon, read_corpus, read_gold, shipped
from classifier.corpus import Corpus
from classifier.decisions import fit_decisions
from classifier.features import TextFeatures, prepare
from classifier.folds import grouped_folds
from classifier.scoring import rounded

GOLD = Path(__file__).resolve().parents[1] / "docs" / "examples_gold.jsonl"
PRESENCE, SUBLINEAR, RAW = "presence", "1 + ln tf", "tf"
STRENGTH = 4.0  # C of the machines

Labels = np.ndarray  # bool of shape (n_texts, n_codes)


@dataclass(frozen=True)
class Element:
    """The model with one element changed: ``tf`` multiplies a term's idf; ``small`` weights have 8 bits."""

    norm: bool = True
    tf: str = PRESENCE
    small: bool = True


ELEMENTS: Mapping[str, Element] = {
    "as shipped": Element(),
    "without L2 norm": Element(norm=False),
    "1 + ln tf, not presence": Element(tf=SUBLINEAR),
    "tf, not presence": Element(tf=RAW),
    "float32 weights, not 8 bits": Element(small=False),
}


def weighted_terms(features: TextFeatures, element: Element, texts: Sequence[str]) -> csr_matrix:
    """Return the terms of texts weighted as the element says, of shape (n_texts, n_terms)."""
    counter = clone(features.counter_).set_params(binary=element.tf == PRESENCE)
    weigh = TfidfTransformer(norm="l2" if element.norm else None, sublinear_tf=element.tf == SUBLINEAR)
    weigh.idf_ = features.idf_
    return weigh.transform(counter.transform(prepare(texts)))


def vectors_of(features: TextFeatures, element: Element, texts: Sequence[str]) -> Callable[..., csr_matrix]:
    """Return what makes vectors of texts: weighted terms beside the lexicon's hits.

    Without the norm all rows are divided by one number, so that those of the training
    ``texts`` have length 1 on average and the strength of the machines means the same.
    """
    terms = partial(weighted_terms, features, element)
    shrink = 1.0 if element.norm else 1 / float(np.sqrt(terms(texts).power(2).sum(axis=1).mean()))
    known = len(features.terms_)
    return lambda part: csr_matrix(hstack([shrink * terms(part), features.transform(part)[:, known:]]))


def f1_of_all() -> dict[str, dict[str, float]]:
    """Return F1 of each element; three fifths of the articles train, one sets thresholds, one tests."""
    corpus, gold = read_corpus([shipped.SEEDS], load_codebook()), read_gold(GOLD, load_codebook())
    fold = grouped_folds(corpus.labels, corpus.groups, 5)
    train, threshold, test = (part_of(corpus, chosen) for chosen in (fold < 3, fold == 3, fold == 4))
    lexicon = load_lexicon(shipped.LEXICON, load_codebook().columns)
    features = TextFeatures(lexicon=lexicon).fit(train[0])
    tests = {"f1_held_out": test, "f1_examples": (gold.texts, gold.labels)}
    fitted: dict[tuple[bool, str], Machines] = {}
    out = {}
    for name, element in ELEMENTS.items():
        vectors, kind = vectors_of(features, element, train[0]), (element.norm, element.tf)
        if kind not in fitted:  # the size of weights is nothing to learn
            fitted[kind] = fit(vectors(train[0]), train[1])
        decide = decider(vectors, fitted[kind], element.small, threshold)
        out[name] = {figure: micro_f1(decide(texts), labels) for figure, (texts, labels) in tests.items()}
    return out


def part_of(corpus: Corpus, chosen: np.ndarray) -> tuple[list[str], Labels]:
    return [corpus.texts[i] for i in np.flatnonzero(chosen)], corpus.labels[chosen]


Machines = tuple[np.ndarray, np.ndarray]


def fit(X: csr_matrix, labels: Labels) -> Machines:
    """Fit one machine a code; return weights and intercepts."""
    fitted = [LinearSVC(C=STRENGTH, random_state=0).fit(X, column) for column in labels.T]
    coef = np.vstack([machine.coef_[0] for machine in fitted]).astype(np.float32)
    return coef, np.array([machine.intercept_[0] for machine in fitted])


def decider(
    vectors: Callable[..., csr_matrix], machines: Machines, small: bool, given: tuple[Any, Labels]
) -> Callable[[Sequence[str]], Labels]:
    """Return what decides on texts, with thresholds learned from labelled texts ``given``."""
    coef = rounded(machines[0]) if small else machines[0]

    def scores(texts: Sequence[str]) -> np.ndarray:
        return np.asarray(vectors(texts) @ coef.T + machines[1], dtype=np.float64)

    decisions = fit_decisions(scores(given[0]), given[1], exclusive=False)
    return lambda texts: decisions.decide(decisions.probabilities(scores(texts)))


def micro_f1(given: Labels, truth: Labels) -> float:
    return 2 * float((given & truth).sum()) / float(given.sum() + truth.sum())
