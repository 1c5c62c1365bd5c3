"""Training all over on corpus and reviewed segments together, the other way in `bench.retrainings`.

Machines, features and prior are those of the trainer. Calibration and thresholds are the base's, as those
of a corrected model are: to fit them too would cost six times as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.svm import LinearSVC

from bench.shifts import STRENGTH
from classifier.corpus import Corpus
from classifier.features import Counts, TextFeatures
from classifier.machines import PRIOR_WEIGHT
from classifier.model import PolicyClassifier
from classifier.prior import Prior

WEIGHTS = (1, 5, 25)  # how often a reviewed segment counts
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """A base's corpus and the user's text, counted once: the ``n_base`` first rows are the base's."""

    features: TextFeatures
    counts: Counts
    labels: Labels
    n_base: int
    prior: Prior | None


def counted(base: Corpus, user: Corpus, model: PolicyClassifier, prior: Prior | None) -> Counted:
    """Count both texts for features as the model has them."""
    features = TextFeatures(lexicon=model.lexicon, **model.features_.options())
    return Counted(features, features.count([*base.texts, *user.texts]), base.labels, len(base.texts), prior)


def trained_all_over(
    text: Counted, model: PolicyClassifier, rows: NDArray[np.intp], labels: Labels, test: NDArray[np.intp]
) -> Iterator[Labels]:
    """Yield what is given to the segments of ``test``, for each of `WEIGHTS`.

    ``rows`` and ``test`` are rows of the user's text; ``labels`` (n_rows, n_codes) are those of ``rows``.
    """
    known = text.counts.rows(np.concatenate([np.arange(text.n_base), text.n_base + rows]))
    features = text.features.fit_counts(known)
    X, ours = (
        features.transform_counts(known),
        features.transform_counts(text.counts.rows(text.n_base + test)),
    )
    truth = np.concatenate([text.labels, labels])[:, model.trained_]
    codes = [code for code, yes in zip(model.codes_, model.trained_, strict=True) if yes]
    outside = np.zeros((len(codes), X.shape[1]), dtype=np.float32)
    if text.prior is not None:
        outside = text.prior.aligned(codes, features.get_feature_names_out())
    for weight in WEIGHTS:
        counts = np.repeat([1.0, weight], [text.n_base, len(rows)])
        scores = [scored(X, truth[:, j], counts, outside[j], ours) for j in range(len(codes))]
        given = np.zeros((len(test), len(model.codes_)), dtype=bool)
        decisions = model.decisions_
        given[:, model.trained_] = decisions.decide(decisions.probabilities(np.column_stack(scores)))
        yield given


def scored(X: csr_matrix, positive: Labels, counts: NDArray, prior: NDArray, ours: csr_matrix) -> NDArray:
    """Return scores of ``ours`` by a machine as `classifier.machines.fit` makes it, of rows that count."""
    if prior.any():
        X, ours = (
            csr_matrix(hstack([of, csr_matrix((PRIOR_WEIGHT * (of @ prior))[:, None])], dtype=np.float32))
            for of in (X, ours)
        )
    machine = LinearSVC(C=STRENGTH, random_state=0).fit(X, positive, sample_weight=counts)
    return np.asarray(machine.decision_function(ours))
