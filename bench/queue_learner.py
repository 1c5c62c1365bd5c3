"""The learner of `bench.queues`: the project's trainer on texts counted once, and how good it is.

A simulation trains some ten thousand times, so what `classifier.machines.fit` and `TextFeatures` do is
done here without terms as text and without checks; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC

from classifier import load_codebook
from classifier.corpus import Corpus, read_articles, read_corpus
from classifier.decisions import Decisions, fit_decisions
from classifier.features import TextFeatures
from classifier.folds import grouped_folds

STRENGTH, FOLDS = 1.0, 3  # the trainer chooses C each time, and takes five folds
MIN_POSITIVES, MIN_ARTICLES, MIN_DF = 10, 2, 3  # as the trainer has them


@dataclass(frozen=True)
class Segments:
    """A corpus, a row each: ``ngrams`` holds 1 where an n-gram stands in a text; the rest are arrays."""

    ngrams: csr_matrix
    labels: NDArray
    texts: NDArray
    articles: NDArray
    genres: NDArray


@dataclass(frozen=True)
class Machines:
    """Which n-grams are features, how they are weighed, and the machines over them."""

    kept: NDArray
    weights: TfidfTransformer
    coef: NDArray
    intercept: NDArray

    def scores(self, ngrams: csr_matrix) -> NDArray:
        """Return scores, shape (n_segments, n_codes)."""
        return np.asarray(self.weights.transform(ngrams[:, self.kept]) @ self.coef.T + self.intercept)


@dataclass(frozen=True)
class Learned:
    """What was learned from some segments; codes with too few positives are not ``trained``."""

    machines: Machines
    decisions: Decisions
    trained: NDArray

    def probabilities(self, ngrams: csr_matrix) -> NDArray:
        """Return calibrated probabilities, NaN for untrained codes, shape (n_segments, n_codes)."""
        found = np.full((ngrams.shape[0], len(self.trained)), np.nan)
        found[:, self.trained] = self.decisions.probabilities(self.machines.scores(ngrams))
        return found

    def given(self, probabilities: NDArray) -> NDArray:
        """Return which codes are given, of the same shape."""
        found = np.zeros(probabilities.shape, dtype=bool)
        found[:, self.trained] = self.decisions.decide(probabilities[:, self.trained])
        return found


def read_segments(folder: Path = Path("seeds")) -> Segments:
    """Read and count the starter corpus."""
    genre_of = {article.doc_id: article.about["genre"] for article in read_articles(folder)}
    return counted(read_corpus([folder], load_codebook()), genre_of)


def counted(corpus: Corpus, genre_of: dict[str, str]) -> Segments:
    """Count the n-grams of a corpus; those too rare ever to be features are left out."""
    ngrams = TextFeatures().count(corpus.texts).ngrams
    return Segments(
        ngrams[:, np.flatnonzero(ngrams.getnnz(axis=0) >= MIN_DF)],
        corpus.labels,
        np.array(corpus.texts, dtype=object),
        np.array(corpus.groups),
        np.array([genre_of[name] for name in corpus.groups]),
    )


def learn(segments: Segments, rows: NDArray) -> Learned:
    """Train on some segments as `PolicyClassifier.fit` does, with C given and fewer folds."""
    ngrams, articles = segments.ngrams[rows], segments.articles[rows]
    trained = _trainable(segments.labels[rows], articles)
    labels = segments.labels[rows][:, trained]
    folds = grouped_folds(labels, list(articles), FOLDS)
    scores = np.zeros(labels.shape)
    for fold in range(FOLDS):
        out = folds == fold
        scores[out] = fit(ngrams[~out], labels[~out]).scores(ngrams[out])
    return Learned(fit(ngrams, labels), fit_decisions(scores, labels), trained)


def fit(ngrams: csr_matrix, labels: NDArray) -> Machines:
    """Fit features and one machine a code, as `classifier.machines.fit` does without lexicon and prior."""
    kept = np.flatnonzero(ngrams.getnnz(axis=0) >= MIN_DF)
    weights = TfidfTransformer().fit(ngrams[:, kept])
    X = csr_matrix(weights.transform(ngrams[:, kept]), dtype=np.float64)
    X.sum_duplicates()  # once, not once a code
    coef, intercept = np.zeros((labels.shape[1], X.shape[1])), np.full(labels.shape[1], -1.0)
    for j, positive in enumerate(labels.T):
        if positive.any():
            machine = LinearSVC(C=STRENGTH, random_state=0).fit(X, positive)
            coef[j], intercept[j] = machine.coef_[0], machine.intercept_[0]
    return Machines(kept, weights, coef, intercept)


def _trainable(labels: NDArray, articles: NDArray) -> NDArray:
    number = np.unique(articles, return_inverse=True)[1]
    spread = np.array([len(np.unique(number[has])) for has in labels.T])
    return np.asarray((labels.sum(axis=0) >= MIN_POSITIVES) & (spread >= MIN_ARTICLES))


def f1(given: NDArray, truth: NDArray) -> tuple[float, float]:
    """Return macro-F1 over all codes, those never given counting 0, and micro-F1."""
    both, either = (given & truth).sum(axis=0), given.sum(axis=0) + truth.sum(axis=0)
    return float(np.mean(2 * both / np.maximum(either, 1))), float(2 * both.sum() / max(either.sum(), 1))
